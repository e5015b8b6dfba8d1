"""Scenarios by name and by file; a broken file is refused by its name."""

import json
from pathlib import Path

import pytest

from mlecs_ray.errors import InputError
from scenarios.catalogue import SCENARIOS, find
from tests.scenarios.conftest import Mlecs, assert_refused, sets

BROKEN = {
    "": "cannot be read as a scenario (Expecting value",
    "{": "cannot be read as a scenario (Expecting property name",
    "\xff": "cannot be read as a scenario ('utf-8' codec",
    "[]": "a scenario=[]: input should be an object",
    "null": "a scenario=None: input should be an object",
    "3": "a scenario=3",
    "{}": "name={}: field required",
    '{"scenario": 3}': "a scenario=3",
    '{"name": "x", "secnods": 3}': "secnods is no key of a scenario, so nothing was started; did you mean seconds?",
    '{"name": "x", "schedule": {"bufer": 1}}': "did you mean schedule.buffer?",
    '{"name": "x", "data": {"nam": "digits"}}': "did you mean data.name?",
    '{"name": "x", "schedule": {"buffer": 99}}': "buffer=99 must lie in 1..concurrency=16",
    '{"name": "x", "seconds": "60"}': "seconds='60': input should be a valid number",
}


def test_all_scenarios_are_there_under_their_own_names() -> None:
    assert set(SCENARIOS) == {
        "stamps",
        "captions",
        "stragglers",
        "dropouts",
        "dedicated",
        "smoke",
        "vast",
        "urfall",
        "shifting_edge",
        "person_search",
    }
    assert all(find(name).name == name for name in SCENARIOS)


@pytest.mark.parametrize("text", BROKEN)
def test_a_broken_scenario_file_is_refused_by_its_name(mlecs: Mlecs, tmp_path: Path, text: str) -> None:
    (tmp_path / "mine.json").write_text(text, encoding="latin-1")
    assert_refused(mlecs("run", "mine.json", "--local"), "mine.json", BROKEN[text])


@pytest.mark.parametrize("name", ["no.json", "folder.json"])
def test_a_file_that_is_none_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder.json").mkdir()
    with pytest.raises(InputError, match=rf"{name} cannot be read as a scenario .*, so nothing was started"):
        find(str(tmp_path / name))


def test_a_runs_own_file_is_a_scenario(tmp_path: Path) -> None:
    (tmp_path / "scenario.json").write_text(
        json.dumps({"format": 1, "scenario": SCENARIOS["smoke"].model_dump(mode="json")})
    )
    assert find(str(tmp_path / "scenario.json")) == SCENARIOS["smoke"]


def test_a_runs_own_file_of_another_format_is_refused(tmp_path: Path) -> None:
    (tmp_path / "scenario.json").write_text('{"format": 9, "scenario": {"name": "x"}}')
    with pytest.raises(InputError, match=r"written by format 9, this reads 1"):
        find(str(tmp_path / "scenario.json"))


def test_a_run_can_be_repeated_from_the_file_it_left(small: Mlecs, mlecs: Mlecs, tmp_path: Path) -> None:
    small()
    mlecs("run", "run/scenario.json", "--local", "--out", "again", *sets({"title": "once more"}))
    first, second = (json.loads((tmp_path / run / "outcome.json").read_text()) for run in ("run", "again"))
    assert first["events_digest"] == second["events_digest"]
    assert first["state_digest"] == second["state_digest"]
