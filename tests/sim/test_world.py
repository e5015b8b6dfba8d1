"""The virtual world: durations, fates, energy, memory, tiers, by hand-made numbers."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mlecs_ray.errors import InputError
from mlecs_ray.method import Budget, Client, Work
from mlecs_ray.seeds import uniform
from mlecs_ray.sim.availability import Always, Diurnal, Markov, Membership
from mlecs_ray.sim.devices import Device
from mlecs_ray.sim.faults import Faults
from mlecs_ray.sim.load import Bursty, CoRunning
from mlecs_ray.sim.masks import AllModalities, VaryingMasks
from mlecs_ray.sim.population import CLOUD, Population, cloud_client
from mlecs_ray.sim.timing import Fate, Timing
from mlecs_ray.sim.world import World, tiers

BUDGET = Budget(
    flops=10.0,
    memory_bytes=2e9,
    uplink_bps=80.0,
    downlink_bps=160.0,
    latency_seconds=0.5,
    joules_per_flop=2.0,
    joules_per_byte=0.5,
    battery_joules=1000.0,
)
UPLOAD = {"w": torch.empty(10, dtype=torch.float32)}
WORK = Work(flops=100.0, upload=UPLOAD, memory_bytes=1e9)
MASKS = AllModalities(("image",))


def fleet(count: int = 3, budget: Budget = BUDGET) -> Population:
    zeros = np.zeros(count, dtype=np.int16)
    return Population(
        devices=(Device("toy", budget, ("none",), "by hand"),),
        structures=("small",),
        device=zeros,
        samples=np.ones(count, dtype=np.int32),
        structure=zeros,
        slowdown=np.ones(count, dtype=np.float32),
        tier=zeros,
    )


def someone(world: World, number: int = 0) -> Client:
    return world.client(number, 0.0)


def test_a_job_takes_its_bytes_and_flops_at_the_rates_of_its_device():
    """Download 0.5 + 8 * 20 / 160 = 1.5 s; compute 100 / 10 = 10 s; upload 0.5 + 8 * 40 / 80 = 4.5 s.

    Energy: 100 FLOP * 2 J = 200 J; (20 + 40) bytes * 0.5 J = 30 J.
    """
    world = World(fleet(), MASKS)
    assert world.timing(someone(world), 0.0, 1, 20, WORK) == Timing(1.5, 10.0, 4.5, 200.0, 30.0)


def test_a_straggler_is_slow_at_everything_and_load_slows_computing_alone():
    """Ten times 1.5 s and 4.5 s; 10 s * 10 (straggler) * 3 (two co-running processes) = 300 s; the same joules."""
    slow = replace(fleet(), slowdown=np.array([1, 10, 1], dtype=np.float32))
    world = World(slow, MASKS, load=CoRunning(2))
    timing = world.timing(someone(world, 1), 0.0, 1, 20, WORK)
    assert (timing.download, timing.compute, timing.upload) == (15.0, 300.0, 45.0)
    assert timing.joules == 230.0


def test_load_counts_as_it_is_when_computing_starts():
    """Busy in [600, 1200) by the seed's own draw for some client; a download of 1.5 s begun at 599 ends within it."""
    load = Bursty(share=0.5, slowdown=4.0, period=600.0, seed=1)
    client = next(c for c in range(50) if (load.factor(c, 599.0), load.factor(c, 600.0)) == (1.0, 4.0))
    world = World(fleet(50), MASKS, load=load)
    assert world.timing(someone(world, client), 599.0, 1, 20, WORK).compute == 40.0
    assert world.timing(someone(world, client), 590.0, 1, 20, WORK).compute == 10.0


def test_what_is_expected_knows_the_straggler_but_not_the_load():
    slow = replace(fleet(), slowdown=np.array([1, 10, 1], dtype=np.float32))
    world = World(slow, MASKS, load=CoRunning(2), jitter=0.5)
    assert world.expected_seconds(someone(world, 1), 20, WORK) == 15.0 + 100.0 + 45.0


def test_jitter_is_log_normal_with_the_sigma_asked_for():
    """log(compute / 10) over 2,000 jobs: mean 0 +- 0.0067, standard deviation 0.3 +- 0.0047."""
    world = World(fleet(), MASKS, jitter=0.3, seed=5)
    logs = np.log([world.timing(someone(world), 0.0, n, 20, WORK).compute / 10.0 for n in range(2000)])
    assert logs.mean() == pytest.approx(0.0, abs=0.03)
    assert logs.std() == pytest.approx(0.3, abs=0.02)


def test_jitter_is_the_jobs_own_whatever_was_asked_before():
    one, two = (World(fleet(), MASKS, jitter=0.3, seed=5) for _ in range(2))
    first = [one.timing(someone(one, c), 0.0, n, 20, WORK) for c in range(3) for n in range(4)]
    second = [two.timing(someone(two, c), 0.0, n, 20, WORK) for c in (2, 1, 0) for n in (3, 2, 1, 0)]
    assert first == second[::-1]


