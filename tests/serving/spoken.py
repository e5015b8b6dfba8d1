"""A run of the whole system in a second: edge clients and a cloud with language models of a few thousand weights."""

from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mlecs_ray.models.slm import SLM
from mlecs_ray.run.local import run_locally
from mlecs_ray.scenario.config import Scenario
from mlecs_ray.scenario.overrides import apply
from scenarios.smoke import SCENARIO
from tests.models import tiny

THINGS = ("the cat", "a hand", "the than", "and the hat")
LANGUAGE = "tiny-edge"
"""How the edge's structure is called in the artifact begins so."""


def data(folder: Path) -> Path:
    """A Parquet folder: what is seen (4 numbers) and heard (3) of things, and what they are called."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    rows = []
    for split, n in (("train", 24), ("public", 8), ("test", 24)):
        for i in range(n):
            thing = i % len(THINGS)
            seen, heard = rng.standard_normal(4) + 3 * thing, rng.standard_normal(3) - thing
            rows.append(
                {
                    "id": f"{split}-{i}",
                    "split": split,
                    "client": f"c{i % 3}" if split == "train" else None,
                    "label": thing,
                    "text": THINGS[thing],
                    "domain": "north" if i % 3 else "south",
                    "image": seen.astype(np.float32).tolist(),
                    "sound": None if i % 5 == 4 else heard.astype(np.float32).tolist(),
                }
            )
    kinds = {"image": pa.list_(pa.float32()), "sound": pa.list_(pa.float32())}
    columns = {key: pa.array([row[key] for row in rows], kinds.get(key)) for key in rows[0]}
    pq.write_table(pa.table(columns), folder / "all.parquet")
    return folder


def scenario(root: Path, **changes: object) -> Scenario:
    """Three clients, two modalities, ML-ECS; language models and data are made below ``root``."""
    edge = tiny.folder(root / LANGUAGE, tiny.slm(layers=2))
    cloud = tiny.folder(root / "tiny-cloud", _cloud())
    settings: dict[str, object] = {
        "data.name": "parquet",
        "data.path": str(data(root / "data")),
        "data.partition": "given",
        "clients.count": 3,
        "clients.masks": {"kind": "all"},
        "task": {"kind": "caption", "slms": [edge], "cloud_llm": cloud, "rank": 2, "soft_tokens": 2, "max_tokens": 6},
        "local": {"optimizer": "adamw", "lr": 0.01, "batch": 4, "steps": 2},
        "method": {"name": "mlecs"},
        "schedule": {"concurrency": 2, "buffer": 1},
        "evaluation": {"metrics": ["rouge_lsum"], "every_merges": 4},
        "runtime.backend": "local",
        "runtime.checkpoint_every": 2,
        "merges": 6,
    }
    return apply(SCENARIO, {**settings, **{key.replace("__", "."): value for key, value in changes.items()}})


def _cloud() -> SLM:
    return tiny.slm(layers=3, width=24)


@cache
def run() -> Path:
    """The folder of one such run, made once for all tests."""
    root = Path(mkdtemp(prefix="mlecs-spoken-"))
    run_locally(scenario(root), root / "run")
    return root / "run"
