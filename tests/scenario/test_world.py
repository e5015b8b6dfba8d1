"""Every kind of world that a scenario can ask for."""

import json
from pathlib import Path
from typing import Any

import pytest

from mlecs_ray.errors import InputError
from mlecs_ray.scenario.config import AvailabilityConfig, LoadConfig, MasksConfig
from mlecs_ray.scenario.deal import deal
from mlecs_ray.scenario.overrides import apply
from mlecs_ray.scenario.world import HeldMasks, make_availability, make_load, make_masks, make_world, shifts_missed
from mlecs_ray.sim.availability import Always, Both, Diurnal, Markov, Membership
from mlecs_ray.sim.load import Bursty, CoRunning, Idle, Processes
from mlecs_ray.sim.masks import AllModalities, FixedMasks, VaryingMasks
from mlecs_ray.sim.world import World
from scenarios.smoke import SCENARIO as SMOKE
from tests.scenario.own import write_folder


def world(**changes: Any) -> World:
    scenario = apply(SMOKE, {f"clients.{key}": value for key, value in changes.items()})
    return make_world(scenario, deal(scenario)[1], "")


@pytest.mark.parametrize(
    ("kind", "made"),
    [("always", Always), ("diurnal", Diurnal), ("markov", Markov), ("diurnal+markov", Both)],
)
def test_every_kind_of_availability_is_made(kind: str, made: type) -> None:
    assert isinstance(make_availability(AvailabilityConfig(kind=kind), 1), made)


def test_a_trace_is_read_from_its_file(tmp_path: Path) -> None:
    """Client 0 is online from 10 to 20 of every 30 seconds."""
    (tmp_path / "t.json").write_text(json.dumps({"0": {"active": [10], "inactive": [20], "finish_time": 30}}))
    trace = make_availability(AvailabilityConfig(kind="trace", trace=str(tmp_path / "t.json")), 1)
    assert [trace.state(0, seconds)[0] for seconds in (5, 15, 25, 45)] == [False, True, False, True]


def test_a_trace_without_a_file_is_refused() -> None:
    with pytest.raises(InputError, match=r"a trace must be"):
        make_availability(AvailabilityConfig(kind="trace"), 1)


def test_clients_join_and_leave() -> None:
    made = make_availability(AvailabilityConfig(joins={0: 5.0}, leaves={1: 7.0}), 1)
    assert isinstance(made, Membership)
    assert [made.state(0, seconds)[0] for seconds in (4, 6)] == [False, True]
    assert [made.state(1, seconds)[0] for seconds in (6, 8)] == [True, False]
    assert made.state(2, 100)[0]


@pytest.mark.parametrize("key", ["joins", "leaves"])
@pytest.mark.parametrize("client", [-1, 40])
def test_who_is_not_in_the_fleet_cannot_join_or_leave_it(key: str, client: int) -> None:
    with pytest.raises(InputError, match=rf"availability.{key} names client {client}, which must lie in 0..39"):
        world(**{f"availability.{key}": {str(client): 1.0}})


@pytest.mark.parametrize(("kind", "made"), [("all", AllModalities), ("fixed", FixedMasks), ("varying", VaryingMasks)])
def test_every_kind_of_masks_is_made(kind: str, made: type) -> None:
    masks = make_masks(MasksConfig(kind=kind, rate=0.5), ("image", "sound"), 1)
    assert isinstance(masks, made)
    assert all(masks.of(client, 0.0) <= {"image", "sound"} for client in range(20))
    assert all(masks.of(client, 0.0) for client in range(20))


@pytest.mark.parametrize(
    ("kind", "made"), [("idle", Idle), ("bursty", Bursty), ("corunning", CoRunning), ("processes", Processes)]
)
def test_every_kind_of_load_is_made(kind: str, made: type) -> None:
    assert isinstance(make_load(LoadConfig(kind=kind), 1), made)


def test_a_mask_is_cut_to_what_the_clients_data_has() -> None:
    """Client 0 has both, 1 has image alone; a mask that leaves 1 nothing gives way to its data."""
    held = [frozenset({"image", "sound"}), frozenset({"image"})]
    assert HeldMasks(AllModalities(("image", "sound")), held).of(0, 0.0) == {"image", "sound"}
    assert HeldMasks(AllModalities(("image", "sound")), held).of(1, 0.0) == {"image"}
    assert HeldMasks(AllModalities(("sound",)), held).of(1, 0.0) == {"image"}


