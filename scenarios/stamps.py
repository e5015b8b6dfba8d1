"""The main job: ML-ECS. 120 devices and a cloud learn to caption pictures that they see, or hear named.

Devices differ in sensors, speed, link, language model, encoders, fusion and adapter rank; a quarter is ten times
slower, jobs get lost.
"""

from mlecs_ray.scenario.config import (
    AvailabilityConfig,
    ClientsConfig,
    DataConfig,
    EvaluationConfig,
    FaultsConfig,
    LocalConfig,
    MasksConfig,
    MethodConfig,
    RuntimeConfig,
    Scenario,
    StragglersConfig,
    TaskConfig,
)
from mlecs_ray.server.schedule import Schedule

SCENARIO = Scenario(
    name="stamps",
    title="120 devices and a cloud caption what they see and hear, each with its own sensors and language model",
    seconds=86400.0,
    merges=20,
    data=DataConfig(
        name="stamps",
        modalities=("image", "speech_es", "speech_fr", "speech_ru"),
        test_share=0.15,
        public_share=0.2,
        partition="dirichlet",
        alpha=1.0,
        per_client=16,
    ),
    clients=ClientsConfig(
        count=120,
        devices={"jetson-nano": 2.0, "jetson-orin": 1.0, "phone-high": 2.0, "pi4b": 1.0},
        structures={"pi4b": "edge-small", "phone-high": "edge-small"},
        availability=AvailabilityConfig(kind="diurnal+markov", on_share=0.8, mean_on=7200.0, mean_off=1800.0),
        masks=MasksConfig(kind="fixed", rate=0.7),
        faults=FaultsConfig(dropout=0.08, upload_loss=0.02),
        stragglers=StragglersConfig(share=0.25, factor=10.0),
        jitter=0.2,
    ),
    task=TaskConfig(
        kind="caption",
        slms=("edge-base", "edge-small"),
        cloud_llm="smollm2",
        ranks={"edge-small": 4},
        fusions={"edge-small": "pooling"},
        soft_tokens=2,
        max_tokens=16,
        noise=0.5,
        instruction="Caption:",
    ),
    local=LocalConfig(optimizer="adamw", lr=2e-3, batch=8, steps=4, clip=1.0),
    method=MethodConfig(name="mlecs"),
    # Half of the merges are the cloud's own.
    schedule=Schedule(concurrency=8, buffer=8),
    runtime=RuntimeConfig(checkpoint_every=10),
    evaluation=EvaluationConfig(metrics=("rouge_lsum", "rouge_lsum_content"), every_merges=10, rows=64, clients=2),
)
