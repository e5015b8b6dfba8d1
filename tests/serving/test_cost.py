"""Estimates by hand-made numbers."""

from pathlib import Path

import pytest

from mlecs_ray.method import Budget
from mlecs_ray.models.lora import LoRA, backbone
from mlecs_ray.serving.cost import Estimate, computed, sent, token_flops
from tests.models import tiny

BUDGET = Budget(1e9, 1e9, 8e6, 16e6, 0.01, 2e-9, 1e-6, None)


def test_computing_takes_its_flops_over_the_rate() -> None:
    assert computed(BUDGET, 5e8) == Estimate(1.0, 0.5, 0)


def test_sending_takes_bits_over_the_links_and_the_way_twice() -> None:
    """1 MB up at 8 Mbit/s is 1 s, 2 MB down at 16 Mbit/s 1 s, 2 x 10 ms on the way; 3 MB at 1 uJ a byte are 3 J."""
    found = sent(BUDGET, 1_000_000, 2_000_000)
    assert found.seconds == pytest.approx(2.02)
    assert found.joules == pytest.approx(3.0)
    assert found.bytes == 3_000_000


def test_what_several_take_adds_up() -> None:
    assert Estimate(1.0, 2.0, 3) + Estimate(0.5, 0.25, 4) == Estimate(1.5, 2.25, 7)


def test_a_token_costs_two_flops_a_weight_the_tied_table_once(tmp_path: Path) -> None:
    """The head of a tied model is its table of words: it multiplies, though looking up words costs nothing."""
    lm = backbone(tiny.folder(tmp_path / "slm"), LoRA(rank=2))
    assert token_flops(lm) == 2 * sum(p.numel() for p in lm.peft.parameters())
