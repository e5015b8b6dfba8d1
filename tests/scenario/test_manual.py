"""What options mean is written once, below their fields, and told from there."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from mlecs_ray.errors import InputError
from mlecs_ray.method import Client
from mlecs_ray.methods.eclm.budgets import spare
from mlecs_ray.scenario.compose import KINDS, hyperparameters
from mlecs_ray.scenario.fields import Option
from mlecs_ray.scenario.manual import about, options, options_of, rewritten, table
from mlecs_ray.scenario.names import METHODS
from mlecs_ray.sim.devices import find_device

DOCS = (Path(__file__).parents[2] / "docs" / "methods.md").read_text()


@dataclass(frozen=True)
class Toy:
    """A method."""

    task: object
    """Given by the scenario, so no option."""
    pace: float
    """How fast,
    in words of two lines."""
    parts: tuple[Literal["a", "b"], ...] = ()
    rates: tuple[float, float] = (0.9, 0.99)
    """Two ``rates``."""
    kind: Literal["x", "y"] = "x"
    last: int | None = None
    """None | all."""


def test_each_field_is_told_with_its_default_its_values_and_the_docstring_below_it() -> None:
    assert options_of(Toy) == [
        Option("pace", "must be set", "number", "How fast, in words of two lines."),
        Option("parts", "[]", "list of `a`, `b`", ""),
        Option("rates", "[0.9, 0.99]", "list of 2: number", "Two ``rates``."),
        Option("kind", '"x"', "`x` or `y`", ""),
        Option("last", "null", "whole number or null", "None | all."),
    ]


@pytest.mark.parametrize("name", METHODS)
def test_every_method_that_ships_tells_what_it_is_and_all_its_options(name: str) -> None:
    assert about(name)
    assert [one.name for one in options(name)] == list(hyperparameters(KINDS[name]) if name in KINDS else [])


def test_a_method_that_does_not_ship_is_refused() -> None:
    with pytest.raises(InputError, match=r"'eclmm' is no method that ships.*did you mean eclm"):
        options("eclmm")


def test_a_bar_in_a_cell_does_not_end_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KINDS, "eclm", Toy)  # type: ignore[arg-type]  # the shipped kinds are a plain dict
    assert "| `last` | `null` | whole number or null | None \\| all. |" in table("eclm").splitlines()


def test_the_tables_of_the_docs_are_those_of_the_code() -> None:
    """Else write them anew: python -m mlecs_ray.scenario.manual docs/methods.md"""
    assert table("eclm") in DOCS
    assert rewritten(DOCS) == DOCS


def test_a_stale_table_is_written_anew() -> None:
    stale = DOCS.replace("| `modules` |", "| `moduls` |")
    assert stale != DOCS
    assert rewritten(stale) == DOCS


def test_the_worked_figures_of_budgets_are_those_of_the_code() -> None:
    """docs/methods.md: 0.5 x 1.5 / 4 = .19 of memory, .19 of compute, .14 of bytes; with least=0.25, .25 of each."""
    phone = Client(0, frozenset({"image"}), find_device("phone-low").budget, "phone-low", 10)
    part = spare(phone, np.ones(3), 0.5, "phone-high")
    assert ".19 of the network's memory, .19 of its compute and .14 of its bytes" in DOCS
    assert part.round(2).tolist() == [0.19, 0.19, 0.14]
    assert spare(phone, np.ones(3), 0.5, "phone-high", 0.25).tolist() == [0.25] * 3
