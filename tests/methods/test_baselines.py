"""The parts of the baselines by hand."""

import math
from dataclasses import dataclass
from typing import Any

import pytest
import torch

from mlecs_ray.errors import InputError
from mlecs_ray.methods.baselines import Distillation, FedMLLM, InterIntra, LeastSimilar, MiddleLayers
from mlecs_ray.methods.exchange import matched
from mlecs_ray.methods.stages import Meeting
from mlecs_ray.samples import Samples
from tests.models.tiny import client

EYE = torch.eye(2)


@dataclass(frozen=True)
class Given:
    """A task whose fused representations are its parameters."""

    def fused(self, params: Any, batch: Samples, client: Any) -> torch.Tensor:
        return params["fused"]


def meeting(anchors, sent=None) -> Meeting:
    seen = Samples({"a": torch.zeros(2, 1)})
    return Meeting(Given(), client("a"), seen, anchors, sent or {})


def adapters(**values):
    pairs = enumerate(values.values())
    return {f"layers.{n}.q": {"A": torch.tensor([a]), "B": torch.tensor([b])} for n, (a, b) in pairs}


def test_the_least_similar_adapter_is_edited_towards_what_was_sent():
    """Layer 0 turned by 60 degrees, layer 1 by none: ``A = 0.5 A_sent + 0.5 A`` of layer 0 alone."""
    turned = [0.5, math.sqrt(3) / 2]
    sent = adapters(first=([1.0, 0.0], [1.0, 1.0]), second=([0.0, 1.0], [2.0, 2.0]))
    learned = adapters(first=(turned, [5.0, 5.0]), second=([0.0, 3.0], [6.0, 6.0]))
    edited = LeastSimilar(0.95)(sent, learned)
    torch.testing.assert_close(edited["layers.0.q"]["A"], torch.tensor([[0.75, math.sqrt(3) / 4]]))
    assert torch.equal(edited["layers.0.q"]["B"], learned["layers.0.q"]["B"])
    assert torch.equal(edited["layers.1.q"]["A"], learned["layers.1.q"]["A"])


def test_adapters_that_are_similar_enough_go_up_as_they_are():
    sent, learned = adapters(first=([1.0, 0.0], [1.0, 1.0])), adapters(first=([1.0, 0.1], [3.0, 3.0]))
    assert LeastSimilar(0.95)(sent, learned) is learned


def test_the_pull_holds_the_middle_layers_alone():
    """Seven layers, all 1 away in both matrices of two numbers: ``mu / 2 * 5 layers * 4``."""
    names = "abcdefg"
    sent = adapters(**{n: ([0.0, 0.0], [0.0, 0.0]) for n in names})
    params = adapters(**{n: ([1.0, 1.0], [1.0, 1.0]) for n in names})
    found = MiddleLayers(0.1)(meeting(None, {"lora": sent}), {"lora": params})
    assert float(found) == pytest.approx(0.1 / 2 * 5 * 4)


def test_a_negative_pull_is_refused():
    with pytest.raises(InputError, match="mu=-1 must be 0 or above"):
        FedMLLM(mu=-1)


def test_inter_and_intra_contrast_by_hand():
    """z = g = the axes, z' the other axis, tau 0.5: both are ``-log(e^2 / (e^2 + 1))``."""
    each = -math.log(math.exp(2) / (math.exp(2) + 1))
    found = InterIntra(0.5)(meeting(EYE, {"fused": EYE.flip(0)}), {"fused": 3 * EYE})
    assert float(found) == pytest.approx(0.5 * (each + each))


def test_without_anchors_nothing_is_contrasted():
    assert float(InterIntra(0.5)(meeting(None), {"fused": EYE})) == 0.0


def test_distillation_compares_directions_of_what_is_known():
    """The second sample was sensed by nobody; the first is orthogonal: unit vectors, so ``0.3 * (1 + 1) / 2``."""
    anchors = torch.tensor([[0.0, 5.0], [0.0, 0.0]])
    assert float(Distillation(0.3)(meeting(anchors), {"fused": 2 * EYE})) == pytest.approx(0.3)
    assert float(Distillation(0.3)(meeting(torch.zeros(2, 2)), {"fused": EYE})) == 0.0


def test_clients_whose_view_fits_the_anchor_count_most():
    """Anchors the axes; of sample 0 one says axis 0 and one axis 1: scores ``1 - log(e + 1)`` and ``-log(e + 1)``,
    so weights ``e / (e + 1)`` and ``1 / (e + 1)``.
    """
    first, second = EYE, EYE[[1, 1]]
    mixed = matched(EYE, [first, second])
    share = math.e / (math.e + 1)
    torch.testing.assert_close(mixed[0], torch.tensor([share, 1 - share]))
    torch.testing.assert_close(mixed[1], EYE[1])


def test_a_client_that_sensed_nothing_has_no_weight():
    blind = torch.zeros(2, 2)
    torch.testing.assert_close(matched(EYE, [EYE, blind]), EYE)
    assert matched(EYE, [blind]).eq(0).all()
