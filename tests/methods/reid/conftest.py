"""A cloud with a teacher and a student of a few thousand weights, in a cache of the tests' own."""

from pathlib import Path

import pytest

from mlecs_ray.methods.reid.cloud import Cloud, Schooling, Teaching
from mlecs_ray.models.reid.course import Course
from mlecs_ray.models.reid.distillation import Distillation
from mlecs_ray.models.reid.eyed import EyedLM
from mlecs_ray.models.reid.sft import SFT
from mlecs_ray.models.reid.stages import Batches, Identity
from mlecs_ray.models.reid.student import Student
from mlecs_ray.models.reid.teacher import Tuition
from mlecs_ray.samples import Samples
from tests.models import tiny
from tests.models.reid.conftest import WIDTH, lowered, one_thread, people, student

__all__ = ["cloud", "lowered", "one_thread", "own_cache", "people", "student"]
BATCHES = Batches(4, 2)


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own."""
    monkeypatch.setenv("MLECS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def cloud(student: Student, lowered: Samples) -> Cloud:
    return Cloud(lowered, lambda: lowered, teaching(student), schooling(student), seed=3)


def teaching(student: Student) -> Teaching:
    rules = SFT(rank=2, alpha=4, dropout=0.0)
    return Teaching(
        lambda eye: EyedLM(tiny.slm(width=WIDTH), eye, rules) if eye else None,
        {"model": "tiny"},
        Tuition(Course(4, 5e-3, keep_every=2), BATCHES),
        student,
        Course(3, 1e-3),
    )


def schooling(student: Student, taught: int = 6) -> Schooling:
    return Schooling(student, Course(5, 3e-3), Course(taught, 3e-3), BATCHES, Identity(), Distillation(components=4))
