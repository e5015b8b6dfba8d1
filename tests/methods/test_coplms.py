"""Co-PLMs: mutual learning by hand, and what the proxy carries between edge and cloud."""

import math
from dataclasses import replace

import pytest
import torch

from mlecs_ray.errors import InputError
from mlecs_ray.methods.baselines import MultiFedAvg
from mlecs_ray.methods.coplms import CoPLMs, MutualLearning
from mlecs_ray.methods.lowrank import added
from mlecs_ray.models.prune import prune
from mlecs_ray.models.structure import Structure
from mlecs_ray.tree import leaves, tree_digest, tree_map
from tests.methods.fleet import CLOUD, SMALL, Round, system, task
from tests.models import tiny


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return task(tmp_path_factory.mktemp("slm"))


def begun(made, mutual: float = 1.0) -> Round:
    return Round.of(system(made, CoPLMs(mutual).parts()))


def shifted(tree):
    return tree_map(lambda leaf: leaf + 0.25, tree)


def test_mutual_learning_by_hand():
    """p = (1/2, 1/2) and q = (1/4, 3/4), the word is the first: CE(p) = ln 2, CE(q) = ln 4, both KL."""
    p, q, word = torch.tensor([[0.5, 0.5]]).log(), torch.tensor([[0.25, 0.75]]).log(), torch.tensor([0])
    there = 0.25 * math.log(0.25 / 0.5) + 0.75 * math.log(0.75 / 0.5)
    back = 0.5 * math.log(0.5 / 0.25) + 0.5 * math.log(0.5 / 0.75)
    for weight in (0.0, 1.0, 2.0):
        found = MutualLearning(weight)((p, word), (q, word))
        assert float(found) == pytest.approx(math.log(2) + math.log(4) + weight * (there + back), abs=1e-6)


def test_a_teacher_has_no_gradient():
    """Each model's slope is that of its own loss: CE and the KL in which it is the pupil."""
    p, q = (torch.tensor([[0.3, -0.2, 0.1]], requires_grad=True) for _ in range(2))
    q.data = torch.tensor([[-0.5, 0.4, 0.2]])
    word = torch.tensor([1])
    MutualLearning(1.0)((p, word), (q, word)).backward()
    expected = (
        p.detach().softmax(-1) - torch.tensor([[0.0, 1.0, 0.0]]) + p.detach().softmax(-1) - q.detach().softmax(-1)
    )
    torch.testing.assert_close(p.grad, expected)


def test_a_change_of_fewer_ranks_is_added_to_the_first():
    one = {"A": torch.zeros(2, 3), "B": torch.zeros(4, 2)}
    change = {"m": {"A": torch.ones(1, 3), "B": torch.ones(4, 1)}}
    found = added({"m": one, "other": one}, change)
    assert found["m"]["A"].sum(1).tolist() == [3.0, 0.0]
    assert found["m"]["B"].sum(0).tolist() == [4.0, 0.0]
    assert torch.equal(found["other"]["A"], one["A"])


def test_the_proxy_travels_and_the_devices_own_adapters_stay(made):
    now = begun(made)
    update = now.train(SMALL)
    assert {path.split("/")[0] for path, _ in leaves(update.tree)} == {"lora"}
    assert "proxy" not in update.kept
    assert tree_digest(update.tree["lora"]) != tree_digest(tree_map(lambda leaf: leaf.half(), update.kept["lora"]))


def test_the_proxy_takes_memory_beside_the_devices_own_adapters(made):
    """In float32 with gradients and two moments: 16 bytes a number."""
    alone, paired = (Round.of(system(made, one.parts())) for one in (MultiFedAvg(), CoPLMs()))
    one, both = (now.method.work(SMALL, now.method.assign(now.state, SMALL)) for now in (alone, paired))
    numbers = sum(leaf.numel() for _, leaf in leaves(both.upload["lora"]))
    assert both.memory_bytes == one.memory_bytes + 16 * numbers


@pytest.mark.parametrize("mutual", [1.0, 10.0])
def test_the_device_learns_from_the_proxy_that_it_is_sent(made, mutual):
    """Its own adapters end elsewhere, and nearer to the answers of the proxy the more that counts."""
    usual = begun(made, mutual).train(SMALL).kept["lora"]
    now = begun(made, mutual)
    other = now.train(SMALL, lora=shifted(now.method.assign(now.state, SMALL)["lora"])).kept["lora"]
    assert tree_digest(usual) != tree_digest(other)
    assert tree_digest(usual) != tree_digest(begun(made, 0.0).train(SMALL).kept["lora"])


def test_what_devices_upload_changes_the_clouds_llm(made):
    alone, taught = begun(made), begun(made)
    update = taught.train(SMALL)
    taught.merge(SMALL, replace(update, tree={"lora": shifted(update.tree["lora"])}))
    assert tree_digest(alone.train(CLOUD).tree["cloud"]) != tree_digest(taught.train(CLOUD).tree["cloud"])


def test_what_the_cloud_teaches_the_proxy_is_added_to_what_was_merged_meanwhile(made):
    now = begun(made)
    cloud = now.train(CLOUD)
    before = now.state["lora"]
    now.state = {**now.state, "lora": shifted(before)}
    now.merge(CLOUD, cloud)
    for path, change in leaves(cloud.tree["taught"]):
        module, side = path.rsplit("/", 1)
        expected = before[module][side] + 0.25 + change
        torch.testing.assert_close(now.state["lora"][module][side], expected)
    assert any(float(change.abs().max()) > 0 for _, change in leaves(cloud.tree["taught"]))


def test_models_of_other_words_are_refused(made, tmp_path):
    other = prune(tiny.slm(), (0,), 258, ["the hat"])
    strange = replace(made, structures=(*made.structures[:2], Structure("cloud", tiny.folder(tmp_path, other))))
    with pytest.raises(InputError, match="speak in different tokens"):
        system(strange, CoPLMs().parts())


def test_a_negative_weight_is_refused():
    with pytest.raises(InputError, match=r"mutual=-1\.0 must be 0 or above"):
        CoPLMs(-1.0).parts()
