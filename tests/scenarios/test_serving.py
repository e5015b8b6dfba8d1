"""`mlecs serve`: what is taken over from a run, and what is refused before anything starts."""

import io
import shutil
import socket
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from mlecs_ray.errors import InputError
from mlecs_ray.report.write import write_report
from mlecs_ray.run.bundle import Bundle
from mlecs_ray.run.local import run_locally
from mlecs_ray.serving import calibration
from scenarios.cli import app
from scenarios.serving import Follower, Wanted, check_port, fitted, options_of, prepare, show, take
from serve.settings import check_host
from tests.scenario.mine import edit, forget, write_method
from tests.serving import spoken
from tests.small import small_scenario

QUIET = Console(file=io.StringIO())


@pytest.fixture
def run(tmp_path: Path) -> Path:
    shutil.copytree(spoken.run() / "artifact", tmp_path / "run" / "artifact")
    return tmp_path / "run"


def _wanted(run: Path, **told: object) -> Wanted:
    usual: dict[str, object] = {
        "edge": (),
        "cloud": None,
        "policy": "cascade",
        "cloud_share": 0.3,
        "watch": False,
        "options": {},
    }
    return Wanted(run, **{**usual, **told})  # type: ignore[arg-type]


def test_the_newest_version_is_taken_over_with_its_thresholds(run: Path) -> None:
    settings = prepare(_wanted(run), QUIET)
    version = run / "serving" / settings.version
    assert version.is_dir()
    (name,) = calibration.read(version)
    assert name.startswith("tiny-edge")
    assert calibration.read(version)[name].share == 0.3


def test_thresholds_are_fitted_once_and_anew_for_another_share(run: Path) -> None:
    version = take(_wanted(run), QUIET).folder
    file = calibration.file_of(version)
    first = file.stat().st_mtime_ns
    take(_wanted(run), QUIET)
    assert file.stat().st_mtime_ns == first
    take(_wanted(run, cloud_share=0.6), QUIET)
    assert {one.share for one in calibration.read(version).values()} == {0.6}


def test_the_report_of_a_run_that_has_ended_shows_its_thresholds_at_once(run: Path) -> None:
    for name in ("scenario.json", "events.parquet", "traffic.parquet", "metrics.parquet"):
        shutil.copy(spoken.run() / name, run / name)
    assert "Edge or cloud" not in write_report(run).read_text()
    take(_wanted(run), QUIET)
    assert "Edge or cloud" in (run / "report.html").read_text()


def test_a_run_that_goes_on_has_its_report_yet_to_come(run: Path) -> None:
    take(_wanted(run), QUIET)
    assert not (run / "report.html").exists()


def test_a_report_that_cannot_be_drawn_keeps_nobody_from_serving(run: Path) -> None:
    out = io.StringIO()
    (run / "report.html").write_text("of a run whose records are gone")
    take(_wanted(run), Console(file=out, width=200))
    assert "the report does not show the thresholds" in out.getvalue()


def test_clients_that_are_named_get_thresholds_of_their_own(run: Path) -> None:
    bundle = take(_wanted(run, edge=("client-1",)), QUIET)
    assert set(calibration.read(bundle.folder)) == {"client-1"}
    with pytest.raises(InputError, match="model 'client-9' is none of this run's"):
        fitted(bundle, ["client-9"])


def test_thresholds_are_about_the_model_that_answers_as_the_cloud(run: Path) -> None:
    version = take(_wanted(run, edge=("client-1",)), QUIET).folder
    assert {one.cloud for one in calibration.read(version).values()} == {"cloud"}
    take(_wanted(run, edge=("client-1",), cloud="client-0"), QUIET)
    assert calibration.read(version)["client-1"].cloud == "client-0"
    with pytest.raises(InputError, match="model 'client-9' is none of this run's"):
        take(_wanted(run, cloud="client-9"), QUIET)


def test_a_kind_without_a_model_of_the_servers_is_judged_by_its_client_with_most_samples(run: Path) -> None:
    bundle = take(_wanted(run), QUIET)
    (whole,) = (card for card in bundle.cards.values() if card.side == "edge" and card.client is None)
    clients = [card for card in bundle.cards.values() if card.client is not None]
    others = [replace(card, structure="other", samples=at) for at, card in enumerate(clients)]
    cards = {card.name: card for card in (whole, *others, bundle.cloud)}
    mixed = Bundle(bundle.folder, {**bundle.facts, "cards": [asdict(card) for card in cards.values()]})
    assert fitted(mixed, ()) == {whole.name: whole.name, "other": others[-1].name}
    assert fitted(mixed, [others[0].name]) == {others[0].name: others[0].name}


def test_a_run_of_classifiers_needs_no_threshold(tmp_path: Path) -> None:
    run_locally(small_scenario(), tmp_path)
    settings = prepare(_wanted(tmp_path), QUIET)
    assert calibration.read(tmp_path / "serving" / settings.version) == {}


