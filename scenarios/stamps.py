"""The main job: 120 devices learn to caption pictures that they see or hear about in four languages.

Devices differ in sensors, speed, link, language model and encoders; a quarter is ten times slower, jobs get lost.
"""

from mlecs_ray.scenario.config import (
    AvailabilityConfig,
    BaseMethod,
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
    title="120 devices caption what they see and hear, each with its own sensors and language model",
    seconds=86400.0,
    merges=150,
    data=DataConfig(
        name="stamps",
        modalities=("image", "speech_es", "speech_fr", "speech_ru"),
        test_share=0.15,
        public_share=0.0,
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
    task=TaskConfig(kind="caption", slms=("edge-base", "edge-small"), cloud_llm="smollm2"),
    local=LocalConfig(optimizer="sgd", lr=0.1, batch=8, epochs=1, clip=1.0),
    # Adam over the fleet's mean update: two local steps are too few for moments of their own.
    method=MethodConfig(
        name="fedopt",
        options={"kind": "adam", "lr": 2e-3, "eps": 1e-8},
        base=BaseMethod(name="mma", options={"weighting": "count", "power": 0.0}),
    ),
    schedule=Schedule(concurrency=4, buffer=2),
    runtime=RuntimeConfig(checkpoint_every=25),
    evaluation=EvaluationConfig(metrics=("rouge_lsum", "rouge_lsum_content"), every_merges=50, rows=64, clients=2),
)
