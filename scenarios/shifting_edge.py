"""The world around 60 devices shifts again and again: who keeps up, and what does it cost them?

Half of what a device owns is replaced at every shift, by samples of other classes seen through another corruption.
The cloud knows clean samples only. The same devices, data, shifts and virtual time for four methods.
"""

from mlecs_ray.scenario.config import (
    ClientsConfig,
    DataConfig,
    EnvironmentsConfig,
    EvaluationConfig,
    LoadConfig,
    LocalConfig,
    MethodConfig,
    Scenario,
    TaskConfig,
)
from mlecs_ray.server.schedule import Schedule

SCENARIO = Scenario(
    name="shifting_edge",
    title="60 devices whose environment shifts eight times: ECLM, local adaptation, FedAvg, none",
    seconds=9.0,
    data=DataConfig(
        name="digits",
        public_share=0.3,
        partition="environments",
        environments=EnvironmentsConfig(
            classes=5,
            contexts=8,
            corruptions=("none", "rotate", "noise", "invert"),
            shifts=8,
            period=1.0,
            spread=0.5,
            least=30,
            most=60,
            test_rows=40,
        ),
    ),
    clients=ClientsConfig(
        count=60,
        devices={"phone-low": 1.0, "phone-mid": 1.0, "phone-high": 1.0},
        load=LoadConfig(kind="processes", processes=4, period=1.5),
    ),
    task=TaskConfig(kind="network", network="resnet", hidden=(16, 32, 64), pretrain_epochs=20),
    local=LocalConfig(optimizer="adamw", lr=3e-3, batch=16, epochs=3),
    method=MethodConfig(name="eclm"),
    schedule=Schedule(concurrency=12, buffer=4, selection="fifo"),
    evaluation=EvaluationConfig(metrics=("accuracy",), clients=20, local=True, every_seconds=0.5),
    variants={
        "ECLM": {"method.name": "eclm"},
        "local adaptation": {"method.name": "localadaptation"},
        "FedAvg": {"method.name": "fedavg"},
        "no adaptation": {"method.name": "noadaptation"},
    },
)
