"""24 clients, one Ray actor each, with CPU, memory and a custom resource from its budget."""

from mlecs_ray.scenario.config import (
    ClientsConfig,
    DataConfig,
    EvaluationConfig,
    LocalConfig,
    MethodConfig,
    RuntimeConfig,
    Scenario,
)
from mlecs_ray.server.schedule import Schedule

SCENARIO = Scenario(
    name="dedicated",
    title="24 devices, each a Ray actor of its own",
    seconds=600.0,
    merges=20,
    data=DataConfig(name="digits", partition="dirichlet", alpha=0.5, minimum=4),
    clients=ClientsConfig(count=24, devices={"pi4b": 2.0, "jetson-nano": 1.0, "phone-mid": 1.0}, jitter=0.3),
    local=LocalConfig(lr=0.1, batch=8, epochs=2),
    method=MethodConfig(name="fedbuff"),
    schedule=Schedule(concurrency=12, buffer=6),
    evaluation=EvaluationConfig(metrics=("accuracy",), every_merges=5),
    runtime=RuntimeConfig(backend="ray", clients_per_actor=1, checkpoint_every=5),
)
