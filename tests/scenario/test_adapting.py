"""How devices adapt a cloud's classifier: made by name and option, with what the cloud may know of their sub-tasks."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mlecs_ray.errors import InputError
from mlecs_ray.method import Client, Method, Work
from mlecs_ray.methods.eclm.enhance import SubTasks
from mlecs_ray.methods.eclm.system import ModularCloud
from mlecs_ray.methods.fedavg import FedAvg
from mlecs_ray.methods.optimizers import AdamW
from mlecs_ray.methods.pretrained import Pretrained
from mlecs_ray.models.classifier import ClassifierTask
from mlecs_ray.models.decompose import Grain
from mlecs_ray.samples import Samples
from mlecs_ray.scenario.adapting import ADAPTING, GIVEN, SUBTASKS
from mlecs_ray.scenario.build import build
from mlecs_ray.scenario.compose import first_seed, hyperparameters, make_method
from mlecs_ray.scenario.config import Scenario
from mlecs_ray.scenario.deal import contexts_of, deal
from mlecs_ray.scenario.learn import make_task
from mlecs_ray.scenario.names import ADAPTATIONS
from mlecs_ray.scenario.overrides import apply, parse
from mlecs_ray.sim.world import World
from tests.small import SHIFTING, small_scenario

NETWORK = {"data.public_share": 0.1, "task.kind": "network", "task.hidden": [8, 8], "task.pretrain_epochs": 1}
OPTIONS: dict[str, dict[str, Any]] = {
    "eclm": {"modules": 4, "ratio": 0.5, "top": 2, "without": ["enhancing"], "reference": "phone-mid"},
    "noadaptation": {},
    "localadaptation": {},
    "adaptivenet": {"share": 0.7, "reference": "phone-mid", "least": 0.3, "branch_epochs": 2, "tries": 4},
    "heterofl": {"share": 0.7, "reference": "phone-mid", "masked": False, "levels": [1.0, 0.5], "offline_epochs": 1},
    "fedavgft": {},
}


def scenario(name: str = "eclm", options: dict[str, Any] | None = None, **changes: Any) -> Scenario:
    """``__`` stands for the dot of a key."""
    dotted = {key.replace("__", "."): value for key, value in changes.items()}
    return apply(small_scenario(), {**NETWORK, "method": {"name": name, "options": options or {}}, **dotted})


def made(scenario: Scenario, public: Samples | None = None) -> Method:
    """The scenario's method; ``public`` in place of the public samples of its data."""
    dataset, hand = deal(scenario)
    task = make_task(scenario, dataset.shape)
    return make_method(scenario, task, dataset.public if public is None else public, contexts_of(hand))


def subtasks(scenario: Scenario, public: Samples | None = None) -> SubTasks:
    method = made(scenario, public)
    assert isinstance(method, ModularCloud)
    return method.prototype.subtasks


def test_every_adaptation_is_tried_here() -> None:
    assert set(OPTIONS) == set(ADAPTING) == set(ADAPTATIONS)


@pytest.mark.parametrize("name", OPTIONS)
def test_an_adaptation_is_made_with_and_without_options(name: str) -> None:
    assert isinstance(made(scenario(name)), ModularCloud if name == "eclm" else ADAPTING[name])
    method = made(scenario(name, OPTIONS[name]))
    chosen = method.prototype.options if isinstance(method, ModularCloud) else method
    for option, value in OPTIONS[name].items():
        assert getattr(chosen, option) == (tuple(value) if isinstance(value, list) else value)


@pytest.mark.parametrize("name", OPTIONS)
@pytest.mark.parametrize(
    "changes",
    [{"task__kind": "mlp"}, {"task__pretrain_epochs": 0}],
    ids=["another kind of task", "a cloud that knows nothing"],
)
def test_an_adaptation_needs_a_network_that_the_cloud_has_trained(name: str, changes: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=rf"method.name={name} needs task.kind=network and task.pretrain_epochs of 1"):
        made(scenario(name, **changes))


