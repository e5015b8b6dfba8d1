"""What is served is what was measured, and never something half or changed."""

import json
import os
import shutil
from pathlib import Path

import pytest
import torch

from mlecs_ray.errors import InputError
from mlecs_ray.metrics.registry import measure
from mlecs_ray.run.bundle import Bundle, adopt, read_bundle
from mlecs_ray.run.local import run_locally
from mlecs_ray.run.records import read_run
from mlecs_ray.scenario.deal import deal
from tests.scenario.mine import edit, forget, write_method
from tests.serving import spoken
from tests.small import small_scenario


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    run_locally(small_scenario(), folder)
    return folder


def _recorded(run: Path, subject: str, metric: str) -> float:
    rows = read_run(run).metrics
    found = rows[(rows.subject == subject) & (rows.metric == metric)]
    return float(found.value.iloc[-1])


def test_a_classifier_scores_what_the_run_recorded_last(digits: Path) -> None:
    bundle = read_bundle(digits / "artifact")
    test = deal(bundle.scenario)[0].test
    found = measure(["accuracy"], bundle.predictor(bundle.card("model"))(test), test)
    assert found["accuracy"] == _recorded(digits, "model", "accuracy")


@pytest.mark.parametrize("side", ["edge", "cloud"])
def test_captioners_score_what_the_run_recorded_last(side: str) -> None:
    run = spoken.run()
    bundle = read_bundle(run / "artifact")
    test = deal(bundle.scenario)[0].test
    card = next(card for card in bundle.cards.values() if card.side == side and card.client is None)
    found = measure(["rouge_lsum"], bundle.predictor(card)(test), test)
    assert found["rouge_lsum"] == _recorded(run, card.structure, "rouge_lsum")


def test_the_clouds_model_is_found_and_where_there_is_none_nothing_is(digits: Path) -> None:
    cloud = read_bundle(spoken.run() / "artifact").cloud
    assert cloud is not None
    assert (cloud.name, cloud.side) == ("cloud", "cloud")
    assert read_bundle(digits / "artifact").cloud is None


def test_raw_features_are_brought_to_the_scale_that_was_learned(digits: Path) -> None:
    """Digits are taken as they are; others by mean and deviation."""
    bundle = read_bundle(digits / "artifact")
    test = deal(bundle.scenario)[0].test
    assert torch.equal(bundle.scaled(test).inputs["image"], test.inputs["image"])
    bundle.__dict__["scales"] = {"image": (torch.ones(64), 2 * torch.ones(64))}
    assert torch.allclose(bundle.scaled(test).inputs["image"], (test.inputs["image"] - 1) / 2)


def test_the_forms_of_pictures_are_kept_and_older_artifacts_have_vectors(digits: Path) -> None:
    bundle = read_bundle(digits / "artifact")
    assert bundle.shape.forms == ((64,),)
    pictures = Bundle(bundle.folder, {**bundle.facts, "forms": {"image": [1, 8, 8]}})
    assert pictures.shape.forms == ((1, 8, 8),)
    older = Bundle(bundle.folder, {name: fact for name, fact in bundle.facts.items() if name != "forms"})
    assert older.shape.forms == ((64,),)


def test_a_version_is_named_after_its_merges_and_its_weights(digits: Path) -> None:
    bundle = read_bundle(digits / "artifact")
    assert bundle.version == f"8-{bundle.facts['weights'][:8]}"


def test_it_is_adopted_once_and_stays_while_the_run_goes_on(digits: Path, tmp_path: Path) -> None:
    shutil.copytree(digits / "artifact", tmp_path / "artifact")
    first = adopt(tmp_path / "artifact", tmp_path / "store")
    shutil.rmtree(tmp_path / "artifact")
    assert read_bundle(tmp_path / "store" / first.version).facts == first.facts
    assert [path.name for path in (tmp_path / "store").iterdir()] == [first.version]


def test_its_time_is_that_of_the_last_take_over(digits: Path, tmp_path: Path) -> None:
    """A copy has the time of its original, and one that is there already the time at which it came."""
    shutil.copytree(digits / "artifact", tmp_path / "artifact")
    os.utime(tmp_path / "artifact", (100, 100))
    folder = adopt(tmp_path / "artifact", tmp_path / "store").folder
    assert folder.stat().st_mtime > 100
    os.utime(folder, (100, 100))
    adopt(tmp_path / "artifact", tmp_path / "store")
    assert folder.stat().st_mtime > 100


def test_a_changed_or_missing_file_is_refused(digits: Path, tmp_path: Path) -> None:
    folder = tmp_path / "artifact"
    shutil.copytree(digits / "artifact", folder)
    weights = folder / "model" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    with pytest.raises(InputError, match=r"model/model.safetensors is not the file that the run wrote"):
        read_bundle(folder)
    with pytest.raises(InputError, match="cannot be read whole"):
        adopt(folder, tmp_path / "store")
    assert not list((tmp_path / "store").glob("*")) if (tmp_path / "store").exists() else True


def test_no_artifact_and_an_unknown_model_are_refused(digits: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is no artifact: a run leaves one at its checkpoints"):
        read_bundle(tmp_path)
    with pytest.raises(InputError, match="model 'cloud' is none of this run's"):
        read_bundle(digits / "artifact").card("cloud")


def test_another_language_model_of_the_same_name_is_refused() -> None:
    bundle = read_bundle(spoken.run() / "artifact")
    facts = json.loads(json.dumps(dict(bundle.facts)))
    facts["models"]["cloud"] = "0" * 64
    with pytest.raises(
        InputError, match=r"structure 'cloud': the run learned adapters for a language model of SHA-256"
    ):
        _ = Bundle(bundle.folder, facts).task


@pytest.mark.parametrize("how", ["method", "network"])
@pytest.mark.parametrize("place", ["artifact", "store"])
def test_a_file_of_ones_own_is_the_one_of_the_run_or_nothing_is_answered(tmp_path: Path, how: str, place: str) -> None:
    file, run = write_method(tmp_path), tmp_path / "run"
    if how == "method":
        scenario = small_scenario(method=f"{file}:Mine")
    else:
        file.write_text("from torch import nn\ndef make(f, n): return nn.Sequential(nn.Flatten(), nn.Linear(64, n))\n")
        scenario = small_scenario(task__kind="network", task__network=f"{file}:make")
    run_locally(scenario, run)
    bundle = read_bundle(run / "artifact") if place == "artifact" else adopt(run / "artifact", run / "serving")
    model = bundle.card("model")
    # A new version of a run that goes on is loaded into a process that knows the file already.
    assert bundle.predictor(model)
    forget(file)
    edit(file)
    (copy,) = (run / "own").iterdir()
    words = rf"own.py is not the file .*, so answers would not be those that were measured: put back {copy}, or"
    with pytest.raises(InputError, match=words):
        read_bundle(bundle.folder).predictor(model)
    file.write_bytes(copy.read_bytes())
    assert read_bundle(bundle.folder).predictor(model)
