"""The columns of clients: shares, structures, stragglers, clients on demand."""

import numpy as np
import pytest

from mlecs_ray.errors import InputError
from mlecs_ray.sim.devices import DEVICES
from mlecs_ray.sim.population import CLOUD, Population, Stragglers, cloud_client, draw_population


def names(population: Population) -> list[str]:
    return [population.client(i, frozenset({"text"})).device for i in range(len(population))]


def test_shares_are_met_exactly_but_for_rounding():
    """10 clients at 1 : 2 are 3.33 and 6.67; the larger remainder gets the tenth."""
    drawn = names(draw_population(10, {"pi4b": 1, "phone-mid": 2}, np.ones(10), {}, seed=1))
    assert (drawn.count("pi4b"), drawn.count("phone-mid")) == (3, 7)


def test_the_same_seed_draws_the_same_and_another_another_order():
    one, two, three = (draw_population(50, {"pi4b": 1, "cloud": 1}, np.ones(50), {}, seed=s) for s in (1, 1, 2))
    assert names(one) == names(two)
    assert names(one) != names(three)


def test_a_client_is_built_from_its_row():
    population = draw_population(3, {"jetson-nano": 1}, [5, 6, 7], {"jetson-nano": "small"}, seed=1)
    client = population.with_tiers([0, 2, 1]).client(1, frozenset({"image"}))
    assert (client.id, client.samples, client.structure, client.tier, client.role) == (1, 6, "small", 2, "edge")
    assert client.budget is DEVICES["jetson-nano"].budget
    assert client.modalities == {"image"}


def test_each_device_runs_the_structure_it_was_given():
    population = draw_population(
        20, {"pi4b": 1, "phone-high": 1}, np.ones(20), {"pi4b": "small", "phone-high": "large"}, seed=1
    )
    pairs = {(c.device, c.structure) for c in (population.client(i, frozenset()) for i in range(20))}
    assert pairs == {("pi4b", "small"), ("phone-high", "large")}


def test_structures_can_be_drawn_by_share():
    population = draw_population(9, {"pi4b": 1}, np.ones(9), {"small": 2, "large": 1}, seed=1)
    drawn = [population.client(i, frozenset()).structure for i in range(9)]
    assert (drawn.count("small"), drawn.count("large")) == (6, 3)


def test_without_structures_there_is_one_without_a_name():
    assert draw_population(1, {"pi4b": 1}, [1], {}, seed=1).client(0, frozenset()).structure == ""


def test_a_third_is_ten_times_slower():
    population = draw_population(300, {"pi4b": 1}, np.ones(300), {}, seed=1).with_stragglers(Stragglers(1 / 3, 10), 4)
    assert sorted(population.slowdown.tolist()) == [1.0] * 200 + [10.0] * 100


def test_a_million_clients_are_a_few_bytes_each():
    """2 device + 4 samples + 2 structure + 4 slow-down + 2 tier = 14 bytes."""
    p = draw_population(1_000_000, {"phone-low": 1, "phone-mid": 1}, np.ones(1_000_000), {}, seed=1)
    assert sum(c.nbytes for c in (p.device, p.samples, p.structure, p.slowdown, p.tier)) == 14_000_000


def test_the_clouds_client_is_a_client_of_its_own_kind():
    cloud = cloud_client(("image", "text"), samples=100, structure="full")
    assert (cloud.id, cloud.role, cloud.device, cloud.samples) == (CLOUD, "cloud", "cloud", 100)
    assert cloud.modalities == {"image", "text"}
    assert cloud.budget.battery_joules is None


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: draw_population(2, {"pi4": 1}, [1, 1], {}, 1), r"device 'pi4' is unknown.*'pi4b'"),
        (lambda: draw_population(2, {"pi4b": 1}, [1, 1, 1], {}, 1), r"samples has shape \(3,\), but count=2"),
        (lambda: draw_population(2, {"pi4b": 1}, [1, 0], {}, 1), r"client 1 has 0 samples; it needs at least 1"),
        (lambda: draw_population(0, {"pi4b": 1}, [], {}, 1), r"a population of 0 clients must have at least 1"),
        (lambda: draw_population(2, {}, [1, 1], {}, 1), r"shares of device \{\}"),
        (lambda: draw_population(2, {"pi4b": -1, "cloud": 2}, [1, 1], {}, 1), r"must be finite, >= 0 and not all 0"),
        (lambda: draw_population(2, {"pi4b": 1}, [1, 1], {"cloud": "a"}, 1), r"device 'pi4b' has no model structure"),
        (lambda: draw_population(2, {"pi4b": 1}, [1, 1], {"a": 0.0}, 1), r"shares of structure"),
        (lambda: draw_population(2, {"pi4b": 1}, [1, 1], {}, 1).client(2, frozenset()), r"client 2 must lie in 0..1"),
        (lambda: Stragglers(0.5, 0.1), r"factor=0.1 must be finite and >= 1"),
        (lambda: Stragglers(1.5, 2.0), r"share=1.5 must lie in"),
    ],
)
def test_a_population_that_cannot_be_is_refused(build, message):
    with pytest.raises(InputError, match=message):
        build()


def test_a_tier_is_a_plain_number():
    tier = draw_population(3, {"pi4b": 1}, [1, 1, 1], {}, seed=1).with_tiers([0, 2, 1]).tier_of(1)
    assert (tier, type(tier)) == (2, int)
