"""A few devices and a cloud caption what they see and hear: the set-up in which ML-ECS is compared with others.

Scaled to two cores: a language model of 22 million weights at the edge and one of 29 in the cloud, 2 soft tokens,
adapters of rank 4.
"""

from mlecs_ray.scenario.config import (
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
    name="captions",
    title="3 devices and a cloud caption what they see and hear: ML-ECS and what it is compared with",
    seconds=86400.0,
    merges=20,
    data=DataConfig(
        name="stamps",
        modalities=("image", "speech_es", "speech_fr", "speech_ru"),
        test_share=0.2,
        public_share=0.25,
        fold=0,
        partition="dirichlet",
        alpha=1.0,
    ),
    clients=ClientsConfig(
        count=3,
        devices={"jetson-nano": 1.0, "phone-high": 1.0},
        structures={"jetson-nano": "edge-small", "phone-high": "edge-small"},
        masks=MasksConfig(kind="fixed", rate=0.7),
        jitter=0.2,
    ),
    task=TaskConfig(
        kind="caption",
        slms=("edge-small",),
        cloud_llm="edge-base",
        rank=4,
        soft_tokens=2,
        max_tokens=16,
        noise=0.5,
        instruction="Caption:",
    ),
    local=LocalConfig(optimizer="adamw", lr=2e-3, batch=8, steps=5, clip=1.0),
    method=MethodConfig(name="mlecs"),
    # Half of the merges are the cloud's own.
    schedule=Schedule(concurrency=3, buffer=3),
    runtime=RuntimeConfig(backend="local", precision="medium", checkpoint_every=1000),
    evaluation=EvaluationConfig(metrics=("rouge_lsum", "rouge_lsum_content", "bertscore_minilm"), clients=3),
)
