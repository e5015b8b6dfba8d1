"""Results are on the disk as soon as they are there."""

import json
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


@pytest.mark.parametrize("text", ["", "[]", '{"format": 9}', '{"format": 1}', '{"format": 1, "runs": {"a": 3}}'])
def test_a_file_of_something_else_is_refused_and_left_alone(tmp_path: Path, text: str) -> None:
    path = tmp_path / "mine.json"
    path.write_text(text)
    with pytest.raises(InputError, match=r"mine\.json"):
        Store.read(path)
    assert path.read_text() == text
