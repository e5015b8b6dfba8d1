"""Cameras that find people again, shortened: the cloud's teacher and student are real, and so are the actors."""

from pathlib import Path

import pytest

from actors.launch import run_on_ray
from mlecs_ray.data.reid import emoji
from mlecs_ray.errors import InputError
from mlecs_ray.run.local import run_locally
from mlecs_ray.run.records import read_run
from mlecs_ray.scenario.config import Scenario
from mlecs_ray.scenario.overrides import apply
from scenarios.person_search import SCENARIO

pytestmark = [pytest.mark.slow, pytest.mark.ray, pytest.mark.usefixtures("cluster")]


@pytest.fixture(scope="module")
def short() -> Scenario:
    try:
        emoji.load()
    except InputError:
        pytest.skip("emoji come from npm, and this machine has no npm registry")
    return apply(
        SCENARIO,
        {
            "variants": {},
            "data.public_share": 0.05,
            "data.per_client": 6,
            "clients.count": 9,
            "reid.teacher.layers": 2,
            "reid.teacher.steps": 2,
            "reid.teacher.eye_side": 64,
            "reid.teacher.eye_steps": 2,
            "reid.teacher.words_steps": 2,
            "reid.student.alone_steps": 3,
            "reid.student.taught_steps": 3,
            "method.options": {"again": 1},
            "local.epochs": 1,
            "schedule.concurrency": 3,
            "schedule.buffer": 2,
            "evaluation.rows": 60,
            "evaluation.every_merges": 2,
            "merges": 4,
        },
    )


def test_cameras_on_ray_give_the_same_bytes_and_find_the_same_people(short: Scenario, tmp_path: Path) -> None:
    alone = run_locally(short, tmp_path / "alone")
    there = run_on_ray(apply(short, {"runtime.actors": 2}), tmp_path / "ray")
    assert (there.events_digest, there.state_digest) == (alone.events_digest, alone.state_digest)
    mine, theirs = (read_run(tmp_path / name).metrics for name in ("ray", "alone"))
    assert mine.equals(theirs)
    assert {"map", "map_edgecloud", "map_cloud"} <= set(mine.metric)
