"""What all runs of the study of ECLM start from: many phones, each in an environment of its own, in rounds."""

from mlecs_ray.scenario.config import (
    ClientsConfig,
    DataConfig,
    EnvironmentsConfig,
    EvaluationConfig,
    LocalConfig,
    MethodConfig,
    RuntimeConfig,
    Scenario,
    TaskConfig,
)
from mlecs_ray.server.schedule import Schedule

SCENARIO = Scenario(
    name="environments",
    title="500 phones adapt a cloud's classifier to their environments: ECLM and what it is compared with",
    seconds=1e7,
    merges=40,
    data=DataConfig(
        name="mnist10k",
        test_share=0.2,
        public_share=0.24,
        partition="environments",
        environments=EnvironmentsConfig(
            classes=5,
            contexts=2,
            corruptions=("rotate", "invert", "noise", "occlude", "contrast"),
            severity=1.0,
            test_rows=100,
        ),
    ),
    clients=ClientsConfig(count=500, devices={"phone-low": 1.0, "phone-mid": 1.0, "phone-high": 1.0}),
    task=TaskConfig(kind="network", network="resnet", hidden=(16, 32, 64, 128), pretrain_epochs=20),
    local=LocalConfig(optimizer="adamw", lr=2e-3, anneal=True, batch=16, epochs=3),
    method=MethodConfig(name="eclm"),
    schedule=Schedule(concurrency=25, buffer=25, barrier=True, selection="fifo"),
    evaluation=EvaluationConfig(metrics=("accuracy",), clients=50, local=True, rows=100),
    runtime=RuntimeConfig(backend="local", checkpoint_every=100_000),
)
"""The paper's fleet, rounds and local training (arXiv 2311.11083, section 6.1); 0.24 of all samples are 30 % of those
that are not tested on."""
