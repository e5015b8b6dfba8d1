"""Which actors a run needs and what each asks of the cluster: decided, and refused, before any of them starts."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from mlecs_ray.errors import InputError
from mlecs_ray.method import Client
from mlecs_ray.scenario.build import Built

CPU_STEP = 1e-4
"""Ray's finest CPU share."""


@dataclass(frozen=True)
class Placement:
    """``options`` of one edge actor each; ``per_actor`` clients in a row on every actor, None: dealt round."""

    options: tuple[Mapping[str, Any], ...]
    per_actor: int | None

    def needs(self) -> dict[str, float]:
        """The sum over all actors, in Ray's own names of resources."""
        total: Counter[str] = Counter()
        for option in self.options:
            total.update({"CPU": option["num_cpus"], "memory": option.get("memory", 0)})
            total.update({"GPU": option["num_gpus"]} if "num_gpus" in option else {})
            total.update(option.get("resources", {}))
        return dict(total)


def place(built: Built, offered: Mapping[str, float]) -> Placement:
    """The actors for this scenario on a cluster that offers this, in Ray's names.

    Raises InputError where clients train on GPUs and there is none.
    """
    placement = _on_cpus(built, offered["CPU"])
    if built.scenario.runtime.device == "cpu":
        return placement
    if not (gpus := offered.get("GPU", 0.0)):
        raise InputError("runtime.device=cuda, but the cluster offers no GPU, so nothing was started: set it to cpu")
    # Ray knows GPUs to four decimals; a whole one at most, as clients train on one.
    share = min(1.0, int(gpus / len(placement.options) / CPU_STEP) * CPU_STEP)
    return replace(placement, options=tuple({**option, "num_gpus": round(share, 4)} for option in placement.options))


def _on_cpus(built: Built, cpus: float) -> Placement:
    runtime, count = built.scenario.runtime, built.world.count
    if runtime.clients_per_actor == "auto":
        actors = min(runtime.actors or max(1, int(cpus)), count)
        return Placement(tuple({"num_cpus": cpus / actors} for _ in range(actors)), None)
    per_actor = runtime.clients_per_actor
    clients = [built.world.client(client, 0.0) for client in range(count)]
    groups = [clients[i : i + per_actor] for i in range(0, count, per_actor)]
    total = sum(client.budget.flops for client in clients)
    return Placement(
        tuple(_dedicated(group, cpus / total, built.scenario.runtime.actor_memory_mb) for group in groups), per_actor
    )


def _dedicated(group: list[Client], cpus_per_flops: float, most_mb: float) -> dict[str, Any]:
    """A budget's share of the cluster: CPU in proportion to FLOP/s, memory as the devices have, and their kinds."""
    cpus = max(CPU_STEP, int(sum(client.budget.flops for client in group) * cpus_per_flops / CPU_STEP) * CPU_STEP)
    memory = min(sum(client.budget.memory_bytes for client in group), most_mb * 1e6)
    kinds = Counter(f"device:{client.device}" for client in group)
    # Ray wants whole numbers above 1 and at most four decimals below.
    return {
        "num_cpus": round(cpus, 4) if cpus < 1 else float(int(cpus)),
        "memory": int(memory),
        "resources": {kind: float(number) for kind, number in kinds.items()},
    }


def check(placement: Placement, offered: Mapping[str, float]) -> None:
    """Raises InputError when the cluster cannot hold all actors at once: Ray would wait for ever."""
    for name, amount in placement.needs().items():
        if amount > offered.get(name, 0.0) * (1 + 1e-9):
            raise InputError(
                f"{len(placement.options)} actors need {amount:g} {name}, the cluster offers "
                f"{offered.get(name, 0.0):g}: they would wait for ever; raise runtime.clients_per_actor, lower "
                "runtime.actor_memory_mb or clients.count, or give it a larger cluster"
            )
