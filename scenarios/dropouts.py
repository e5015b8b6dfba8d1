"""300 clients that sleep, wander off and lose 10 to 60 % of their jobs half-way."""

from mlecs_ray.scenario.config import (
    AvailabilityConfig,
    ClientsConfig,
    DataConfig,
    EvaluationConfig,
    FaultsConfig,
    LocalConfig,
    MethodConfig,
    Scenario,
)
from mlecs_ray.server.schedule import Schedule

SCENARIO = Scenario(
    name="dropouts",
    title="300 clients by day and night, on and off, 10 to 60 % of the jobs lost",
    seconds=24.0,
    data=DataConfig(name="digits", partition="dirichlet", alpha=1.0, minimum=2),
    clients=ClientsConfig(
        count=300,
        devices={"phone-low": 1.0, "phone-mid": 1.0, "phone-high": 1.0},
        # A day of twelve virtual seconds: the digits model trains in milliseconds, so its world turns faster too.
        availability=AvailabilityConfig(kind="diurnal+markov", period=12.0, on_share=0.6, mean_on=3.0, mean_off=1.5),
        faults=FaultsConfig(dropout=0.1),
        jitter=0.3,
    ),
    local=LocalConfig(lr=0.1, batch=8, epochs=2),
    method=MethodConfig(name="fedbuff"),
    schedule=Schedule(concurrency=20, buffer=10),
    evaluation=EvaluationConfig(metrics=("accuracy",), every_seconds=0.5),
    variants={f"{share}% lost": {"clients.faults.dropout": share / 100} for share in (10, 30, 60)},
    seeds=(0, 1, 2),
)