@pytest.mark.parametrize(
    ("budget", "work", "size", "message"),
    [
        ({"flops": 0.0}, {}, 20, r"client 0 \(toy\): a rate of 0 in"),
        ({"flops": math.nan}, {}, 20, r"client 0 \(toy\): compute=nan s must be finite"),
        ({"flops": -1.0}, {}, 20, r"client 0 \(toy\): compute=-100\.0 s must be finite and >= 0"),
        ({"uplink_bps": -80.0}, {}, 20, r"client 0 \(toy\): upload=-3\.5 s"),
        ({"latency_seconds": math.inf}, {}, 20, r"client 0 \(toy\): download=inf s"),
        ({}, {}, math.nan, r"client 0 \(toy\): download=nan s"),
        ({}, {"flops": 0.0}, 20, r"client 0 \(toy\): flops=0\.0 must be > 0: a cost that was not counted"),
        ({}, {"flops": math.nan}, 20, r"client 0 \(toy\): flops=nan must be > 0"),
        (
            {"latency_seconds": 0.0, "flops": math.inf},
            {"upload": {}},
            0,
            r"client 0 \(toy\): its job takes 0\.0 s; it must take time, or the virtual clock halts",
        ),
    ],
)
def test_a_duration_that_means_nothing_is_refused_by_figure_and_client(budget, work, size, message):
    world = World(fleet(budget=replace(BUDGET, **budget)), MASKS)
    with pytest.raises(InputError, match=message):
        world.timing(someone(world), 0.0, 1, size, replace(WORK, **work))


def test_a_job_on_a_faultless_client_finishes_after_all_its_phases():
    world = World(fleet(), MASKS)
    assert world.fate(0, 1, 5.0, Timing(1, 2, 3)) == Fate(6.0, None)


def test_a_client_that_leaves_during_the_job_loses_it_then():
    """Online in [0, 10) of every 20 s: a job of 6 s begun at 5 is lost at 10."""
    world = World(fleet(), MASKS, Diurnal(20.0, 0.5, 0.0))
    assert world.fate(0, 1, 5.0, Timing(1, 2, 3)) == Fate(5.0, "offline")


def test_a_job_that_ends_as_its_client_leaves_is_finished():
    world = World(fleet(), MASKS, Diurnal(20.0, 0.5, 0.0))
    assert world.fate(0, 1, 4.0, Timing(1, 2, 3)) == Fate(6.0, None)


def test_a_job_sent_to_someone_offline_costs_the_time_of_its_download():
    world = World(fleet(), MASKS, Diurnal(20.0, 0.5, 0.0))
    assert world.fate(0, 1, 12.0, Timing(1, 2, 3)) == Fate(1, "offline")


def test_a_fault_strikes_before_the_finish_and_before_a_later_departure():
    world = World(fleet(), MASKS, Diurnal(20.0, 0.5, 0.0), faults=Faults(dropout=1.0, seed=2))
    moment = 6.0 * (1 - uniform(2, "moment", 0, 1))
    assert world.fate(0, 1, 0.0, Timing(1, 2, 3)) == Fate(moment, "dropout")


def test_a_departure_before_the_fault_counts():
    world = World(fleet(), MASKS, Diurnal(20.0, 0.5, 0.0), faults=Faults(upload_loss=1.0))
    assert world.fate(0, 1, 5.0, Timing(1, 2, 3)) == Fate(5.0, "offline")
    assert world.fate(0, 1, 4.0, Timing(1, 2, 3)) == Fate(6.0, "upload lost")


def test_an_empty_battery_ends_the_job_when_the_last_joule_is_drawn():
    """1000 J, of which 800 are spent; a job of 6 s and 300 J lasts 6 * 200 / 300 = 4 s."""
    world = World(fleet(), MASKS)
    world.settle(0, 800.0)
    assert world.fate(0, 1, 0.0, Timing(1, 2, 3, 200.0, 100.0)) == Fate(4.0, "battery")


def test_a_client_whose_battery_died_is_offline_for_ever():
    world = World(fleet(), MASKS)
    timing = Timing(1, 2, 3, 900.0, 300.0)
    fate = world.fate(0, 1, 0.0, timing)
    world.settle(0, timing.joules_until(fate.seconds))
    assert world.state(0, fate.seconds) == (False, math.inf)
    assert world.state(1, fate.seconds) == (True, math.inf)


@settings(max_examples=100, deadline=None)
@given(st.floats(1e-6, 1e9), st.floats(0, 0.999), st.floats(1e-3, 1e7))
def test_rounding_never_leaves_a_dead_battery_alive(joules, share, total):
    world = World(fleet(), MASKS)
    world.settle(0, 1000.0 * share)
    timing = Timing(total / 4, total / 2, total / 4, joules)
    fate = world.fate(0, 1, 0.0, timing)
    world.settle(0, timing.joules_until(fate.seconds))
    assert fate.seconds > 0
    assert (fate.lost == "battery") <= (not world.state(0, 0.0)[0])


def test_the_time_to_a_departure_is_rounded_up_where_it_would_fall_short():
    """until - now = 1 + 2**-53 rounds to 1, and now + 1 = 1 + 2**-53 rounds to 1 again: before ``until``."""
    now, until = 2.0**-53, 1.0 + 2.0**-52
    world = World(fleet(), MASKS, Membership(Always(), leaves={0: until}))
    assert now + (until - now) < until
    assert now + world.fate(0, 1, now, Timing(1, 2, 3)).seconds >= until