def test_clients_with_the_same_modalities_share_one_set() -> None:
    masks = HeldMasks(FixedMasks(("image", "sound"), 0.5, 1), [frozenset({"image", "sound"})] * 100)
    assert len({id(masks.of(client, 0.0)) for client in range(100)}) == 3


def test_a_client_of_ones_own_data_has_the_modalities_it_has_rows_of(tmp_path: Path) -> None:
    data = {"name": "parquet", "path": str(write_folder(tmp_path)), "partition": "given"}
    scenario = apply(SMOKE, {"clients.count": 3, "task": "fusion", "data": data})
    made = make_world(scenario, deal(scenario)[1], "")
    assert [sorted(made.client(number, 0.0).modalities) for number in range(3)] == [
        ["image", "sound"],
        ["image", "sound"],
        ["image"],
    ]


def test_devices_stragglers_and_samples_are_as_asked() -> None:
    """40 clients, 2 : 1 : 1 of three devices, a quarter ten times slower, 1,438 samples."""
    population = world().population
    assert sorted((population.device == i).sum() for i in range(3)) == [10, 10, 20]
    assert sorted(set(population.slowdown.tolist())) == [1.0, 10.0]
    assert (population.slowdown == 10).sum() == 10
    assert population.samples.sum() == 1438


def test_a_device_runs_the_structure_that_is_named_for_it() -> None:
    made = world(devices={"pi4b": 1, "phone-mid": 1}, structures={"pi4b": "small"})
    assert {(made.client(i, 0.0).device, made.client(i, 0.0).structure) for i in range(40)} == {
        ("pi4b", "small"),
        ("phone-mid", ""),
    }


def test_an_unknown_device_is_refused_with_the_nearest() -> None:
    with pytest.raises(InputError, match=r"device 'pi5' is unknown, so its speed is too; did you mean 'pi4b'"):
        world(devices={"pi5": 1})


def test_the_world_depends_on_the_seed_alone() -> None:
    def look(seed: int) -> list[object]:
        scenario = apply(SMOKE, {"seed": seed})
        made = make_world(scenario, deal(scenario)[1], "")
        return [made.population.device.tolist(), made.population.slowdown.tolist(), made.opening()]

    assert look(1) == look(1)
    assert look(1) != look(2)


def test_environments_shift_as_the_data_says() -> None:
    shifting = {"partition": "environments", "environments": {"shifts": 2, "period": 5.0}}
    scenario = apply(SMOKE, {"data": {"name": "digits", **shifting}})
    made = make_world(scenario, deal(scenario)[1], "")
    assert [made.client(3, seconds).step for seconds in (0.0, 4.9, 5.0, 10.0, 99.0)] == [0, 0, 1, 2, 2]
    assert world().client(3, 1e6).step == 0


@pytest.mark.parametrize(
    ("shifts", "spread", "met"),
    [(3, 0.0, None), (4, 0.0, "3 of them"), (4, 0.5, "3 to 4 of them"), (9, 0.5, "3 to 4 of them"), (0, 0.0, None)],
)
def test_shifts_that_come_after_the_end_are_told(shifts: int, spread: float, met: str | None) -> None:
    """3.5 periods: a client meets three, one that shifts half a period early its fourth as well."""
    environments = {"shifts": shifts, "period": 10.0, "spread": spread}
    scenario = apply(SMOKE, {"seconds": 35.0, "data.partition": "environments", "data.environments": environments})
    told = shifts_missed(scenario)
    assert (told is None) == (met is None)
    assert met is None or f"seconds=35 ends the run, so a client meets {met}" in str(told)


@pytest.mark.parametrize(("seconds", "period", "met"), [(1.0, 1.0, 0), (1.2, 0.4, 2), (1.21, 0.4, 3)])
def test_a_shift_at_the_very_end_is_met_by_nobody(seconds: float, period: float, met: int) -> None:
    """1.2 / 0.4 is 2.9999999999999996."""
    environments = {"shifts": 3, "period": period}
    scenario = apply(SMOKE, {"seconds": seconds, "data.partition": "environments", "data.environments": environments})
    told = shifts_missed(scenario)
    assert (told is None) == (met == 3)
    assert told is None or f"so a client meets {met} of them before that" in told
