"""What is asked of the table, and which tests are made."""

from pathlib import Path

import pytest

from scenarios.reproduce.cells import Cell
from scenarios.reproduce.found import CLIENTS, CLOUD, RECEIVER, Found
from scenarios.reproduce.measures import Result
from tests.scenarios.reproduce.fake import found, result

STRENGTH = {"mlecs": 0.5, "standalone": 0.3, "fedilora": 0.4}


def measured(cell: Cell, seed: int) -> Result | None:
    """Ours is best; client 1 and later seeds are better; the third method has no cloud model."""
    if cell.group != "rates" or cell.name not in STRENGTH:
        return None
    value = STRENGTH[cell.name] + 0.01 * seed
    clients = {"0": value, "1": value + 0.1 + 0.01 * seed * (cell.name == "mlecs")}
    return result(clients, None if cell.name == "fedilora" else value)


@pytest.fixture
def made(tmp_path: Path) -> Found:
    return found(tmp_path, measured)


def test_values_are_told_by_seed_and_client(made: Found) -> None:
    cell = made.cell("rates", "standalone", "rate 0.5")
    assert made.values(cell, CLIENTS, "rouge_lsum") == pytest.approx(
        {(0, "0"): 0.3, (0, "1"): 0.4, (1, "0"): 0.31, (1, "1"): 0.41}
    )
    assert made.values(cell, CLOUD, "rouge_lsum") == pytest.approx({(0, "cloud"): 0.3, (1, "cloud"): 0.31})
    assert made.values(cell, RECEIVER, "rouge_lsum", first=True) == {(0, "edge-small"): 0.1, (1, "edge-small"): 0.1}
    assert made.values(cell, CLIENTS, "rouge_lsum_content") == {}
    assert made.values(made.cell("rates", "fedmllm", "rate 0.5"), CLIENTS, "rouge_lsum") == {}
    assert made.values(made.cell("rates", "nobody", "rate 0.5"), CLIENTS, "rouge_lsum") == {}


def test_ours_is_held_against_the_best_other_that_has_such_a_model(made: Found) -> None:
    tests = {(one.setting, one.scope): one for one in made.comparisons("rates")}
    clients, cloud = tests["rate 0.7", CLIENTS], tests["rate 0.7", CLOUD]
    assert (clients.name, clients.other, clients.pair.n) == ("mlecs", "fedilora", 4)
    ours, theirs = 0.5 + 0.6 + 0.51 + 0.62, 0.4 + 0.5 + 0.41 + 0.51
    assert clients.pair.relative == pytest.approx(ours / theirs - 1)
    assert (cloud.other, cloud.pair.n) == ("standalone", 2)


def test_tests_of_a_group_are_corrected_together(made: Found) -> None:
    """At three rates alike: for the cloud p = 0 as both seeds differ alike; then come those of the clients, times 3."""
    tests = made.comparisons("rates")
    assert len(tests) == 6
    assert {one.corrected for one in tests if one.scope == CLOUD} == {0.0}
    clients = [one for one in tests if one.scope == CLIENTS]
    assert [one.corrected for one in clients] == [pytest.approx(3 * (one.pair.p or 0.0)) for one in clients]


def test_variants_are_held_against_the_first(tmp_path: Path) -> None:
    values = {"whole": 0.4, "without CCL": 0.2}
    made = found(
        tmp_path, lambda cell, _: result({"0": values[cell.name]}) if cell.name in values else None, seeds=(0,)
    )
    (one,) = made.comparisons("ablations")
    assert (one.name, one.other, one.pair.relative) == ("without CCL", "whole", pytest.approx(-0.5))


def test_the_deciding_metric_comes_first(made: Found) -> None:
    assert made.metrics("rates")[0] == "rouge_lsum"
    assert made.metrics("classes") == ("macro_f1", "accuracy")


def test_an_empty_table_has_no_tests(tmp_path: Path) -> None:
    made = found(tmp_path, lambda *_: None)
    assert made.comparisons("rates") == made.comparisons("scale") == []
