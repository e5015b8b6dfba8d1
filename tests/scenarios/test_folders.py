"""Run folders, data and assets that are damaged, foreign or gone: named in one line, and left as they are."""

import json
import shutil
from pathlib import Path

import pytest

from mlecs_ray.data.catalogue import CATALOGUE
from scenarios.consoles import console
from scenarios.execute import execute
from scenarios.folders import claimed
from tests.report.synthetic import write_seeds
from tests.scenarios.conftest import Mlecs, Said
from tests.small import small_scenario


def says(said: Said, *words: str) -> None:
    """One line of error, exit code 2."""
    assert said.code == 2, said
    assert said.err.startswith("error: "), said
    assert said.err.count("\n") == 1, said
    assert all(word in said.err for word in words), said


def reopen(run: Path) -> None:
    """As if the run had been killed after its last checkpoint."""
    (run / "outcome.json").unlink()


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that has ended."""
    folder = tmp_path_factory.mktemp("ended") / "run"
    execute(small_scenario(), folder, lambda _: False)
    return folder


@pytest.fixture
def run(ended: Path, tmp_path: Path) -> Path:
    """A copy of it to damage."""
    return Path(shutil.copytree(ended, tmp_path / "run"))


@pytest.fixture(scope="module")
def ended_study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a study of two seeds that has ended."""
    folder = tmp_path_factory.mktemp("ended") / "study"
    execute(small_scenario(seeds=[0, 1], merges=2), folder, lambda _: False)
    return folder


def test_a_finished_run_is_not_resumed(mlecs: Mlecs, run: Path) -> None:
    says(mlecs("resume", run), "run has ended, so there is nothing to resume; `mlecs report")


def test_a_run_without_checkpoint_is_not_resumed(mlecs: Mlecs, run: Path) -> None:
    reopen(run)
    shutil.rmtree(run / "checkpoints")
    says(mlecs("resume", run), "has no checkpoint, so there is nothing to resume; run it again")


def test_a_folder_that_is_no_run_is_not_resumed(mlecs: Mlecs, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    says(mlecs("resume", "photos"), "photos is no run folder: it has no scenario.json")


@pytest.mark.parametrize("command", ["report", "resume", "compare"])
def test_a_run_of_another_format_is_refused_by_both_numbers(mlecs: Mlecs, run: Path, command: str) -> None:
    reopen(run)
    raw = json.loads((run / "scenario.json").read_text())
    (run / "scenario.json").write_text(json.dumps({**raw, "format": 2}))
    says(mlecs(command, run), "was written by format 2, this reads 1: use the version of mlecs-ray that wrote it")


def test_a_scenario_with_a_key_of_another_version_is_refused(mlecs: Mlecs, run: Path) -> None:
    reopen(run)
    raw = json.loads((run / "scenario.json").read_text())
    raw["scenario"]["colour"] = "red"
    (run / "scenario.json").write_text(json.dumps(raw))
    says(mlecs("resume", run), "scenario.json: colour is no key of a scenario")


@pytest.mark.parametrize("name", ["events", "traffic", "metrics"])
@pytest.mark.parametrize("command", ["report", "resume"])
def test_corrupt_records_are_named(mlecs: Mlecs, run: Path, command: str, name: str) -> None:
    reopen(run)
    (run / f"{name}.parquet").write_bytes(b"PAR1 this is not one")
    says(mlecs(command, run), f"{name}.parquet is damaged (")


@pytest.mark.parametrize("name", ["facts.json", "tensors.safetensors", "kept.safetensors"])
def test_a_damaged_checkpoint_is_named(mlecs: Mlecs, run: Path, name: str) -> None:
    reopen(run)
    newest = max((run / "checkpoints").iterdir())
    (newest / name).write_bytes(b"{")
    says(mlecs("resume", run), f"{newest} is damaged", "delete it to resume from the one before it")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"progress": {"speed": 3}}'])
def test_a_damaged_outcome_is_named(mlecs: Mlecs, run: Path, text: str) -> None:
    (run / "outcome.json").write_text(text)
    says(mlecs("resume", run), "outcome.json is damaged", "delete it, and the run can be resumed")


def test_a_finished_study_is_not_resumed(mlecs: Mlecs, ended_study: Path) -> None:
    says(mlecs("resume", ended_study), "study has ended, so there is nothing to resume")


