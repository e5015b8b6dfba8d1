"""Flower: its simulation runtime on Ray with one actor per core, its FedAvg, its message API."""

import os
import time
from collections.abc import Iterable
from typing import Any

os.environ |= {"FLWR_TELEMETRY_ENABLED": "0", "RAY_USAGE_STATS_ENABLED": "0"}

from flwr.app import ArrayRecord, Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp
from flwr.serverapp import Grid, ServerApp
from flwr.serverapp.strategy import FedAvg
from flwr.simulation import run_simulation

client_app, server_app = ClientApp(), ServerApp()
ends: list[float] = []
"""When each round's updates were averaged."""


@client_app.train()  # type: ignore[untyped-decorator]  # flwr is of another environment: no types here
def learn(message: Message, context: Context) -> Message:
    """One client's update."""
    import workload

    model, part = workload.make_model(), workload.parts()[int(context.node_config["partition-id"])]
    model.load_state_dict(message.content["arrays"].to_torch_state_dict())
    workload.train(model, part)
    metrics = MetricRecord({"num-examples": len(part[0])})
    return Message(RecordDict({"arrays": ArrayRecord(model.state_dict()), "metrics": metrics}), reply_to=message)


class Timed(FedAvg):  # type: ignore[misc]  # as above
    """FedAvg that notes when rounds end."""

    def aggregate_train(self, server_round: int, replies: Iterable[Message]) -> Any:
        """As FedAvg."""
        averaged = super().aggregate_train(server_round, replies)
        ends.append(time.perf_counter())
        return averaged


@server_app.main()  # type: ignore[untyped-decorator]  # as above
def serve(grid: Grid, _context: Context) -> None:
    """All rounds, and the answer; the control is at their end, as more rounds would take minutes."""
    import workload

    asked, clients = workload.order(), len(workload.parts())
    strategy = Timed(
        fraction_train=asked["per_round"] / clients,
        fraction_evaluate=0.0,
        min_train_nodes=asked["per_round"],
        min_available_nodes=clients,
    )
    model = workload.make_model()
    start = ArrayRecord(model.state_dict())
    found = strategy.start(grid=grid, initial_arrays=start, num_rounds=asked["rounds"])
    model.load_state_dict(found.arrays.to_torch_state_dict())
    reached = workload.accuracy(model)
    workload.report(ends[-1] - ends[0], reached, reached)


def main() -> None:
    """As many actors as there are cores, each with one."""
    import workload

    cores = os.cpu_count() or 1
    ray = {"num_cpus": cores, "include_dashboard": False, "object_store_memory": 256 * 2**20, "logging_level": "ERROR"}
    run_simulation(
        server_app=server_app,
        client_app=client_app,
        num_supernodes=len(workload.parts()),
        backend_config={"client_resources": {"num_cpus": 1.0, "num_gpus": 0.0}, "init_args": ray},
    )


main()
