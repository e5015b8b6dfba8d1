"""Which tests are made."""

from pathlib import Path

import pytest

from scenarios.reproduce.found import Found
from scenarios.reproduce.mlecs.comparisons import comparisons
from scenarios.reproduce.mlecs.scopes import CLIENTS, CLOUD
from tests.scenarios.reproduce.fake import found, rates, result


@pytest.fixture
def made(tmp_path: Path) -> Found:
    return found(tmp_path, rates)


def test_ours_is_held_against_the_best_other_that_has_such_a_model(made: Found) -> None:
    tests = {(one.setting, one.scope): one for one in comparisons(made, "rates")}
    clients, cloud = tests["rate 0.7", CLIENTS], tests["rate 0.7", CLOUD]
    assert (clients.name, clients.other, clients.pair.n) == ("mlecs", "fedilora", 4)
    ours, theirs = 0.5 + 0.6 + 0.51 + 0.62, 0.4 + 0.5 + 0.41 + 0.51
    assert clients.pair.relative == pytest.approx(ours / theirs - 1)
    assert (cloud.other, cloud.pair.n) == ("standalone", 2)


def test_tests_of_a_group_are_corrected_together(made: Found) -> None:
    """At three rates alike: for the cloud p = 0 as both seeds differ alike; then come those of the clients, times 3."""
    tests = comparisons(made, "rates")
    assert len(tests) == 6
    assert {one.corrected for one in tests if one.scope == CLOUD} == {0.0}
    clients = [one for one in tests if one.scope == CLIENTS]
    assert [one.corrected for one in clients] == [pytest.approx(3 * (one.pair.p or 0.0)) for one in clients]


def test_variants_are_held_against_the_first(tmp_path: Path) -> None:
    values = {"whole": 0.4, "without CCL": 0.2}
    made = found(
        tmp_path, lambda cell, _: result({"0": values[cell.name]}) if cell.name in values else None, seeds=(0,)
    )
    (one,) = comparisons(made, "ablations")
    assert (one.name, one.other, one.pair.relative) == ("without CCL", "whole", pytest.approx(-0.5))


def test_an_empty_table_has_no_tests(tmp_path: Path) -> None:
    made = found(tmp_path, lambda *_: None)
    assert comparisons(made, "rates") == comparisons(made, "scale") == []
