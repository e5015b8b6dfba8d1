"""ECLM as a method: what it asks, what crosses, what fits, and that it learns."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from mlecs_ray.errors import InputError
from mlecs_ray.method import Arrival, Job, having_told
from mlecs_ray.methods.eclm.budgets import spare
from mlecs_ray.methods.eclm.options import ECLM
from mlecs_ray.methods.local import LocalTraining
from mlecs_ray.methods.optimizers import AdamW
from mlecs_ray.stacks import shapes
from mlecs_ray.tree import leaves, tree_bytes, tree_digest, tree_scale, tree_zeros
from tests.methods.adapting import CLOUD, LOCAL, Field, cached, device, eclm, samples

__all__ = ["cached"]
pytestmark = pytest.mark.usefixtures("cached")


def _held(tree):
    return tree["held"].bool()


def test_a_device_is_asked_first_and_sent_the_selector_once():
    field, client = Field.of(eclm()), device()
    _, question, _ = field.job(client, samples(20, 2))
    assert set(question) == {"selector"}
    _, model, _ = field.job(client, samples(20, 2))
    assert "selector" not in model
    _, again, _ = field.job(replace(client, step=1), samples(20, 3))
    assert set(again) == {"ask"}
    assert tree_bytes(again) == 1


def test_of_its_data_and_itself_a_device_sends_importance_and_budgets_and_nothing_else():
    """Whatever it owns, what crosses has the same few numbers: a distribution over each layer's modules, three limits
    and a count. The samples could not be told from them: there are fewer numbers than in one batch."""
    field, client, data = Field.of(eclm()), device(), samples(20, 2)
    known, sent, update = field.job(client, data)
    told = dict(leaves(update.tree))
    assert set(told) == {"importance", "budget", "step"}
    assert told["importance"].sum(1).tolist() == pytest.approx([1.0])
    assert told["budget"].shape == (3,)
    assert update.metrics == {}
    assert update.weight == 1.0
    promised = field.method.work(known, sent)
    assert shapes(update.tree) == shapes(promised.upload)
    assert promised.tells
    assert not field.method.work(*field.job(client, data)[:2]).tells


def test_no_value_of_a_sample_is_in_anything_that_is_sent():
    field, client, data = Field.of(eclm()), device(), samples(20, 2)
    ours = set(data.inputs["x"].flatten().tolist())
    crossing = [field.job(client, data, seed)[2].tree for seed in range(3)]
    values = {value for tree in crossing for _, leaf in leaves(tree) for value in leaf.double().flatten().tolist()}
    assert not ours & values


def test_what_comes_back_has_the_shapes_that_were_promised():
    """And beside the trained sub-model no more than its loss and the number of samples."""
    field, client, data = Field.of(eclm()), device(kind="phone-low"), samples(20, 2)
    for _ in range(2):
        known, sent, update = field.job(client, data)
        assert shapes(update.tree) == shapes(field.method.work(known, sent).upload)
    assert (set(update.metrics), update.weight) == ({"loss"}, 20.0)


def test_where_a_residual_module_is_all_of_a_layer_nothing_of_a_former_sub_model_comes_back():
    """The next environment prefers it by far, so the device is sent the base and no module with weights."""
    field, client, data = Field.of(eclm(personal="whole")), device(), samples(20, 2)
    field.adapt(client, data)
    assert "layers" in field.kept[client.id]
    shifted = replace(client, step=1)
    field.job(shifted, data)
    field.told[client.id] = {**field.told[client.id], "importance": torch.tensor([[0.02, 0.02, 0.01, 0.95]])}
    for _ in range(2):
        known, sent, update = field.job(shifted, data)
        assert sent["held"].tolist() == [[0, 0, 0, 1]]
        assert shapes(update.tree) == shapes(field.method.work(known, sent).upload)
        field.state = field.method.merge(field.state, [Arrival(known, update, 0)])
    assert "layers" not in field.kept[client.id]
    assert 0 <= field.accuracy(shifted, data) <= 1


def test_a_weaker_device_gets_fewer_modules_and_all_fit_their_budgets():
    held = {}
    for number, kind in enumerate(("phone-high", "phone-low", "gateway")):
        field, client = Field.of(eclm(share=2.0)), device(number, kind)
        known = field.adapt(client, samples(20, 2)).client
        tree = field.method.assign(field.state, known)
        costs = field.method.modular.costs(4)
        held[kind] = int(_held(tree).sum())
        used = costs.base + costs.modules[:, _held(tree).numpy()].sum(1)
        one_each = costs.base + costs.modules[:, :, 0].sum(1)
        limit = np.maximum(spare(client, costs.whole, 2.0, "phone-high"), one_each)
        assert (used <= limit + 1e-6).all()
        assert _held(tree).any(1).all()
    assert held["phone-high"] > held["phone-low"] >= held["gateway"]


def test_under_load_a_device_shrinks_what_it_holds_and_grows_back_without_the_cloud():
    field, client, data = Field.of(eclm(share=2.0)), device(), samples(20, 2)
    field.adapt(client, data)
    kept = field.kept[client.id]
    sizes = [
        int(field.method.active(kept["held"], kept["importance"], replace(client, load=load)).sum())
        for load in (1.0, 2.0, 5.0, 1.0)
    ]
    assert sizes[0] > sizes[1] >= sizes[2] >= 1
    assert sizes[3] == sizes[0]
    assert field.accuracy(client, samples(100, 9)) > 0.7
    assert field.accuracy(replace(client, load=2.0), samples(100, 9)) > 0.4


def test_active_modules_are_held_ones_and_one_of_each_layer_at_least():
    """One with weights, unless the residual one is preferred and nothing else has room beside a better one."""
    method = eclm()
    held = torch.tensor([[1, 0, 1, 1]], dtype=torch.uint8)
    for load in (1.0, 3.0, 1e6):
        for importance in torch.tensor([[[0.2, 0.5, 0.2, 0.1]], [[0.1, 0.1, 0.1, 0.7]]]):
            active = method.active(held, importance, device(load=load))
            assert not (active & ~held.bool()).any()
            assert active[:, :-1].any(1).all()


def test_under_load_a_job_costs_what_the_device_still_trains():
    field, client, data = Field.of(eclm(share=2.0)), device(), samples(20, 2)
    known = field.adapt(client, data).client
    sent, busy = field.method.assign(field.state, known), replace(known, load=5.0)
    still = field.method.active(sent["held"], known.told["importance"], busy)
    assert still.sum() < sent["held"].sum()
    idle, loaded = (field.method.work(one, sent) for one in (known, busy))
    each = 20 * LOCAL.epochs
    assert (loaded.flops, loaded.memory_bytes) == (field.method.cost(still)[0] * each, field.method.cost(still)[1])
    assert idle.flops == field.method.cost(sent["held"])[0] * each > loaded.flops
    # What it holds comes back, trained or not.
    assert shapes(loaded.upload) == shapes(idle.upload)
    update = field.method.train(Job(busy, 0, 1, sent), data, field.kept[client.id])
    assert shapes(update.tree) == shapes(loaded.upload)


def test_collaboration_helps_a_device_with_few_samples():
    """Eight devices met the same turned world; the ninth gets what they learned."""
    field = Field.of(eclm())
    test = samples(200, 77, turn=1.5)
    newcomer = device(99)
    field.job(newcomer, samples(8, 5, turn=1.5))
    before = field.accuracy(newcomer, test)
    for lap in range(3):
        arrivals = [field.adapt(device(n), samples(40, 10 + n, turn=1.5), seed=lap * 9 + n) for n in range(8)]
        field.state = field.method.merge(field.state, arrivals)
    field.adapt(newcomer, samples(8, 5, turn=1.5))
    assert field.accuracy(newcomer, test) > before + 0.1


@pytest.mark.parametrize("personal", ["none", "offset", "whole"])
def test_what_a_device_carries_from_job_to_job_until_its_environment_shifts(personal):
    """Seen by training that moves nothing: the model it ends with is the one it began with. The cloud's has doubled:
    with an offset w - s from what was sent, s, it begins with 2 s + (w - s) = s + w."""
    field, client = Field.of(eclm(personal=personal)), device()
    sent = {name: field.state[name] for name in ("base", "layers")}
    first = field.adapt(client, samples(20, 2))
    own = {name: field.kept[0][name] for name in ("base", "layers")}
    field.state = field.method.merge(field.state, [first])
    field.state = {**field.state, **{name: tree_scale(tree, 2.0) for name, tree in sent.items()}}
    doubled = dict(leaves({name: field.state[name] for name in sent}))
    moved = {path: doubled[path] / 2 + leaf for path, leaf in leaves(own)}

    field.method = replace(field.method, local=LocalTraining(AdamW(1e-12), 4))
    begins = {"none": doubled, "offset": moved, "whole": dict(leaves(own))}
    # Twice in the environment that it knows: an offset does not grow by itself.
    for step, begin in ((0, begins[personal]), (0, begins[personal]), (1, doubled)):
        here = replace(client, step=step)
        arrival = field.adapt(here, samples(20, 2))
        _, tree, _ = field.job(here, samples(20, 2))
        assert ("base" in tree) != (personal == "whole" and step == 0)
        for path, leaf in leaves({"base": field.kept[0]["base"], "layers": field.kept[0]["layers"]}):
            assert torch.allclose(leaf, begin[path], atol=1e-6)
        assert shapes(arrival.update.tree) == shapes(field.method.work(arrival.client, tree).upload)


def test_what_has_not_been_merged_yet_is_gone_on_from_too():
    field, client = Field.of(eclm(personal="whole")), device()
    field.adapt(client, samples(20, 2))
    own = field.kept[0]["base"]
    field.method = replace(field.method, local=LocalTraining(AdamW(1e-12), 4))
    _, sent, _ = field.job(client, samples(20, 2))
    assert "base" in sent
    assert tree_digest(sent["base"]) != tree_digest(own)
    for path, leaf in leaves(field.kept[0]["base"]):
        assert torch.allclose(leaf, dict(leaves(own))[path], atol=1e-6)


def test_no_device_has_less_than_the_least():
    weak = device(kind="phone-low")
    low, raised, best = (
        (method := eclm(share=4.0, least=least))._spare(client) + method._costs.base
        for least, client in ((0.0, weak), (3.0, weak), (3.0, device()))
    )
    whole = eclm()._costs.whole
    assert (low < 3 * whole).all()
    assert raised == pytest.approx(3 * whole)
    assert best == pytest.approx(4 * whole)


def test_nobody_who_holds_a_module_leaves_it_as_it_was():
    field = Field.of(eclm(share=0.9))
    arrival = field.adapt(device(0, "phone-low"), samples(20, 2))
    merged = field.method.merge(field.state, [arrival])
    held = arrival.update.tree.get("layers", {}).get("0", {})
    for module, tree in field.state["layers"]["0"].items():
        same = tree_digest(tree) == tree_digest(merged["layers"]["0"][module])
        assert same == (module not in held)
    assert tree_digest(merged["selector"]) == tree_digest(field.state["selector"])


def test_the_whole_model_answers_for_the_cloud():
    field = Field.of(eclm())
    shown = field.method.shown(field.state, CLOUD)
    assert shown["held"].all()
    assert field.accuracy(CLOUD, samples(200, 3)) > 0.8


def test_modules_beyond_enough_of_a_layers_importance_stay_in_the_cloud_but_for_the_residual_one():
    """With budgets for all: of 0.7, 0.2 and 0.09 the first two have 0.8 of it all; the residual module is free."""
    method, importance = eclm(enough=0.8), torch.tensor([[0.7, 0.2, 0.09, 0.01]])
    told = {"importance": importance, "step": torch.tensor(0), "budget": torch.full((3,), 1e12, dtype=torch.float64)}
    sent = method.assign(method.outline(), replace(device(), told=told))
    assert sent["held"].tolist() == [[1, 1, 0, 1]]
    assert set(sent["layers"]["0"]) == {"0", "1"}


def test_without_local_training_nothing_comes_back_and_the_sub_model_is_installed():
    field, client = Field.of(eclm(without=("local",), personal="whole")), device()
    arrival = field.adapt(client, samples(20, 2))
    assert arrival.update.tree == {}
    merged = field.method.merge(field.state, [arrival])
    assert tree_digest({**merged, "met": field.state["met"]}) == tree_digest(field.state)
    assert tree_digest(field.kept[0]["base"]) == tree_digest(field.state["base"])
    # It has it, so it is not sent again.
    assert set(field.method.assign(merged, arrival.client)) == {"held"}


def test_without_the_cloud_a_device_goes_on_with_its_own():
    """Whatever the cloud has become since, here nothing but zeros."""
    field, client = Field.of(eclm(without=("cloud",))), device()
    field.adapt(client, samples(20, 2))
    own = field.kept[client.id]
    lost = replace(field, state={**field.state, "base": tree_zeros(field.state["base"])}, kept={client.id: own})
    arrivals = [one.adapt(client, samples(20, 2), seed=2) for one in (field, lost)]
    assert [arrival.update.tree for arrival in arrivals] == [{}, {}]
    assert tree_digest(field.kept[client.id]["base"]) == tree_digest(lost.kept[client.id]["base"])
    assert tree_digest(field.kept[client.id]["base"]) != tree_digest(own["base"])


@pytest.mark.parametrize("parts", [("cloud",), ("cloud", "derivation")])
def test_without_the_cloud_a_device_is_asked_once_whatever_shifts(parts):
    """It goes on with what it was sent first, and is charged for that."""
    field, data = Field.of(eclm(without=parts)), samples(20, 2)
    first = field.adapt(device(), data)
    field.state = field.method.merge(field.state, [first])
    held = field.kept[0]["held"]
    for step in (1, 2):
        known, sent, _ = field.job(device(step=step), samples(20, 2 + step))
        assert set(sent) == {"held"}
        assert torch.equal(sent["held"], held)
        assert not field.method.work(known, sent).tells


def test_what_a_job_costs_is_foreseen_before_anybody_was_asked():
    """By the cloud's own importance and the device's budgets."""
    field, client = Field.of(eclm()), device(kind="phone-low")
    foreseen = having_told(field.method, field.method.outline(), client)
    known = field.adapt(client, samples(20, 2)).client
    works = [field.method.work(one, field.method.assign(field.method.outline(), one)) for one in (foreseen, known)]
    assert not works[0].tells
    assert works[0].memory_bytes == pytest.approx(works[1].memory_bytes, rel=0.3)


def test_without_derivation_modules_are_chosen_by_chance_within_the_budgets():
    """Room for one module beside the residual one, which is free; another seed draws others."""
    told = {"importance": torch.tensor([[0.7, 0.2, 0.09, 0.01]]), "step": torch.tensor(0)}
    method = eclm(without=("derivation", "enhancing"))
    costs = method.modular.costs(4)
    budget = costs.modules[:, 0, 0] * 1.1
    clients = [replace(device(number), told={**told, "budget": torch.from_numpy(budget)}) for number in range(20)]
    chosen = [
        [method._held(one, told["importance"]) for one in clients] for method in (method, replace(method, seed=1))
    ]
    for held in chosen[0]:
        assert (costs.modules[:, held.bool().numpy()].sum(1) <= budget).all()
    first, other = ([tuple(held.flatten().tolist()) for held in by] for by in chosen)
    assert len(set(first)) > 1
    assert first != other


def test_a_job_costs_what_its_modules_cost():
    """Base and two of three modules: a sample passes both; with three held and top 2, two thirds of the three."""
    method = eclm()
    costs = method.modular.costs(4)
    two = torch.tensor([[1, 1, 0, 0]], dtype=torch.uint8)
    three = torch.tensor([[1, 1, 1, 0]], dtype=torch.uint8)
    assert method.cost(two)[0] == pytest.approx(costs.base[1] + costs.modules[1, 0, :2].sum())
    assert method.cost(three)[0] == pytest.approx(costs.base[1] + costs.modules[1, 0, :3].sum() * 2 / 3)
    # The residual module is one to pass, and none to be counted on.
    rest = two.clone()
    rest[:, -1] = 1
    assert method.cost(rest) == method.cost(two)
    assert method.cost(three)[1] == pytest.approx(costs.base[0] + costs.modules[0, 0, :3].sum())


def test_training_is_a_function_of_the_job_alone():
    field, client, data = Field.of(eclm()), device(), samples(20, 2)
    field.job(client, data)
    known = field.informed(client)
    sent = field.method.assign(field.state, known)
    kept = field.kept[client.id]
    first = field.method.train(Job(client, 0, 7, sent), data, kept)
    torch.manual_seed(123)
    second = field.method.train(Job(client, 0, 7, sent), data, kept)
    assert tree_digest(first.tree) == tree_digest(second.tree)
    assert tree_digest(first.kept) == tree_digest(second.kept)


@pytest.mark.parametrize(
    "options",
    [
        {"without": ("everything",)},
        {"top": 0},
        {"top": 17},
        {"few": 0},
        {"share": 0.0},
        {"least": -0.1},
        {"least": float("inf")},
        {"spread": float("inf")},
        {"balance": -1.0},
        {"match": float("nan")},
        {"distil": -1.0},
        {"enough": 0.0},
        {"enough": 1.1},
        {"rate": 0.0},
        {"rate": 1.5},
        {"power": -1.0},
        {"enhance_epochs": 0},
        {"reference": "phone-hgih"},
        {"modules": 1},
        {"ratio": 0.0},
    ],
)
def test_wrong_options_are_refused(options):
    with pytest.raises(InputError):
        ECLM(**options)
