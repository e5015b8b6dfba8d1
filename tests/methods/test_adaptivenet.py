"""AdaptiveNet: search on the device, then local training of what was found."""

from dataclasses import dataclass, replace

import pytest
import torch

from mlecs_ray.errors import InputError
from mlecs_ray.methods.adaptivenet import AdaptiveNet, path_cost, path_costs
from mlecs_ray.methods.eclm.budgets import spare
from mlecs_ray.methods.local import seen_of
from mlecs_ray.methods.pretrained import Pretrained
from mlecs_ray.models.classifier import ClassifierTask, Network
from mlecs_ray.models.modular import whole
from mlecs_ray.models.supernet import Supernet
from mlecs_ray.seeds import derive
from mlecs_ray.stacks import shapes
from mlecs_ray.tree import Tree, tree_digest, tree_norm, tree_sub
from tests.methods.adapting import CLOUD, LOCAL, WIDTH, Field, cached, device, pretrained, samples

__all__ = ["cached"]
pytestmark = pytest.mark.usefixtures("cached")
DEEP = ClassifierTask(Network((WIDTH,), 4, "mlp", (24, 24, 24)), (("x", WIDTH),))
STUDY = (
    Network((150,), 7, "mlp", (256,)),
    Network((1, 28, 28), 10, "resnet", (16, 32, 64, 128)),
    Network((3, 32, 32), 53, "resnet", (16, 32, 64, 128)),
)
"""What ``mlecs reproduce eclm`` trains."""
DEEP_PATHS = Supernet(DEEP.network).paths


@dataclass(frozen=True, eq=False)
class _Known(Pretrained):
    """Whose training gave ``params``."""

    params: Tree

    def init(self, seed):
        return self.params


def _method(task=DEEP, **options):
    return AdaptiveNet(replace(pretrained(30), task=task), LOCAL, 0, **{"share": 1.0, "branch_epochs": 30, **options})


def _spare(client):
    """(2,)."""
    return spare(client, whole(DEEP.network, LOCAL.batch), 1.0, "phone-high")[:2]


def _right(method, state, path, test):
    answers = method.net.forward(state, test.inputs["x"], path).argmax(1)
    return (answers == test.labels).float().mean().item()


def test_every_path_answers_after_the_offline_stage():
    """The whole network, and its shortcuts, that were taught by it; but for those of a handful of neurons."""
    method, test = _method(branch_epochs=60), samples(200, 3)
    state = method.init(0)
    paths = [path for path in method.net.paths if all(float(name.partition(":")[2] or 1) > 0.3 for name in path)]
    assert len(paths) == 3 * 3 + 1
    assert min(_right(method, state, path, test) for path in paths) > 0.7


def test_branches_learn_offline_and_the_whole_network_stays():
    method, test = _method(), samples(200, 3)
    state, main = method.init(0), method.task.init(0)
    begun = {**main, **method.net.branches(main, 0)}
    paths = method.net.paths[1:]
    before, after = (sum(_right(method, tree, path, test) for path in paths) for tree in (begun, state))
    assert after > before + 0.1 * len(paths)
    assert tree_digest({part: state[part] for part in main}) == tree_digest(main)


def test_branches_learn_as_the_rest_does():
    """With the rate that falls where the cloud's falls."""
    steady = _method(branch_epochs=2)
    offline = steady.task.offline
    falling = replace(steady.task, offline=replace(offline, local=replace(offline.local, anneal=True)))
    main = steady.task.init(0)
    moved = []
    for task in (steady.task, falling):
        # The same network to begin with, though it would have been pretrained otherwise.
        method = replace(steady, task=_Known(task.task, task.offline, main))
        begin, end = method.net.branches(main, derive(0, "branches")), method.init(0)
        moved.append(sum(tree_norm(tree_sub(end[name], tree)) for name, tree in begin.items()))
    assert moved[1] < moved[0]


def test_a_device_takes_the_path_with_the_least_loss_on_its_samples():
    method, data = _method(), samples(30, 2, turn=1.0)
    state, tried = method.init(0), method.allowed(device())
    path = method._best(state, data, device())
    losses = {
        one: torch.nn.functional.cross_entropy(method.net.forward(state, data.inputs["x"], one), data.labels).item()
        for one in tried
    }
    assert losses[path] == min(losses.values())
    assert len(tried) == 16


def test_a_weak_device_may_not_take_the_whole():
    method = _method(tries=100)
    allowed = method.allowed(device(0, "phone-low"))
    assert method.net.paths[0] not in allowed
    assert sorted(method.allowed(device())) == sorted(method.net.paths)


