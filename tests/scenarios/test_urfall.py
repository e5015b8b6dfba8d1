"""`mlecs run urfall` on recordings of one's own."""

from pathlib import Path

import pytest

from mlecs_ray.run.records import read_run
from scenarios.urfall import SCENARIO
from tests.data.recorded import write_urfall
from tests.scenarios.conftest import Mlecs, assert_refused, sets
from tests.scenarios.test_vast import FEW, models

DATA = {"data.path": "mine", "data.modalities": '["accelerometer"]', "data.per_client": "4"}


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLECS_CACHE", str(tmp_path / "cache"))


def test_twenty_clients_answer_in_words_with_seven_tenths_of_their_sensors() -> None:
    assert (SCENARIO.clients.count, SCENARIO.task.kind, SCENARIO.clients.masks.rate) == (20, "caption", 0.7)


def test_without_a_folder_it_says_what_to_do(mlecs: Mlecs) -> None:
    assert_refused(mlecs("run", "urfall", "--local"), "data.name=urfall needs data.path=FOLDER", "docs/data.md")


def test_falls_are_told_in_words(mlecs: Mlecs, tmp_path: Path) -> None:
    write_urfall(tmp_path / "mine", [("fall", 4, 90), ("adl", 4, 60)])
    said = mlecs("run", "urfall", "--local", "--out", "run", *sets({**DATA, **models(tmp_path), **FEW}))
    assert said.code == 0, said
    assert set(read_run(tmp_path / "run").metrics.metric) == {"accuracy", "macro_f1", "rouge_lsum"}


def test_falls_are_told_by_a_classifier_too(mlecs: Mlecs, tmp_path: Path) -> None:
    write_urfall(tmp_path / "mine", [("fall", 4, 90), ("adl", 4, 60)])
    fusion = {
        "method": "mma",
        "task.kind": "fusion",
        "evaluation.metrics": '["accuracy"]',
        "evaluation.every_merges": "2",
    }
    said = mlecs("run", "urfall", "--local", "--out", "run", *sets({**DATA, **FEW, **fusion}))
    assert said.code == 0, said
    assert read_run(tmp_path / "run").metrics.value.between(0, 1).all()


def test_what_simple_rules_reach_is_told_beforehand(mlecs: Mlecs, tmp_path: Path) -> None:
    write_urfall(tmp_path / "mine")
    said = mlecs("floors", "urfall", *sets(DATA))
    assert said.code == 0, said
    assert "Simple rules on urfall" in said.out