def test_the_cloud_trains_on_public_samples_as_configured() -> None:
    method = made(scenario("noadaptation", task__pretrain_epochs=3, task__pretrain_lr=0.01, task__pretrain_batch=7))
    local = method.task.offline.local
    assert (local.optimizer, local.batch, local.epochs) == (AdamW(0.01), 7, 3)
    with pytest.raises(InputError, match=r"data.public_share leaves 0 public samples; there must be 2 or more"):
        made(scenario("noadaptation", data__public_share=0.0))


@pytest.mark.parametrize(("epochs", "kind"), [(1, Pretrained), (0, ClassifierTask)])
def test_other_methods_begin_with_what_the_cloud_knows_where_it_knows_anything(epochs: int, kind: type) -> None:
    method = made(scenario("fedavg", task__pretrain_epochs=epochs))
    assert isinstance(method, FedAvg)
    assert isinstance(method.task, kind)


@pytest.mark.parametrize("name", OPTIONS)
def test_an_option_that_an_adaptation_does_not_have_is_refused(name: str) -> None:
    with pytest.raises(InputError, match=f"method.options.colour is no option of {name}, so nothing was started"):
        made(scenario(name, {"colour": "red"}))


@pytest.mark.parametrize("name", OPTIONS)
@pytest.mark.parametrize("given", GIVEN)
def test_what_the_scenario_gives_an_adaptation_is_no_option(name: str, given: str) -> None:
    with pytest.raises(InputError, match=f"method.options.{given} is no option of {name}"):
        made(scenario(name, {given: 3}))
    assert given not in hyperparameters(ADAPTING[name])


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("eclm", {"top": 2.5}, r"method.options.top=2.5 must be a whole number, or eclm cannot be made"),
        ("eclm", {"top": 5, "modules": 4}, r"method.options: top=5 must lie in 1..modules=4"),
        ("eclm", {"without": ["clouds"]}, r"method.options: without='clouds' must be one of"),
        ("eclm", {"ratio": 2.0}, r"method.options: ratio=2.0 must lie in \(0, 1\]"),
        ("eclm", {"modules": 1}, r"method.options: modules=1 must be 2 or more"),
        ("adaptivenet", {"branch_epochs": 0}, r"method.options: branch_epochs=0 must be 1 or more"),
        ("adaptivenet", {"tries": 0}, r"method.options: tries=0 must be 1 or more"),
        ("heterofl", {"levels": [1.0, 2.0]}, r"method.options: levels=\(1.0, 2.0\) must be numbers above 0 that fall"),
        ("heterofl", {"share": 0.0}, r"method.options: share=0.0 must be above 0"),
        ("heterofl", {"masked": 1}, r"method.options.masked=1 must be true or false"),
    ],
)
def test_an_option_that_breaks_its_rule_is_refused_by_it(name: str, options: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        made(scenario(name, options))


def test_a_single_part_may_be_left_out_by_its_name_alone() -> None:
    """Else it would be taken letter by letter."""
    chosen = apply(scenario(), dict([parse("method.options.without=local")]))
    assert made(chosen).prototype.options.without == ("local",)
    with pytest.raises(InputError, match=r"method.options: without='clouds' must be one of"):
        made(apply(scenario(), dict([parse("method.options.without=clouds")])))


@pytest.mark.parametrize("name", ["localadaptation", "adaptivenet"])
def test_devices_leave_the_factory_with_what_the_server_begins_with(name: str) -> None:
    assert made(scenario(name, seed=5)).seed == first_seed(5)


@pytest.mark.parametrize(
    ("schedule", "jobs"),
    [
        ({"concurrency": 4, "buffer": 2}, 4),
        ({"concurrency": 9, "buffer": 2}, 6),
        ({"concurrency": 5, "buffer": 3, "barrier": True}, 3),
    ],
    ids=["as many as train at once", "no more than there are", "those of a round"],
)
def test_as_many_jobs_make_a_round_as_are_under_way_at_once(schedule: dict[str, Any], jobs: int) -> None:
    assert made(scenario(schedule=schedule)).jobs == jobs


def test_an_own_network_is_decomposed_and_has_no_widths_to_narrow(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(
        "from torch import nn\n"
        "def make(form, classes):\n"
        "    wide = nn.Sequential(nn.Linear(8, 8), nn.ReLU())\n"
        "    return nn.Sequential(nn.Linear(*form, 8), wide, nn.Linear(8, classes))\n"
    )
    network = f"{tmp_path}/own.py:make"
    method = made(scenario("eclm", OPTIONS["eclm"], task__network=network))
    assert method.modular.grain == Grain(4, 0.5)
    assert method.modular.body.shape == (1, 4)
    with pytest.raises(InputError, match=r"heterofl needs task.network to be one of .*, not one of your own"):
        made(scenario("heterofl", task__network=network))


def test_sub_tasks_are_the_sets_of_classes_that_occur_on_devices() -> None:
    """Four sets of three classes in the whole fleet."""
    chosen = scenario(**SHIFTING)
    found = subtasks(chosen)
    assert found.sets == contexts_of(deal(chosen)[1])
    assert [len(one) for one in found.sets] == [3] * 4


def test_where_each_device_has_its_own_set_of_classes_the_cloud_thinks_of_such_sets() -> None:
    environments = {"classes": 3, "least": 20, "most": 30}
    shifting = {"data__partition": "environments", "data__environments": environments}
    found = subtasks(scenario(**shifting))
    assert len(found) == SUBTASKS
    assert all(len(set(one)) == 3 and one == tuple(sorted(one)) and set(one) <= set(range(10)) for one in found.sets)
    assert subtasks(scenario(**shifting)) == found
    assert subtasks(scenario(**shifting, seed=5)) != found


@pytest.mark.parametrize("classes", [None, 10], ids=["no set", "all of them"])
def test_where_no_classes_belong_together_sub_tasks_are_the_domains_of_public_samples(classes: int | None) -> None:
    environments = {"classes": classes, "least": 20, "most": 30}
    chosen = scenario(data__partition="environments", data__environments=environments)
    public = deal(chosen)[0].public
    domains = tuple("ben" if row % 3 else "ann" for row in range(len(public)))
    assert subtasks(chosen, replace(public, domains=domains)) == SubTasks(domains=("ann", "ben"))


def test_else_sub_tasks_are_the_classes_one_by_one() -> None:
    assert subtasks(scenario()).sets == tuple((label,) for label in range(10))
    public = deal(scenario())[0].public
    same = replace(public, domains=("ann",) * len(public))
    assert subtasks(scenario(), same) == subtasks(scenario())


def test_an_own_network_with_a_block_that_flattens_is_refused_before_anything_starts(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(
        "from torch import nn\n"
        "def make(form, classes):\n"
        "    block = nn.Sequential(nn.Conv2d(4, 4, 3), nn.ReLU(), nn.Flatten())\n"
        "    picture = nn.Unflatten(1, (1, 8, 8))\n"
        "    return nn.Sequential(picture, nn.Conv2d(1, 4, 1), block, nn.Linear(144, classes))\n"
    )
    chosen = scenario("eclm", OPTIONS["eclm"], task__network=f"{tmp_path}/own.py:make")
    with pytest.raises(InputError, match=r"part 2 of the network takes \(4, 8, 8\) to \(144,\)"):
        build(chosen)


def test_before_the_run_memory_and_time_are_those_of_a_job_and_not_of_the_question(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is too large for a device is refused before the cloud learns anything, and tiers go by what takes long."""
    checked: list[Work] = []
    timed: list[Work] = []
    expected = World.expected_seconds

    def seconds(world: World, client: Client, down: int, work: Work) -> float:
        timed.append(work)
        return expected(world, client, down, work)

    monkeypatch.setattr(World, "check_memory", lambda _, __, work: checked.append(work))
    monkeypatch.setattr(World, "expected_seconds", seconds)
    build(scenario(schedule={"concurrency": 2, "buffer": 1, "barrier": True, "tiers": 2}))
    assert checked
    assert timed
    assert not any(work.tells for work in (*checked, *timed))
