"""A user's own data and a user's own method, from the command line to the report."""

import json
from pathlib import Path

import pandas as pd
import pytest

from mlecs_ray.run.records import read_run
from tests.scenario.mine import forget, write_method
from tests.scenario.own import write_folder
from tests.scenarios.conftest import Mlecs, assert_refused, sets

SCAFFOLD = Path(__file__).parents[2] / "examples" / "scaffold.py"


def settings(partition: str, **changes: str) -> list[str]:
    data = {"name": "parquet", "path": "mine", "partition": partition}
    fusion = {"data": json.dumps(data), "task": "fusion", "clients.count": "3", "evaluation.clients": "3"}
    calm = {"clients.availability": "always", "clients.stragglers.share": "0"}
    return sets({**fusion, **calm, **changes})


def test_a_folder_of_ones_own_is_checked_and_said_to_be_well(mlecs: Mlecs, tmp_path: Path) -> None:
    write_folder(tmp_path / "mine")
    said = mlecs("data", "check", "mine")
    assert said.code == 0
    assert "mine: 18 train, 2 public, 6 test samples; all is well" in said.out


@pytest.mark.parametrize("partition", ["given", "iid", "dirichlet", "domain", "quantity"])
def test_a_folder_of_ones_own_runs(small: Mlecs, tmp_path: Path, partition: str) -> None:
    write_folder(tmp_path / "mine")
    assert small(*settings(partition)).code == 0
    records = read_run(tmp_path / "run")
    assert records.metrics.value.between(0, 1).all()
    assert (tmp_path / "run" / "report.html").is_file()


def test_a_client_moves_no_bytes_of_a_modality_that_its_data_lacks(small: Mlecs, tmp_path: Path) -> None:
    """cid, the third by name, has no sound."""
    write_folder(tmp_path / "mine")
    small(*settings("given"))
    traffic = read_run(tmp_path / "run").traffic
    by_client = traffic.groupby("client").modalities.agg(set).to_dict()
    assert by_client == {0: {"image+sound"}, 1: {"image+sound"}, 2: {"image"}}
    assert not any("sound" in moved for moved in traffic.query("client == 2").upload_by)


def test_masks_take_modalities_away_from_those_that_have_them(small: Mlecs, tmp_path: Path) -> None:
    write_folder(tmp_path / "mine")
    masks = json.dumps({"kind": "varying", "rate": 0.5, "period": 0.01})
    small(*settings("given", **{"clients.masks": masks, "merges": "20"}))
    traffic = read_run(tmp_path / "run").traffic
    assert set(traffic.query("client == 2").modalities) == {"image"}
    assert {"image", "sound"} < set(traffic.query("client < 2").modalities)


def test_what_is_wrong_with_a_folder_is_told_by_row_and_column(mlecs: Mlecs, small: Mlecs, tmp_path: Path) -> None:
    """Row 3 of the second file is sample train-13."""
    write_folder(tmp_path / "mine")
    file = tmp_path / "mine" / "second.parquet"
    table = pd.read_parquet(file)
    table.loc[3, "split"] = "trian"
    table.to_parquet(file)
    said = mlecs("data", "check", "mine")
    assert said.code == 2
    assert said.err.startswith("second.parquet row 3 column 'split': must be one of train, public, test")
    refused = small(*settings("given"))
    assert refused.code == 2
    assert refused.err.startswith("error: second.parquet row 3 column 'split'")
    assert not (tmp_path / "run").exists()


def test_a_run_on_ones_own_data_is_resumed_from_elsewhere(
    mlecs: Mlecs, small: Mlecs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder is kept in full."""
    write_folder(tmp_path / "mine")
    small(*settings("given"))
    before = json.loads((tmp_path / "run" / "outcome.json").read_text())
    (tmp_path / "run" / "outcome.json").unlink()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert mlecs("resume", tmp_path / "run").code == 0
    after = json.loads((tmp_path / "run" / "outcome.json").read_text())
    assert after["state_digest"] == before["state_digest"]


@pytest.mark.parametrize("how", ["--method", "--set"])
def test_scaffold_runs_from_its_file(small: Mlecs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    monkeypatch.chdir(SCAFFOLD.parent)
    name = "scaffold.py:Scaffold"
    said = small("--out", tmp_path / "run", how, name if how == "--method" else f"method.name={name}")
    assert said.code == 0
    assert read_run(tmp_path / "run").manifest["scenario"]["method"]["name"] == f"{SCAFFOLD}:Scaffold"
    facts = json.loads((tmp_path / "run" / "artifact" / "artifact.json").read_text())
    assert facts["method"] == f"{SCAFFOLD}:Scaffold"


def test_scaffold_measures_also_what_its_clients_keep(small: Mlecs, tmp_path: Path) -> None:
    assert small("--method", f"{SCAFFOLD}:Scaffold", "--set", "evaluation.clients=2").code == 0
    assert {"global", "client", "personal"} == set(read_run(tmp_path / "run").metrics.scope)


def test_scaffold_with_another_optimiser_is_refused(small: Mlecs, tmp_path: Path) -> None:
    said = small("--method", f"{SCAFFOLD}:Scaffold", "--set", "local.momentum=0.9")
    assert said.code == 2
    assert said.err.startswith("error: method.options: optimizer=SGD(lr=0.1, momentum=0.9")
    assert not (tmp_path / "run").exists()


def test_a_run_with_a_method_of_ones_own_is_not_resumed_with_another(
    mlecs: Mlecs, small: Mlecs, tmp_path: Path
) -> None:
    """What it began with is in its folder."""
    (tmp_path / "own.py").write_text(SCAFFOLD.read_text())
    assert small("--method", "own.py:Scaffold").code == 0
    (tmp_path / "run" / "outcome.json").unlink()
    forget(tmp_path / "own.py")
    (tmp_path / "own.py").write_text(SCAFFOLD.read_text() + "\n# mended\n")
    refused = mlecs("resume", "run")
    assert refused.code == 2
    assert "own.py is not the file that the run began with" in refused.err
    (copy,) = (tmp_path / "run" / "own").iterdir()
    (tmp_path / "own.py").write_text(copy.read_text())
    assert mlecs("resume", "run").code == 0


def test_a_run_with_a_method_of_ones_own_is_resumed_from_elsewhere(
    mlecs: Mlecs, small: Mlecs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is called so there: the file is named in full."""
    file = write_method(tmp_path)
    assert small("--method", "own.py:Mine").code == 0
    (tmp_path / "run" / "outcome.json").unlink()
    write_method(tmp_path / "elsewhere", "1 / 0")
    monkeypatch.chdir(tmp_path / "elsewhere")
    forget(file)
    assert mlecs("resume", tmp_path / "run").code == 0


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("gone.py:Mine", "gone.py is no file, so there is nothing to load from it"),
        ("folder.py:Mine", "folder.py is no file, so there is nothing to load from it"),
        ("large.py:Mine", "large.py has more than 1 MB"),
        ("~nobody-of-this-name/own.py:Mine", "~nobody-of-this-name/own.py leads nowhere"),
    ],
)
def test_what_is_no_file_of_ones_own_is_refused(small: Mlecs, tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / "folder.py").mkdir()
    (tmp_path / "large.py").write_text("#" * 1_000_001)
    assert_refused(small("--method", name), words)
