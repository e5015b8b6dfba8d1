"""What 64 models on one backbone take, above the backbone: measured in a process of its own."""

import gc
import json
import subprocess
import sys
from pathlib import Path

from bench.serving.bed import Bed
from bench.serving.figures import Figure, Found, at_most
from mlecs_ray.sim.memory import pss_bytes
from serve.models import Hosting, Models

MANY = 64
SELF = Path("/proc/self")


def memory(bed: Bed) -> Found:
    """By the process's proportional set size before and after."""
    names = [f"{bed.clients[i % len(bed.clients)].name}@{bed.bundle.version}" for i in range(MANY)]
    order = [sys.executable, "-m", "bench.serving.held", str(bed.store), *names]
    told = subprocess.run(order, capture_output=True, text=True, check=True).stdout
    backbone, own, took = json.loads(told.splitlines()[-1])
    return Found(
        f"{MANY} adapters on one backbone",
        f"{len(bed.clients)} clients' models, some several times, each read anew: adapter, encoders, fusion and soft "
        "prompt. Proportional set size of a fresh process before and after.",
        (
            Figure("backbone", backbone / 1e6, "MB"),
            Figure(f"{MANY} models, by their numbers", own / 1e6, "MB"),
            Figure(f"{MANY} models, as measured", took / 1e6, "MB"),
        ),
        (
            at_most(
                "backbone and models take more than their numbers by",
                100 * ((backbone + took) / (backbone + own) - 1),
                15.0,
                "%",
            ),
        ),
    )


def measure(store: str, names: list[str]) -> tuple[int, int, int]:
    """Bytes of the backbone, of the models by their numbers, and of what the process took for them."""
    models = Models(Hosting(store))
    first = models.host.load(names[0])
    lm = models.host.backbone(first)
    before = _held()
    residents = [models.host.load(name) for name in names]
    return lm.frozen_bytes, sum(one.bytes for one in residents), _held() - before


def _held() -> int:
    gc.collect()
    return pss_bytes(SELF)


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], sys.argv[2:])))
