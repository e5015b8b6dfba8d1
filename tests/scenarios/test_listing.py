"""What `mlecs list` shows."""

import pytest

from mlecs_ray.data.dataset import FOLDERS, NAMES
from scenarios.catalogue import SCENARIOS
from scenarios.listing import sentence
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
    monkeypatch.setenv("COLUMNS", "200")
    said = mlecs("list", "eclm").out
    assert said.startswith("eclm: A cloud model decomposed into modules")
    assert "│ modules        │ 16           │ whole number " in said
    assert "In each layer, the residual one among them." in said
    assert mlecs("list", "fedavg").out.endswith("It has no options.\n")


def test_what_is_no_method_is_not_listed(mlecs: Mlecs) -> None:
    said = mlecs("list", "eclmm")
    assert said.code == 2
    assert "did you mean eclm?" in said.err
