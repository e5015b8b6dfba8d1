"""Estimates by hand-made numbers."""

from pathlib import Path

import pytest
import torch

from mlecs_ray.method import Budget
from mlecs_ray.models.lora import LoRA, backbone
from mlecs_ray.serving.cost import Estimate, computed, row_flops, sent, token_flops
from mlecs_ray.wire import save_tree
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


def _weight(*shape: int) -> dict[str, torch.Tensor]:
    return {"weight": torch.zeros(*shape), "bias": torch.zeros(shape[0])}


def test_a_row_costs_two_flops_a_weight_of_what_senses_it(tmp_path: Path) -> None:
    """Seen: 5 x 3 and 4 x 5 in the encoder, 4 x 4 after it, 6 x 4 in the fusion; what is not heard costs nothing, and
    neither does what only leads to words. Of three frames the encoder's first layer sees each."""
    save_tree(
        {
            "encoders": {m: {"5": {"0": _weight(5, 3), "1": _weight(4, 5)}} for m in ("image", "sound")},
            "projections": {m: _weight(4, 4) for m in ("image", "sound")},
            "fusion": {"slots": {m: {**_weight(6, 4), "scale": torch.ones(4)} for m in ("image", "sound")}},
            "prompt": {"16": _weight(32, 6)},
        },
        tmp_path / "connector.safetensors",
    )
    assert row_flops(tmp_path, {"image": 1}) == 2 * (5 * 3 + 4 * 5 + 4 * 4 + 6 * 4)
    assert row_flops(tmp_path, {"image": 3}) == 2 * (3 * 5 * 3 + 4 * 5 + 4 * 4 + 6 * 4)
    assert row_flops(tmp_path, {}) == 0


def test_a_classifiers_layers_all_cost_what_its_encoders_do(tmp_path: Path) -> None:
    encoders = {m: _weight(4, 3) for m in ("near", "far")}
    save_tree({"encoders": encoders, "head": _weight(2, 4)}, tmp_path / "model.safetensors")
    assert row_flops(tmp_path, {"near": 1}) == 2 * (4 * 3 + 2 * 4)
