"""What `mlecs list` shows."""

import pytest

from mlecs_ray.data.dataset import FOLDERS, NAMES
from scenarios.catalogue import SCENARIOS
from scenarios.consoles import console
from scenarios.listing import keys, sentence
from tests.scenarios.conftest import Mlecs


def test_all_scenarios_and_data_sets_are_listed(mlecs: Mlecs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    words = mlecs("list").out.replace(",", " ").replace(";", " ").replace(".", " ").split()
    assert {*SCENARIOS, *NAMES, *FOLDERS, "parquet"} <= set(words)


@pytest.mark.parametrize(
    ("doc", "first"),
    [
        ("One line.", "One line."),
        ("Over\n    two lines.\n\n    More.", "Over two lines."),
        ("Layers ``s .. L-1-s`` of it. More.", "Layers s .. L-1-s of it."),
        ("", ""),
    ],
)
def test_what_a_method_is_is_told_in_a_whole_sentence(doc: str, first: str) -> None:
    assert sentence(doc) == first


def test_one_table_is_listed_by_its_name(mlecs: Mlecs) -> None:
    said = mlecs("list", "devices").out
    assert "Devices" in said
    assert "Scenarios" not in said


def test_what_a_method_is_and_what_its_options_mean_is_listed_by_its_name(
    mlecs: Mlecs, monkeypatch: pytest.MonkeyPatch
) -> None:
    # By the console itself: other tests leave it a terminal of their own.
    monkeypatch.setattr(console, "_width", 300)
    monkeypatch.setattr(console, "_height", 100)
    said = mlecs("list", "eclm").out
    assert said.startswith("eclm: A cloud model decomposed into modules")
    assert "│ modules        │ 16           │ whole number " in said
    assert "In each layer, the residual one among them." in said
    assert mlecs("list", "fedavg").out.endswith("It has no options.\n")


def test_keys_are_lines_for_other_programs(mlecs: Mlecs) -> None:
    said = mlecs("keys", "data.alpha").out
    assert said == "data.alpha\t0.5\tnumber > 0\tDirichlet concentration; smaller is more skewed.\n"
    assert mlecs("keys", "data.alfa").code == 2


def test_keys_are_a_table_for_people() -> None:
    table = keys("clients.masks")
    assert [column.header for column in table.columns] == ["key", "default", "value", "what"]
    assert table.row_count == 3


def test_what_is_no_method_is_not_listed(mlecs: Mlecs) -> None:
    said = mlecs("list", "eclmm")
    assert said.code == 2
    assert "did you mean eclm?" in said.err


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("devcies", "'devcies' is nothing that is listed; did you mean devices?"),
        ("zzz", "is nothing that is listed; known are scenarios, methods, devices, data, fedavg, fedprox"),
        ("own.py:Mine", "is a file of your own, and only what ships is listed: the options of a method in it are"),
        ("own.py", "is a file of your own, and only what ships is listed"),
    ],
)
def test_a_name_that_list_does_not_take_is_answered_by_those_that_it_takes(mlecs: Mlecs, name: str, words: str) -> None:
    said = mlecs("list", name)
    assert said.code == 2
    assert words in said.err
    assert "path.py:Name" not in said.err