@settings(max_examples=100, deadline=None)
@given(st.floats(0, 1e5), st.floats(1e-3, 1e3), st.integers(0, 2))
def test_a_job_lost_to_a_departure_is_never_lost_before_it(now, total, number):
    world = World(fleet(), MASKS, Markov(7.0, 3.0, 1))
    online, until = world.state(number, now)
    fate = world.fate(number, 1, now, Timing(0.0, total, 0.0))
    assert fate.seconds > 0
    if online and fate.lost:
        assert now + fate.seconds >= until


def test_mains_never_run_out():
    world = World(fleet(budget=replace(BUDGET, battery_joules=None)), MASKS)
    world.settle(0, 1e12)
    assert world.state(0, 0.0) == (True, math.inf)
    assert world.fate(0, 1, 0.0, Timing(1, 2, 3, 1e12)) == Fate(6.0, None)


def test_those_online_at_the_start_are_named_in_order():
    world = World(fleet(50), MASKS, Markov(5.0, 5.0, 3))
    assert world.opening() == [c for c in range(50) if world.state(c, 0.0)[0]]
    assert 0 < len(world.opening()) < 50
    assert list(zip(*(column.tolist() for column in world.states()), strict=True)) == [
        world.state(c, 0.0) for c in range(50)
    ]
    assert World(fleet(3), MASKS).opening() == [0, 1, 2]
    assert World(fleet(3), MASKS).count == 3


def test_a_client_shows_the_modalities_it_has_now():
    masks = VaryingMasks(("image", "text"), 0.5, 10.0, 1)
    world = World(fleet(), masks)
    assert [world.client(0, t).modalities for t in (0, 10, 20)] == [masks.of(0, t) for t in (0, 10, 20)]


def test_the_cloud_is_always_there_unloaded_unstruck_and_counted_apart():
    """100 FLOP at 124.8 TFLOP/s and two latencies of 0.5 ms with 20 and 40 bytes at 10 Gbit/s."""
    slow = replace(fleet(), slowdown=np.array([7, 7, 7], dtype=np.float32))
    world = World(slow, MASKS, Diurnal(20.0, 0.5, 0.0), CoRunning(4), Faults(dropout=1.0))
    cloud = cloud_client(("image",), 5)
    timing = world.timing(cloud, 15.0, 1, 20, WORK)
    assert timing.total == pytest.approx(0.001 + 8 * 60 / 1e10 + 100 / 124.8e12)
    assert world.state(CLOUD, 15.0) == (True, math.inf)
    assert world.fate(CLOUD, 1, 15.0, timing) == Fate(timing.total, None)
    world.settle(CLOUD, 3.0)
    assert world.spent.tolist() == [0.0, 0.0, 0.0, 3.0]


def test_work_that_does_not_fit_is_refused_with_all_that_is_needed_to_mend_it():
    world = World(fleet(), MASKS)
    world.check_memory(someone(world), replace(WORK, memory_bytes=2e9))
    with pytest.raises(InputError, match=r"'small' needs 2\.5 GB, device toy of client 0 has 2 GB: .*never train"):
        world.check_memory(someone(world), replace(WORK, memory_bytes=2.5e9))


def test_a_snapshot_brings_back_what_was_spent():
    world, again = World(fleet(), MASKS), World(fleet(), MASKS)
    world.settle(1, 12.5)
    kept = world.snapshot()
    world.settle(1, 1.0)
    again.restore(kept)
    assert again.spent.tolist() == [0.0, 12.5, 0.0, 0.0]


def test_a_snapshot_of_another_fleet_is_refused():
    with pytest.raises(InputError, match="a checkpoint of 4 clients cannot resume a world of 3"):
        World(fleet(3), MASKS).restore(World(fleet(4), MASKS).snapshot())


@pytest.mark.parametrize("joules", [-1.0, math.nan, math.inf])
def test_energy_that_means_nothing_is_refused(joules):
    with pytest.raises(InputError, match=r"client 1 drew .* or its battery is unknown"):
        World(fleet(), MASKS).settle(1, joules)


def test_a_jitter_that_means_nothing_is_refused():
    with pytest.raises(InputError, match="jitter=-1 must be finite and >= 0"):
        World(fleet(), MASKS, jitter=-1)


def test_tiers_are_quantiles_and_ties_go_by_id():
    assert tiers(np.array([5.0, 1.0, 9.0, 1.0, 7.0, 3.0]), 3).tolist() == [1, 0, 2, 0, 2, 1]
    assert tiers(np.array([2.0, 2.0, 2.0, 2.0, 2.0]), 2).tolist() == [0, 0, 0, 1, 1]


@pytest.mark.parametrize("count", [0, 4])
def test_tiers_without_a_client_are_refused(count):
    with pytest.raises(InputError, match=r"must lie in 1\.\.3, or one is empty"):
        tiers(np.ones(3), count)
