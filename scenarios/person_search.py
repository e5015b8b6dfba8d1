"""48 cameras and a cloud learn to find people again, whoever saw them and however.

Each camera sees some modalities and some people, in one of two styles; the cloud has a multimodal language model that
taught the student which they run. People are emoji here, as no person data may be shipped (docs/data.md).
"""

from mlecs_ray.scenario.config import (
    ClientsConfig,
    DataConfig,
    EvaluationConfig,
    FaultsConfig,
    LocalConfig,
    MasksConfig,
    MethodConfig,
    PeopleConfig,
    Scenario,
    StragglersConfig,
    TaskConfig,
)
from mlecs_ray.scenario.people import StudentConfig, TeacherConfig
from mlecs_ray.server.schedule import Schedule

SCENARIO = Scenario(
    name="person_search",
    title="48 cameras and a cloud find people again: MLLMEmbed-ReID, FedAvg with the same student, and one untaught",
    seconds=86400.0,
    merges=24,
    data=DataConfig(name="emojireid", test_share=0.25, public_share=0.35, partition="domain", per_client=24),
    clients=ClientsConfig(
        count=48,
        devices={"pi4b": 1.0, "jetson-nano": 1.0, "jetson-orin": 1.0},
        masks=MasksConfig(kind="fixed", rate=0.4),
        faults=FaultsConfig(dropout=0.05),
        stragglers=StragglersConfig(share=0.25, factor=5.0),
        jitter=0.2,
    ),
    task=TaskConfig(kind="reid"),
    reid=PeopleConfig(
        teacher=TeacherConfig(layers=10, eye_steps=250, words_steps=400, steps=60),
        student=StudentConfig(alone_steps=150, taught_steps=150),
    ),
    local=LocalConfig(optimizer="adamw", lr=1e-4, batch=12, epochs=2, clip=1.0),
    method=MethodConfig(name="mllmembedreid"),
    schedule=Schedule(concurrency=12, buffer=6),
    evaluation=EvaluationConfig(
        metrics=("map", "map_text_rgb", "map_ir_rgb", "map_sketch_rgb", "rank1", "map_edgecloud", "map_cloud"),
        every_merges=6,
    ),
    variants={
        "MLLMEmbed-ReID": {"method.name": "mllmembedreid"},
        "FedAvg, same student": {"method.name": "fedavg"},
    },
)