def test_a_run_with_another_file_of_ones_own_is_refused_before_anything_starts(tmp_path: Path) -> None:
    file = write_method(tmp_path)
    run_locally(small_scenario(method=f"{file}:Mine"), tmp_path / "run")
    prepare(_wanted(tmp_path / "run"), QUIET)
    forget(file)
    edit(file)
    with pytest.raises(InputError, match=r"own.py is not the file that the run began with"):
        prepare(_wanted(tmp_path / "run"), QUIET)


def test_a_run_without_models_says_when_there_will_be_some(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has no artifact: a run leaves one at its checkpoints"):
        prepare(_wanted(tmp_path), QUIET)
    with pytest.raises(InputError, match="is no run folder, so there is nothing to wait for"):
        prepare(_wanted(tmp_path / "nowhere", watch=True), QUIET)


def test_settings_are_checked_before_anything_starts(run: Path) -> None:
    assert options_of(["slots=4", 'hosts=["a.example"]'], None) == {"slots": 4, "hosts": ["a.example"]}
    with pytest.raises(InputError, match="did you mean slots"):
        options_of(["slot=4"], None)
    with pytest.raises(InputError, match="slots=0: Input should be greater than or equal to 1"):
        prepare(_wanted(run, options={"slots": 0}), QUIET)
    with pytest.raises(InputError, match="policy='sideways'"):
        prepare(_wanted(run, policy="sideways"), QUIET)


def test_strangers_need_a_key_and_this_machine_does_not() -> None:
    for host in ("127.0.0.1", "localhost", "::1", "127.8.8.8"):
        check_host(host, None)
    for host in ("0.0.0.0", "::", "192.168.1.4", "example.org"):
        with pytest.raises(InputError, match="a key file must say who may"):
            check_host(host, None)
        check_host(host, "keys.jsonl")


def test_a_port_that_is_taken_is_said_at_once() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(InputError, match="cannot be listened on"):
            check_port("127.0.0.1", taken.getsockname()[1])


def test_what_is_served_is_shown(run: Path) -> None:
    bundle = take(_wanted(run), QUIET)
    out = io.StringIO()
    show(bundle, prepare(_wanted(run), QUIET), "::1", 8000, Console(file=out, width=200))
    assert "http://[::1]:8000/v1" in out.getvalue()
    assert "client-1" in out.getvalue()


def test_the_command_line_passes_on_what_it_is_told(run: Path) -> None:
    result = CliRunner().invoke(app, ["serve", str(run), "--host", "0.0.0.0"])
    assert isinstance(result.exception, InputError)
    assert "a key file must say who may" in str(result.exception)


class FakeRunning:
    """Remembers what was tried; refuses or has a trial on as told."""

    def __init__(self) -> None:
        self.tried: list[str] = []
        self.canary: str | None = None
        self.fault: Exception | None = None

    def on_trial(self) -> str | None:
        return self.canary

    def attempt(self, version: str) -> None:
        if self.fault is not None:
            raise self.fault
        self.tried.append(version)


@pytest.fixture
def newer(tmp_path: Path) -> Path:
    """What the run leaves later: another state."""
    run_locally(spoken.scenario(tmp_path / "again", seed=5), tmp_path / "again" / "run")
    return tmp_path / "again" / "run" / "artifact"


def _replace(run: Path, newer: Path) -> None:
    shutil.rmtree(run / "artifact")
    shutil.copytree(newer, run / "artifact")


def test_a_newer_version_is_put_on_trial_once(run: Path, newer: Path) -> None:
    running, served = FakeRunning(), take(_wanted(run), QUIET).version
    follower = Follower(_wanted(run), running, served, QUIET)
    follower.look()
    assert running.tried == []
    _replace(run, newer)
    follower.look()
    follower.look()
    (version,) = running.tried
    assert version != served
    assert (run / "serving" / version).is_dir()


def test_while_one_is_on_trial_the_next_waits(run: Path, newer: Path) -> None:
    running = FakeRunning()
    follower = Follower(_wanted(run), running, "1-00000000", QUIET)
    running.canary = "0-00000000"
    _replace(run, newer)
    follower.look()
    assert running.tried == []
    running.canary = None
    follower.look()
    assert len(running.tried) == 1


@pytest.mark.parametrize("fault", [InputError("refused"), TimeoutError(), OSError("full"), RuntimeError("gone")])
def test_what_goes_wrong_is_said_once_and_tried_again(run: Path, fault: Exception) -> None:
    out = io.StringIO()
    running = FakeRunning()
    running.fault = fault
    follower = Follower(_wanted(run), running, "1-00000000", Console(file=out, width=200))
    follower.look()
    follower.look()
    assert out.getvalue().count("was not rolled in") == 1
    running.fault = None
    follower.look()
    assert len(running.tried) == 1


def test_an_artifact_that_is_gone_for_a_moment_ends_nothing(run: Path) -> None:
    running = FakeRunning()
    follower = Follower(_wanted(run), running, "1-00000000", QUIET)
    shutil.rmtree(run / "artifact")
    follower.look()
    assert running.tried == []


def test_watching_needs_ray(run: Path) -> None:
    result = CliRunner().invoke(app, ["serve", str(run), "--local", "--watch", "--port", "8999"])
    assert "--watch needs Ray Serve" in str(result.exception)
