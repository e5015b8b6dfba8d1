"""A run over ten people of a small RegDB, and its artifact in a store: what servers of people are tested with."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mlecs_ray.data import assets
from mlecs_ray.run.bundle import Bundle, adopt
from mlecs_ray.run.local import run_locally
from mlecs_ray.scenario.config import Scenario
from tests.models import tiny
from tests.scenario import persons

TEACHERS = ("vision-language model", "borrowed eyes")
_EYES = {"reid__teacher__eye_side": 64, "reid__teacher__eye_steps": 2, "reid__teacher__words_steps": 2}


@contextmanager
def world(folder: Path) -> Iterator[None]:
    """Where random weights stand for those that are fetched, and the cache is the folder's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLECS_CACHE", str(folder / "cache"))
        patch.setattr(assets, "find", persons.Fetched(folder / "assets"))
        yield


def run(folder: Path, teacher: str) -> tuple[Scenario, Bundle]:
    """``teacher``: one of ``TEACHERS``."""
    persons.write_regdb(folder / "regdb")
    persons.write_assets(folder / "assets")
    borrowed = teacher == "borrowed eyes"
    made = tiny.folder(folder / "teacher") if borrowed else persons.write_teacher(folder / "teacher")
    with world(folder):
        scenario = persons.scenario(folder / "regdb", made, **(_EYES if borrowed else {}))
        run_locally(scenario, folder / "run")
        bundle = adopt(folder / "run" / "artifact", folder / "store")
        # Their models are found now, while assets are where they are.
        assert bundle.task
    return scenario, bundle
