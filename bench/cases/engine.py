"""What the engine adds to the learning: small updates, where everything around them shows."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bench.case import Case, Column, Contender, faster, longer, runs
from bench.environments import FLOWER, PFL
from bench.start import start
from mlecs_ray.scenario.build import build
from mlecs_ray.scenario.config import ClientsConfig, DataConfig, LocalConfig, MethodConfig, RuntimeConfig, Scenario
from mlecs_ray.scenario.overrides import apply
from mlecs_ray.server.schedule import Schedule

CLIENTS, PER_ROUND, BATCH, RATE = 100, 10, 16, 0.1
ABOUT = f"""Digits, an MLP 64-64-10 (4,810 parameters), {CLIENTS} clients of 14 or 15 samples, {PER_ROUND} drawn at
random per round, synchronous FedAvg weighted by samples, one local epoch of batch {BATCH} (one step), SGD of rate
{RATE} without momentum. All read the same split and start from the same weights; each draws clients and orders
batches by its own generator. Milliseconds per client update are those of all rounds after the first, without
evaluation and checkpoints; for ours they come from the run's own clock and its count of updates, seen while it runs.
Fast contenders run more rounds, so that a figure takes seconds; the accuracy after the first rounds is beside it
for all, in a control run of the same seed where the contender cannot be stopped for it."""

PLAIN, OFF, RAY = "plain PyTorch loop", "ours, local, one by one", "ours, 2 Ray actors, one by one"
TOGETHER, RAY_TOGETHER = "ours, local, cohorts", "ours, 2 Ray actors, cohorts"
PFL_NAME, FLOWER_NAME = "pfl-research 0.6", "Flower 1.41"


def scenario(rounds: int) -> Scenario:
    """The task as ours."""
    return Scenario(
        name="bench",
        seconds=1e12,
        merges=rounds,
        data=DataConfig(name="digits"),
        clients=ClientsConfig(count=CLIENTS, jitter=0.0),
        local=LocalConfig(lr=RATE, batch=BATCH),
        method=MethodConfig(name="fedavg"),
        schedule=Schedule(concurrency=PER_ROUND, buffer=PER_ROUND, barrier=True),
        runtime=RuntimeConfig(backend="local", checkpoint_every=10**9),
    )


def ours(name: str, rounds: int, control: int, **runtime: Any) -> Contender:
    """The scenario with these keys of ``runtime``."""
    asked = apply(scenario(rounds), {f"runtime.{key}": value for key, value in runtime.items()})
    return runs(name, asked, control=control)


def export(seed: int, folder: Path) -> Mapping[str, Any]:
    """Our split and our first weights as a file that the plain loop and the peers can read."""
    built = build(apply(scenario(1), {"seed": seed}))
    shards = [built.hand.shard(built.world.client(number, 0.0)) for number in range(CLIENTS)]
    state, test = start(built), built.dataset.test
    layers = {
        f"{2 * int(i)}.{kind}": value.numpy() for i, one in state["layers"].items() for kind, value in one.items()
    }
    np.savez(
        folder / "data.npz",
        x=np.concatenate([shard.inputs["image"].numpy() for shard in shards]),
        y=np.concatenate([np.asarray(shard.labels) for shard in shards]),
        ends=np.cumsum([len(shard) for shard in shards]),
        test_x=test.inputs["image"].numpy(),
        test_y=np.asarray(test.labels),
        **layers,
    )
    return {"data": str(folder / "data.npz"), "per_round": PER_ROUND, "batch": BATCH, "lr": RATE}


def case(quick: bool) -> Case:
    """Ours, the plain loop and the peers."""
    some, many, few = (40, 200, 5) if quick else (1000, 3000, 30)
    by_hand, ray = {"rounds": some, "control": few}, {"backend": "ray", "actors": 2}
    mine = (
        Contender(PLAIN, "peers/plain.py", by_hand),
        ours(OFF, some, few),
        ours(TOGETHER, many, few, cohort=PER_ROUND),
        ours(RAY, some, few, **ray),
        ours(RAY_TOGETHER, many, few, **ray, cohort=PER_ROUND),
    )
    peers = (
        Contender(PFL_NAME, "peers/pfl_research.py", by_hand, PFL),
        Contender(FLOWER_NAME, "peers/flower.py", {"rounds": few, "control": few}, FLOWER),
    )
    columns = (
        Column("ms_per_update", "ms per update"),
        Column("control", f"accuracy after {few} rounds", ".3f"),
        Column("rounds", "rounds timed", ".0f"),
        Column("accuracy", "accuracy after them", ".3f"),
    )
    together = [
        faster(name, other, least)
        for name in (TOGETHER, RAY_TOGETHER)
        for other, least in ((PLAIN, 4.0), (PFL_NAME, 8.0), (FLOWER_NAME, 100.0))
    ]
    targets = (longer(RAY, PLAIN, 1.5), faster(RAY, FLOWER_NAME, 15.0), *together)
    title = "Small updates: what the engine adds to the learning"
    return Case("engine", title, ABOUT, (*mine, *peers), columns, targets, prepare=export)