@pytest.mark.parametrize("text", [None, "", "[]", '{"name": "x", "bufer": 3}'])
def test_a_study_without_its_plan_is_named(mlecs: Mlecs, ended_study: Path, tmp_path: Path, text: str | None) -> None:
    study = Path(shutil.copytree(ended_study, tmp_path / "study"))
    (study / "plan.json").unlink()
    if text is not None:
        (study / "plan.json").write_text(text)
    says(mlecs("resume", study), "plan.json is damaged", "the study cannot go on")


def test_corrupt_data_of_ones_own_is_named(mlecs: Mlecs, small: Mlecs, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "part.parquet").write_bytes(b"PAR1")
    checked = mlecs("data", "check", "mine")
    assert checked.code == 2
    assert checked.err.startswith("part.parquet: not a readable Parquet file")
    settings = ["--set", 'data={"name": "parquet", "path": "mine"}']
    says(small(*settings), "part.parquet: not a readable Parquet file")
    assert not (tmp_path / "run").exists()


def test_data_of_ones_own_that_is_nowhere_is_named(small: Mlecs, tmp_path: Path) -> None:
    says(small("--set", 'data={"name": "parquet", "path": "nowhere"}'), "nowhere", "nothing to load")
    assert not (tmp_path / "run").exists()


def test_a_trace_that_is_nowhere_is_named(small: Mlecs) -> None:
    says(small("--set", 'clients.availability={"kind": "trace", "trace": "no.csv"}'), "no.csv: no readable trace")


def lay(name: str, cache: Path) -> Path:
    """A stand-in for an unpacked asset: one file of six bytes and its sums."""
    folder = cache / CATALOGUE[name].folder.relative_to(cache)
    folder.mkdir(parents=True)
    (folder / "a.bin").write_bytes(b"123456")
    (folder / ".sums.json").write_text(json.dumps({"a.bin": [6, "0" * 64]}))
    return folder


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache."""
    monkeypatch.setenv("MLECS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.mark.parametrize("data", ["mnist5k", "watch", "stamps"])
def test_a_missing_asset_says_what_to_fetch(cache: Path, mlecs: Mlecs, data: str) -> None:
    kind = "mlp" if data == "mnist5k" else "fusion"
    said = mlecs("run", "smoke", "--local", "--set", f"data.name={data}", "--set", f"task={kind}")
    says(said, f"asset {data} is not in the cache {cache} (never fetched)", f"run `mlecs fetch {data}`")
    assert not Path("runs").exists()


@pytest.mark.parametrize(("deed", "words"), [("unlink", "a.bin is missing"), ("write", "a.bin was altered")])
def test_an_altered_asset_is_named(cache: Path, small: Mlecs, deed: str, words: str) -> None:
    file = lay("mnist5k", cache) / "a.bin"
    file.unlink() if deed == "unlink" else file.write_bytes(b"1234567")
    says(small("--set", "data.name=mnist5k"), words, "run `mlecs fetch mnist5k`")


@pytest.mark.usefixtures("cache")
def test_the_main_job_without_assets_says_what_to_fetch_first(mlecs: Mlecs) -> None:
    says(mlecs("run", "stamps", "--local"), "run `mlecs fetch stamps`")


def test_two_runs_that_start_in_one_moment_write_to_two_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with claimed(None, "smoke") as first, claimed(None, "smoke") as second:
        assert (str(first), str(second)) == ("runs/smoke-001", "runs/smoke-002")
        (second / "scenario.json").touch()
    assert [str(path) for path in Path("runs").iterdir()] == ["runs/smoke-002"]


def test_a_wide_summary_is_turned_in_a_narrow_terminal(
    tmp_path: Path, mlecs: Mlecs, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_seeds(tmp_path / "study")
    monkeypatch.setattr(console, "width", 80)
    assert "│ virtual time │" in mlecs("report", "study").out
    monkeypatch.setattr(console, "width", 200)
    assert "┃ virtual time ┃" in mlecs("report", "study").out


@pytest.mark.parametrize("what", ["a file", "a link to nothing"])
def test_a_place_that_cannot_hold_runs_is_refused(mlecs: Mlecs, what: str) -> None:
    if what == "a file":
        Path("runs").touch()
    else:
        Path("runs").symlink_to("unmounted")
    says(mlecs("run", "smoke", "--local"), "so no run can be written there", "choose --out")
