"""Runs go on where they stopped; one that fails stops no other."""

from pathlib import Path

import pytest

from bench.machine import source
from mlecs_ray.errors import InputError
from mlecs_ray.scenario.overrides import apply
from scenarios.reproduce.cells import Cell
from scenarios.reproduce.plan import Run, plan
from scenarios.reproduce.runs import Pace, Processes, carry_out, missing, seconds_left
from scenarios.reproduce.store import Record, Store
from tests.scenarios.reproduce.fake import BASE, MADE, FakeRunner
from tests.small import small_scenario

CELLS = [Cell("rates", name, "rate 0.7", {"method": name}) for name in ("mlecs", "standalone")]
RUNS = plan(BASE, CELLS, [0, 1])


def ignore(run: Run, record: Record) -> None:
    pass


def test_every_run_is_stored_with_what_it_was(tmp_path: Path) -> None:
    store = Store(tmp_path / "mlecs.json")
    told: list[str] = []
    carry_out(RUNS, store, FakeRunner(), 2, MADE, lambda run, _: told.append(run.what))
    kept = Store.read(store.path).runs
    assert sorted(kept) == sorted(run.digest for run in RUNS)
    assert {(one.what, one.seed, one.seconds) for one in kept.values()} == {
        (f"rates: {name}, rate 0.7", seed, 60.0) for name in ("mlecs", "standalone") for seed in (0, 1)
    }
    assert len(told) == 4


def test_what_is_there_is_not_run_again(tmp_path: Path) -> None:
    store = Store(tmp_path / "mlecs.json")
    carry_out(RUNS[:3], store, FakeRunner(), 1, MADE, ignore)
    again = FakeRunner()
    carry_out(missing(RUNS, store), store, again, 1, MADE, ignore)
    assert again.made == [RUNS[3].scenario]
    assert missing(RUNS, store) == []


def test_a_run_that_fails_is_told_and_tried_again_later(tmp_path: Path) -> None:
    store = Store(tmp_path / "mlecs.json")
    carry_out(RUNS, store, FakeRunner(breaks=lambda one: one.method.name == "mlecs"), 1, MADE, ignore)
    failed = [one for one in store.runs.values() if not one.result]
    assert [one.error for one in failed] == ["mlecs broke"] * 2
    assert {run.what for run in missing(RUNS, store)} == {"rates: mlecs, rate 0.7"}


def test_after_an_interrupt_what_had_ended_is_kept(tmp_path: Path) -> None:
    store, runner = Store(tmp_path / "mlecs.json"), FakeRunner(interrupts=lambda one: one.seed == 1)
    with pytest.raises(KeyboardInterrupt):
        carry_out(RUNS, store, runner, 1, MADE, ignore)
    assert runner.stopped
    assert list(Store.read(store.path).runs) == [run.digest for run in RUNS[:2]]


def test_the_time_left_is_estimated_from_runs_of_the_same_cell_else_from_all() -> None:
    """Four runs of 80 s where none was made. Then of the first cell one took 100 s, of the second none was made: both
    are estimated at 100 s, by two at once."""
    store = Store(Path("nowhere.json"))
    assert seconds_left(RUNS, store, Pace(2, 80.0)) == 160.0
    store.runs = {RUNS[0].digest: Record(RUNS[0].what, 0, 100.0, MADE, FakeRunner()(BASE)[1])}
    assert seconds_left(RUNS, store, Pace(2, 80.0)) == 150.0
    store.runs["x"] = Record(RUNS[1].what, 7, 20.0, MADE, FakeRunner()(BASE)[1])
    assert seconds_left(RUNS, store, Pace(1, 80.0)) == 20.0 + 100.0 + 20.0


def test_a_process_of_its_own_runs_and_measures() -> None:
    seconds, result, code = Processes()(small_scenario(evaluation__clients=2))
    assert code == source()
    assert seconds > 0
    assert result.merges == 8
    assert set(result.final) == {"global", "client"}
    assert result.traffic.download == {"shared": result.traffic.client}
    assert [at for at, _ in result.curve] == [0.0]


def test_data_that_was_not_fetched_is_named_before_any_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLECS_CACHE", str(tmp_path))
    runs = [small_scenario(), apply(small_scenario(), {"data.name": "watch", "data.test_share": 0.37})]
    with pytest.raises(InputError, match="asset watch is not in the cache"):
        Processes().check(runs)
    Processes().check(runs[:1])


def test_a_process_that_fails_says_why_in_one_line() -> None:
    with pytest.raises(InputError, match=r"^samples have no texts, so a metric of texts cannot judge"):
        Processes()(apply(small_scenario(), {"evaluation.metrics": ["rouge_lsum"]}))


def test_nothing_is_started_after_a_stop() -> None:
    processes = Processes()
    processes.stop()
    with pytest.raises(InputError, match="stopped before it began"):
        processes(small_scenario())
