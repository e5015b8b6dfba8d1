"""What is asked of the table."""

from pathlib import Path

import pytest

from scenarios.reproduce.found import Found
from scenarios.reproduce.mlecs.scopes import CLIENTS, CLOUD, RECEIVER
from tests.scenarios.reproduce.fake import found, rates


@pytest.fixture
def made(tmp_path: Path) -> Found:
    return found(tmp_path, rates)


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


def test_the_deciding_metric_comes_first(made: Found) -> None:
    assert made.metrics("rates")[0] == "rouge_lsum"
    assert made.metrics("classes") == ("macro_f1", "accuracy")


def test_a_comparison_is_whole_where_both_sides_have_all_seeds(made: Found) -> None:
    ours, nobody = (made.cell("rates", name, "rate 0.5") for name in ("mlecs", "fedmllm"))
    assert made.whole(ours)
    assert not made.whole(ours, nobody)
    assert not made.whole(None)
