"""How large the sub-models of a fleet are."""

import pytest
import torch

from scenarios.reproduce.eclm.submodels import submodels
from tests.methods.adapting import cached, eclm

__all__ = ["cached"]
pytestmark = pytest.mark.usefixtures("cached")


PHONES = {0: "phone-low", 1: "phone-low", 2: "phone-high"}


def _kept(*held: int) -> dict[str, torch.Tensor]:
    """One layer of four modules, the last of which costs nothing."""
    mask = torch.zeros(1, 4, dtype=torch.uint8)
    mask[0, list(held)] = 1
    return {"held": mask}


def test_shares_are_of_the_whole_network() -> None:
    method = eclm()
    costs = method.modular.costs(method.local.batch)
    base, modules, whole = costs.base, costs.modules, costs.whole
    found = submodels(method, {0: _kept(0), 1: _kept(0, 1), 2: _kept(3)}, PHONES)
    sizes = [base[0], base[0] + modules[0, 0, 0], base[0] + modules[0, 0, :2].sum()]
    least, mean, most = sizes[0] / whole[0], sum(sizes) / 3 / whole[0], sizes[2] / whole[0]
    memory = [found[subject]["memory"] for subject in ("least", "mean", "most")]
    assert memory == pytest.approx([least, mean, most], abs=1e-6)
    assert found["most"]["bandwidth"] == pytest.approx((base[2] + modules[2, 0, :2].sum()) / whole[2], abs=1e-6)


def test_who_has_only_been_asked_holds_none() -> None:
    assert submodels(eclm(), {0: {"importance": torch.ones(1, 4)}}, PHONES) == {}
    one = submodels(eclm(), {0: _kept(0), 1: {"importance": torch.ones(1, 4)}}, PHONES)
    assert one["most"] == one["least"]


def test_each_kind_of_device_has_its_largest() -> None:
    found = submodels(eclm(), {0: _kept(0), 1: _kept(0, 1), 2: _kept(0, 1, 2)}, PHONES)
    assert set(found) == {"most", "mean", "least", "most, phone-low", "most, phone-high"}
    assert found["most, phone-high"] == found["most"]
    assert found["least"]["memory"] < found["most, phone-low"]["memory"] < found["most"]["memory"]


def test_other_methods_have_no_sub_models() -> None:
    assert submodels(object(), {0: _kept(0)}, PHONES) == {}  # type: ignore[arg-type]  # any other method will do
