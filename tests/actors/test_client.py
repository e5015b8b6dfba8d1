"""An edge actor that cannot be made says why, whatever it is asked."""

import pytest

from actors.client import EdgeHost
from mlecs_ray.errors import InputError
from mlecs_ray.sim.worker import Worker


def refused() -> Worker:
    raise InputError("own.py is another file by now")


def test_whoever_asks_an_actor_without_a_worker_is_told_why() -> None:
    host = EdgeHost(refused)
    with pytest.raises(InputError, match="another file by now"):
        host.vitals()
    with pytest.raises(InputError, match="another file by now"):
        host.train([[]])
