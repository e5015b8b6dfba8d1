"""What actors ask of a cluster, and what it refuses."""

import pytest

from actors.placement import Placement, check, place
from mlecs_ray.errors import InputError
from mlecs_ray.scenario.build import build
from mlecs_ray.scenario.overrides import apply
from scenarios.dedicated import SCENARIO

BUILT = build(SCENARIO)


def test_packed_actors_share_the_cpus_and_there_are_never_more_than_clients():
    built = build(apply(SCENARIO, {"runtime.clients_per_actor": "auto"}))
    assert place(built, {"CPU": 4.0}) == Placement(tuple({"num_cpus": 1.0} for _ in range(4)), None)
    assert len(place(built, {"CPU": 64.0}).options) == 24


def test_dedicated_actors_share_the_cpus_in_proportion_to_flops():
    """12 pi4b of 6.72, 6 jetson-nano of 59 and 6 phone-mid of 10.3 GFLOP/s on 2 CPUs."""
    total = 12 * 6.72e9 + 6 * 59e9 + 6 * 10.3e9
    shares = {}
    for number, option in enumerate(place(BUILT, {"CPU": 2.0}).options):
        shares[BUILT.world.client(number, 0.0).device] = option["num_cpus"]
    assert shares["jetson-nano"] == pytest.approx(2 * 59e9 / total, rel=0.01)
    assert shares["pi4b"] == pytest.approx(2 * 6.72e9 / total, rel=0.01)


def test_a_dedicated_actor_asks_for_its_kind_of_device_and_for_memory():
    placement = place(BUILT, {"CPU": 2.0})
    assert len(placement.options) == 24
    assert {sum(option["resources"].values()) for option in placement.options} == {1.0}
    assert {option["memory"] for option in placement.options} == {400_000_000}
    kinds = {kind: number for kind, number in placement.needs().items() if kind.startswith("device:")}
    assert kinds == {"device:jetson-nano": 6.0, "device:phone-mid": 6.0, "device:pi4b": 12.0}


def test_several_clients_on_one_actor_add_up():
    option = place(build(apply(SCENARIO, {"runtime.clients_per_actor": 12})), {"CPU": 2.0}).options[0]
    assert sum(option["resources"].values()) == 12.0


@pytest.mark.parametrize(
    ("offer", "what"),
    [
        ({"CPU": 1.0}, "CPU"),
        ({"CPU": 2.0, "memory": 1e9}, r"9.6e\+09 memory, the cluster offers 1e\+09"),
        ({"CPU": 2.0, "memory": 1e11, "device:pi4b": 12.0}, "device:"),
    ],
)
def test_a_cluster_that_is_too_small_is_refused_before_any_actor_starts(offer, what):
    with pytest.raises(InputError, match=what):
        check(place(BUILT, {"CPU": 2.0}), offer)


def test_where_clients_train_on_gpus_the_actors_share_them():
    """3 actors on 2 GPUs take 0.6666 each, in Ray's four decimals; one actor takes a whole one at most."""
    keys = {"runtime.device": "cuda", "runtime.clients_per_actor": "auto", "runtime.actors": 3}
    placement = place(build(apply(SCENARIO, keys)), {"CPU": 3.0, "GPU": 2.0})
    assert placement.options == ({"num_cpus": 1.0, "num_gpus": 0.6666},) * 3
    check(placement, {"CPU": 3.0, "GPU": 2.0})
    alone = place(build(apply(SCENARIO, {**keys, "runtime.actors": 1})), {"CPU": 3.0, "GPU": 2.0})
    assert alone.options == ({"num_cpus": 3.0, "num_gpus": 1.0},)


def test_a_cluster_without_a_gpu_is_no_place_to_train_on_one():
    with pytest.raises(InputError, match=r"runtime\.device=cuda, but the cluster offers no GPU"):
        place(build(apply(SCENARIO, {"runtime.device": "cuda"})), {"CPU": 2.0})
