"""Results are on the disk as soon as they are there."""

import fcntl
import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mlecs_ray.errors import InputError
from scenarios.reproduce.store import Record, Store, Timing
from tests.scenarios.reproduce.fake import MADE, result

DONE = Record("rates: mlecs", 0, 60.0, MADE, result({"0": 0.5}, 0.4))
FAILED = Record("rates: mlecs", 1, 0.0, MADE, error="out of luck")


def test_what_was_put_is_read_again(tmp_path: Path) -> None:
    store = Store.read(tmp_path / "new" / "mlecs.json")
    store.put("a", DONE)
    store.put("b", FAILED)
    store.put_floors("c", {"constant": {"rouge_lsum": 0.2}})
    again = Store.read(store.path)
    assert (again.runs, again.floors) == (store.runs, store.floors)
    assert again.result("a") == DONE.result
    assert again.result("b") is None
    assert again.result("z") is None


def test_timings_say_where_they_were_made_and_are_no_section_before_there_are_any(tmp_path: Path) -> None:
    store = Store(tmp_path / "eclm.json")
    store.put("a", DONE)
    assert "timings" not in json.loads(store.path.read_text())
    store.put_timing("t", Timing(MADE, {"whole": {"step_seconds": 0.1}}))
    assert Store.read(store.path).timings == store.timings


def test_every_run_has_a_line_of_its_own(tmp_path: Path) -> None:
    store = Store(tmp_path / "mlecs.json")
    store.put("a", DONE)
    store.put("b", FAILED)
    assert [line[:4] for line in store.path.read_text().splitlines()[2:4]] == ['"a":', '"b":']
    assert json.loads(store.path.read_text())["format"] == 1


def test_what_the_table_does_not_ask_for_can_be_dropped(tmp_path: Path) -> None:
    store = Store(tmp_path / "mlecs.json", {"a": DONE, "b": DONE}, {"c": {}, "d": {}}, {"t": Timing(MADE, {})})
    assert store.prune({"a"}, {"d"}) == 1
    again = Store.read(store.path)
    assert (list(again.runs), list(again.floors), list(again.timings)) == (["a"], ["d"], [])


def _put(path: Path, first: int) -> None:
    store = Store.read(path)
    for number in range(first, first + 20):
        store.put(f"{number}", DONE)


def test_processes_with_one_file_keep_each_others_results(tmp_path: Path) -> None:
    """Threads that open the folder each for themselves are as strange to one another as processes."""
    path = tmp_path / "new" / "mlecs.json"
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(_put, (path, path), (0, 100)))
    assert len(Store.read(path).runs) == 40
    assert [one.name for one in path.parent.iterdir()] == ["mlecs.json"]


def test_what_the_file_has_got_meanwhile_is_seen_after_the_next_change(tmp_path: Path) -> None:
    ours, theirs = (Store.read(tmp_path / "mlecs.json") for _ in range(2))
    theirs.put("b", DONE)
    theirs.put_floors("c", {"constant": {"accuracy": 0.2}})
    theirs.put_timing("t", Timing(MADE, {}))
    ours.put("a", DONE)
    assert ours == Store.read(ours.path)
    assert [list(one) for one in (ours.runs, ours.floors, ours.timings)] == [["b", "a"], ["c"], ["t"]]


def test_a_run_that_failed_here_takes_no_result_of_another_process_away(tmp_path: Path) -> None:
    ours, theirs = (Store.read(tmp_path / "mlecs.json") for _ in range(2))
    theirs.put("a", DONE)
    ours.put("a", FAILED)
    assert Store.read(ours.path).runs == {"a": FAILED}
    theirs.put("b", DONE)
    assert Store.read(ours.path).runs == {"a": DONE, "b": DONE}


def test_it_is_the_folder_that_is_locked_and_before_the_file_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked: list[tuple[bool, int]] = []
    monkeypatch.setattr(
        fcntl, "flock", lambda file, kind: locked.append((os.path.samestat(os.fstat(file), os.stat(tmp_path)), kind))
    )
    Store(tmp_path / "mlecs.json").put("a", DONE)
    assert locked == [(True, fcntl.LOCK_EX)]


def test_what_other_processes_have_put_is_pruned_like_our_own(tmp_path: Path) -> None:
    ours, theirs = (Store.read(tmp_path / "mlecs.json") for _ in range(2))
    for key in ("a", "z"):
        theirs.put(key, DONE)
    assert ours.prune({"a"}, ()) == 1
    assert list(Store.read(ours.path).runs) == ["a"]


def test_runs_and_floors_that_are_asked_for_are_taken_over_where_there_are_none(tmp_path: Path) -> None:
    one, two = {"constant": {"accuracy": 0.1}}, {"constant": {"accuracy": 0.2}}
    other = Store(
        tmp_path / "there.json", {"a": DONE, "b": DONE, "x": DONE, "f": FAILED}, {"c": two, "d": two, "y": two}
    )
    other.timings["t"] = Timing(MADE, {})
    ours = Store(tmp_path / "here.json", {"a": DONE}, {"c": one})
    assert ours.take(other, {"a", "b", "f"}, {"c", "d", "t"}) == 1
    again = Store.read(ours.path)
    assert list(again.runs) == ["a", "b"]
    assert again.floors == {"c": one, "d": two}
    assert again.timings == {}


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"mlecs\.json was not written"):
        Store(tmp_path / "file" / "mlecs.json").put("a", DONE)


@pytest.mark.parametrize("text", ["", "[]", '{"format": 9}', '{"format": 1}', '{"format": 1, "runs": {"a": 3}}'])
def test_a_file_of_something_else_is_refused_and_left_alone(tmp_path: Path, text: str) -> None:
    path = tmp_path / "mine.json"
    path.write_text(text)
    with pytest.raises(InputError, match=r"mine\.json"):
        Store.read(path)
    assert path.read_text() == text
