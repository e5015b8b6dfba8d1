"""The offline stage."""

import pytest
import torch
from torch.nn.functional import kl_div

from mlecs_ray.methods.eclm.enhance import mismatch
from mlecs_ray.methods.eclm.prototype import Prototype
from mlecs_ray.stacks import shapes
from mlecs_ray.tree import tree_digest
from tests.methods.adapting import TASK, cached, eclm, pretrained, samples

__all__ = ["cached"]
pytestmark = pytest.mark.usefixtures("cached")


def test_the_cloud_knows_its_classes_before_any_device_is_switched_on():
    method, test = eclm(), samples(200, 3)
    state = method.init(0)
    logits = method.modular.logits(state, state["selector"], TASK.inputs(test))
    assert (logits.argmax(1) == test.labels).float().mean() > 0.8


def test_it_is_made_once_and_read_from_the_cache_afterwards(monkeypatch):
    first = tree_digest(eclm().init(0))
    monkeypatch.setattr(Prototype, "_make", lambda *_: pytest.fail("made again"))
    assert tree_digest(eclm().init(0)) == first


def test_other_options_are_another_prototype():
    others = ({}, {"balance": 1.0}, {"distil": 0.0}, {"varied": False}, {"top": 1}, {"without": ("enhancing",)})
    assert len({tree_digest(eclm(**options).init(0)) for options in others}) == len(others)


def test_options_that_only_matter_online_share_one(monkeypatch):
    first = tree_digest(eclm().init(0))
    monkeypatch.setattr(Prototype, "_make", lambda *_: pytest.fail("made again"))
    assert tree_digest(eclm(share=0.3, enough=0.5, rate=0.5, without=("local", "derivation")).init(0)) == first


def test_the_outline_has_the_shapes_of_what_is_made():
    method = eclm()
    assert shapes(method.outline()) == shapes(method.init(0))


def test_enhancing_brings_gates_to_what_the_programme_gives_each_sub_task():
    """The divergence from the targets, which are those of the first stage, falls to less than a half."""
    plain, able = eclm(without=("enhancing",)), eclm(enhance_epochs=30, match=1.0, few=1)
    wanted = able.prototype.wanted(plain.init(0))
    far = {}
    for name, method in (("plain", plain), ("able", able)):
        selector = method.init(0)["selector"]
        far[name] = sum(
            mismatch(
                method.modular.selector.scores(selector, TASK.inputs(some)), wanted[task].expand(80, -1, -1)
            ).item()
            for task, some in enumerate(samples(80, 4, labels) for labels in ((0, 1), (2, 3)))
        )
    assert far["able"] < 0.5 * far["plain"]


def test_modules_that_the_whole_network_teaches_answer_as_it_does():
    """The divergence from what it says of new samples is less than a half of that of modules which nobody taught."""
    test, whole = samples(200, 3), pretrained().init(0)
    said, far = TASK.logits(whole, test).softmax(1), {}
    for mu in (0.0, 1.0):
        method = eclm(distil=mu, without=("enhancing",))
        state = method.init(0)
        logits = method.modular.logits(state, state["selector"], TASK.inputs(test))
        far[mu] = kl_div(logits.log_softmax(1), said, reduction="batchmean")
    assert far[1.0] < 0.5 * far[0.0]


def test_prior_is_the_importance_on_the_proxy_data():
    method = eclm()
    state = method.init(0)
    told = method.modular.importance(state["selector"], TASK.inputs(pretrained().offline.public))
    assert torch.equal(state["prior"], told)
    assert not torch.allclose(told, torch.full_like(told, 1 / told.shape[1]), atol=1e-3)
