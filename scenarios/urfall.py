"""Twenty devices say whether somebody fell (UR Fall Detection), from pictures, depth or an accelerometer.

The recordings are the user's: `mlecs run urfall --set data.path=FOLDER`; docs/data.md draws the folder.
"""

from mlecs_ray.scenario.config import (
    AvailabilityConfig,
    ClientsConfig,
    DataConfig,
    EvaluationConfig,
    LocalConfig,
    MasksConfig,
    MethodConfig,
    RuntimeConfig,
    Scenario,
    TaskConfig,
)
from mlecs_ray.server.schedule import Schedule

SCENARIO = Scenario(
    name="urfall",
    title="20 devices say in words whether somebody fell (UR Fall Detection of yours), each with its own sensors",
    seconds=86400.0,
    merges=60,
    data=DataConfig(name="urfall", test_share=0.2, public_share=0.2, partition="dirichlet", alpha=1.0, per_client=16),
    clients=ClientsConfig(
        count=20,
        devices={"jetson-nano": 2.0, "jetson-orin": 1.0, "phone-high": 2.0, "pi4b": 1.0},
        structures={"pi4b": "edge-small", "phone-high": "edge-small"},
        availability=AvailabilityConfig(kind="diurnal+markov", on_share=0.8, mean_on=7200.0, mean_off=1800.0),
        masks=MasksConfig(kind="fixed", rate=0.7),
        jitter=0.2,
    ),
    task=TaskConfig(
        kind="caption",
        slms=("edge-base", "edge-small"),
        cloud_llm="smollm2",
        ranks={"edge-small": 4},
        fusions={"edge-small": "pooling"},
        noise=0.5,
        instruction="Did a person fall?",
    ),
    local=LocalConfig(optimizer="adamw", lr=2e-3, batch=8, steps=5, clip=1.0),
    method=MethodConfig(name="mlecs"),
    schedule=Schedule(concurrency=4, buffer=2),
    runtime=RuntimeConfig(checkpoint_every=20),
    evaluation=EvaluationConfig(metrics=("accuracy", "macro_f1", "rouge_lsum"), every_merges=20, rows=64, clients=2),
)
