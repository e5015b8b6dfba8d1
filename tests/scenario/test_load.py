"""What else runs on devices, as keys of a scenario."""

from typing import Any

import pytest

from mlecs_ray.errors import InputError
from mlecs_ray.scenario.load import LoadConfig
from tests.small import small_scenario


def test_at_least_and_at_most_so_many_processes_can_be_set() -> None:
    load = small_scenario(clients__load={"kind": "processes", "fewest": 2, "processes": 2}).clients.load
    assert (load.kind, load.fewest, load.processes) == ("processes", 2, 2)
    assert LoadConfig().fewest == 0


@pytest.mark.parametrize("kind", ["idle", "bursty", "corunning"])
def test_the_fewest_processes_of_a_load_that_has_no_such_number_are_refused(kind: str) -> None:
    with pytest.raises(InputError, match=rf"^clients.load.fewest=1 needs clients.load.kind=processes, here {kind}, or"):
        small_scenario(clients__load={"kind": kind, "fewest": 1})


@pytest.mark.parametrize("given", [{"fewest": 3}, {"fewest": 4, "processes": 1}])
def test_more_than_the_most_are_refused_by_the_names_of_the_keys(given: dict[str, Any]) -> None:
    most = given.get("processes", 2)
    words = rf"^clients.load.fewest={given['fewest']} must lie in 0..clients.load.processes={most}, or no number"
    with pytest.raises(InputError, match=words):
        small_scenario(clients__load={"kind": "processes", **given})
