"""`mlecs run vast` on clips of one's own."""

import json
from pathlib import Path

import pytest

from mlecs_ray.run.records import read_run
from scenarios.vast import SCENARIO
from tests.data.recorded import write_vast
from tests.models.tiny import folder as tiny
from tests.scenario.own import write_folder
from tests.scenarios.conftest import Mlecs, assert_refused, sets

FEW = {"clients.count": "3", "clients.structures": "{}", "task.ranks": "{}", "task.fusions": "{}", "merges": "4"}
"""Three clients that learn a little, without the models that take minutes to make."""

METRICS = {"evaluation.metrics": '["rouge_lsum", "rouge_lsum_content"]'}
"""Those that need no model."""


def models(folder: Path) -> dict[str, str]:
    """One tiny language model for the edge and the cloud."""
    slm = tiny(folder / "slm")
    return {"task.slms": json.dumps([slm]), "task.cloud_llm": slm, "local.steps": "1", "evaluation.every_merges": "2"}


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLECS_CACHE", str(tmp_path / "cache"))


def test_twenty_clients_caption_with_seven_tenths_of_their_sensors() -> None:
    assert (SCENARIO.clients.count, SCENARIO.task.kind, SCENARIO.clients.masks.rate) == (20, "caption", 0.7)


def test_without_a_folder_it_says_what_to_do(mlecs: Mlecs) -> None:
    assert_refused(mlecs("run", "vast", "--local"), "data.name=vast needs data.path=FOLDER", "docs/data.md")


def test_a_folder_that_is_none_is_refused(mlecs: Mlecs) -> None:
    assert_refused(mlecs("run", "vast", "--local", *sets({"data.path": "none"})), "none is no folder")


def test_a_folder_of_something_else_is_refused(mlecs: Mlecs, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    assert_refused(mlecs("run", "vast", "--local", *sets({"data.path": "mine"})), "mine holds no annotations")


def test_clips_of_ones_own_are_captioned(mlecs: Mlecs, tmp_path: Path) -> None:
    write_vast(tmp_path / "mine", videos=8)
    data = {"data.path": "mine", "data.modalities": '["audio"]', "data.per_client": "4"}
    said = mlecs("run", "vast", "--local", "--out", "run", *sets({**data, **models(tmp_path), **FEW, **METRICS}))
    assert said.code == 0, said
    metrics = read_run(tmp_path / "run").metrics
    assert set(metrics.metric) == {"rouge_lsum", "rouge_lsum_content"}
    assert metrics.value.between(0, 1).all()


def test_sensors_that_fail_and_return_change_what_the_whole_system_trains(mlecs: Mlecs, tmp_path: Path) -> None:
    """ML-ECS on two senses drawn anew all the time: a client's jobs differ in what they sense, and none is lost."""
    write_folder(tmp_path / "mine")
    data = {"data": json.dumps({"name": "parquet", "path": "mine", "partition": "iid"})}
    masks = {"clients.masks": json.dumps({"kind": "varying", "rate": 0.5, "period": 0.01})}
    calm = {"clients.availability": "always", "clients.jitter": "0", "task.answer": "class", **METRICS}
    changes = {**models(tmp_path), **FEW, **data, **masks, **calm, "merges": "12"}
    said = mlecs("run", "vast", "--local", "--out", "run", *sets(changes))
    assert said.code == 0, said
    merged = read_run(tmp_path / "run").traffic.query("role == 'edge' and outcome == 'merged'")
    assert (merged.groupby("client").modalities.nunique() > 1).any()
    assert all(set(by) == {"lora", "anchors"} for by in merged.download_by.map(dict))