@pytest.mark.parametrize("network", STUDY, ids=lambda one: f"{one.kind} {one.form}")
@pytest.mark.parametrize(("kind", "part"), [("phone-high", 0.5), ("phone-low", 0.3)])
def test_the_networks_of_the_study_have_paths_near_every_budget(network, kind, part):
    """The largest that fits half of memory and compute, or 0.3 of them, uses 3/4 of one of the two or more."""
    method = _method(replace(DEEP, network=network), share=0.5, least=0.3)
    costs = path_costs(network, LOCAL.batch)
    tried = [method.net.paths.index(path) for path in method.allowed(device(0, kind))]
    used = costs[tried] / costs[0] / part
    assert (used <= 1).all()
    assert used[0].max() > 0.75


def test_a_device_tries_some_of_the_paths_that_fit_those_that_use_its_budget_best():
    client = device(0, "phone-mid")
    all_, some = (_method(tries=tries).allowed(client) for tries in (1000, 5))
    assert len(all_) > len(some) == 5
    assert some == all_[:5]
    costs = path_costs(DEEP.network, LOCAL.batch)
    used = [float((costs[DEEP_PATHS.index(path)] / _spare(client)).sum()) for path in all_]
    assert used == sorted(used, reverse=True)


@pytest.mark.parametrize("kind", ["mlp", "vgg", "resnet", "transformer"])
def test_a_path_costs_what_it_costs_when_it_runs(kind):
    """Though branches are counted one by one."""
    network = Network((1, 8, 8), 5, kind, (16, 16, 32, 32))
    costs, paths = path_costs(network, 4), Supernet(network).paths
    for place in (*range(0, len(paths), 20), len(paths) - 1):
        assert costs[place] == pytest.approx(path_cost(network, paths[place], 4))


def test_what_is_tried_costs_time():
    """Forward, a third of a step, over 20 samples, for each of the paths; then the largest trained."""
    client = device(0, "phone-mid")
    few, many = (_method(tries=tries) for tries in (2, 4))
    costs = path_costs(DEEP.network, LOCAL.batch)[[DEEP_PATHS.index(path) for path in many.allowed(client)], 1]
    more = many.work(client, {}).flops - few.work(client, {}).flops
    trained = (costs.max() - costs[:2].max()) * seen_of(LOCAL, 20)
    assert more == pytest.approx(costs[2:].sum() / 3 * 20 + trained)
    assert _method(tries=1).work(client, {}).flops == pytest.approx(costs[0] * seen_of(LOCAL, 20))


def test_where_no_path_fits_the_one_that_is_least_too_large_is_taken():
    method = _method(share=1e-6)
    costs = path_costs(DEEP.network, LOCAL.batch)
    (path,) = method.allowed(device())
    assert (costs[DEEP_PATHS.index(path)] / costs[0]).max() == (costs / costs[0]).max(1).min()


def test_bytes_bind_nobody_as_nothing_travels():
    slow = replace(device(), budget=replace(device().budget, uplink_bps=1.0))
    assert _method().allowed(slow) == _method().allowed(device())


def test_a_device_has_the_least_whatever_it_is():
    weak = device(0, "gateway")
    costs = path_costs(DEEP.network, LOCAL.batch)
    sizes = [costs[DEEP_PATHS.index(_method(least=least).allowed(weak)[0])] for least in (0.0, 0.8)]
    assert (sizes[0] < sizes[1]).all()


def test_it_adapts_and_nothing_travels():
    field, test = Field.of(_method()), samples(200, 77, turn=1.5)
    before = field.accuracy(device(), test)
    for lap in range(3):
        arrival = field.adapt(device(), samples(40, 2, turn=1.5), seed=lap)
    assert arrival.update.tree == {}
    assert field.accuracy(device(), test) > before + 0.1


def test_for_the_cloud_it_is_the_network_itself():
    field = Field.of(_method())
    assert field.accuracy(CLOUD, samples(200, 3)) > 0.8


def test_the_outline_has_the_shapes_of_what_is_made():
    method = _method()
    assert shapes(method.outline()) == shapes(method.init(0))


def test_a_network_of_one_block_has_narrower_paths():
    task = ClassifierTask(Network((WIDTH,), 4, "mlp", (16,)), (("x", WIDTH),))
    method = _method(task, share=0.5)
    assert method.net.paths[0] not in method.allowed(device())


def test_a_network_in_which_nothing_can_be_left_out_is_refused():
    """A block of one neuron: every device would train all of it."""
    task = ClassifierTask(Network((WIDTH,), 4, "mlp", (1,)), (("x", WIDTH),))
    with pytest.raises(InputError, match=r"adaptivenet needs a network with a block that can be narrower.*Sequential"):
        _method(task)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"share": 0.0}, r"share=0.0 must be above 0"),
        ({"branch_epochs": 0}, r"branch_epochs=0 must be 1 or more"),
        ({"least": -0.1}, r"least=-0.1 must lie in \[0, 1\]"),
        ({"least": 1.5}, r"least=1.5 must lie in \[0, 1\], or no device has so much"),
        ({"tries": 0}, r"tries=0 must be 1 or more, or no path is found"),
    ],
)
def test_wrong_options_are_refused(options, words):
    with pytest.raises(InputError, match=words):
        _method(**options)
