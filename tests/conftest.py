"""One Ray runtime for all tests: two at once would fight over the cores."""

import os
from collections.abc import Iterator

import pytest
import ray
from hypothesis import settings

from mlecs_ray.sim.devices import DEVICES

# What passes, passes again. To look for more: pytest --hypothesis-profile=default
settings.register_profile("steady", derandomize=True, deadline=None)
settings.load_profile("steady")


@pytest.fixture(scope="session")
def cluster() -> Iterator[None]:
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    # Sets of names have another order in the actors than here: no result may depend on it.
    os.environ["PYTHONHASHSEED"] = "7"
    devices = {f"device:{name}": 8.0 for name in DEVICES}
    ray.init(
        num_cpus=3, resources=devices, include_dashboard=False, log_to_driver=False, object_store_memory=200 * 2**20
    )
    yield
    ray.shutdown()
