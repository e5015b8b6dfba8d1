"""Every key of a scenario is told once, below its field, and from there to people."""

from pathlib import Path

import pytest

from mlecs_ray.errors import InputError
from mlecs_ray.scenario.fields import Option
from mlecs_ray.scenario.keys import all_keys
from mlecs_ray.scenario.reference import entries, rewritten, tables

DOCS = (Path(__file__).parents[2] / "docs" / "scenarios.md").read_text()


def test_every_key_is_told_with_what_it_does() -> None:
    found = entries()
    assert [one.name for one in found] == list(all_keys())
    assert [one.name for one in found if not one.what or not one.value] == []


def test_a_key_is_told_with_its_default_its_bounds_and_what_null_means() -> None:
    assert entries("local.steps") == [
        Option("local.steps", "null", "whole number ≥ 1 or null", "At most this many steps a job; null: all epochs.")
    ]
    (noise,) = entries("task.noise")
    assert (noise.default, noise.value) == ("0.0", "number ≥ 0 and < 1")


def test_a_group_is_told_whole_and_an_entry_by_its_mapping() -> None:
    assert {one.name for one in entries("clients.masks")} == {
        f"clients.masks.{key}" for key in ("kind", "rate", "period")
    }
    assert [one.name for one in entries("clients.devices.pi4b")] == ["clients.devices.*"]


def test_what_is_no_key_is_refused() -> None:
    with pytest.raises(InputError, match=r"local.steeps is no key of a scenario.*did you mean local.steps\?"):
        entries("local.steeps")


def test_the_tables_of_the_docs_are_those_of_the_code() -> None:
    """Else write them anew: python -m mlecs_ray.scenario.reference docs/scenarios.md"""
    assert tables() in DOCS
    assert rewritten(DOCS) == DOCS
    assert rewritten(DOCS.replace("`data.alpha`", "`data.alfa`")) == DOCS
