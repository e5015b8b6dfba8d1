"""Requests for one model go to the replica where it is resident."""

import os
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from ray import serve as ray_serve

from mlecs_ray.run.bundle import adopt, read_bundle
from mlecs_ray.run.local import run_locally
from mlecs_ray.serving.host import Resident
from serve.deployments import models_of
from serve.handles import RaySide
from serve.models import Hosting
from tests.serving import spoken

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("cluster")]
REPLICAS, RESIDENTS = 2, 3


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A store, and the models in it by their ids."""
    root = tmp_path_factory.mktemp("sticky")
    run_locally(spoken.scenario(root), root / "run")
    bundle = adopt(root / "run" / "artifact", root / "store")
    return root / "store", [f"{name}@{bundle.version}" for name in read_bundle(bundle.folder).cards]


@pytest.fixture
def side(models: tuple[Path, list[str]]) -> Iterator[RaySide]:
    """Of several replicas, none of which has room for all models; each tells how often it has read one."""

    class Counting(models_of(residents=RESIDENTS)):  # type: ignore[misc]  # made when it is asked for
        def __init__(self, hosting: Hosting) -> None:
            super().__init__(hosting)
            self._read, self._count = self._models.read, 0
            self._models.read = self._counted

        async def _counted(self, model: str) -> Resident:
            self._count += 1
            return await self._read(model)

        async def place(self, model: str) -> tuple[int, int]:
            await self._resident(model)
            return os.getpid(), self._count

    deployment = ray_serve.deployment(num_replicas=REPLICAS, ray_actor_options={"num_cpus": 0.1})(Counting)
    application = deployment.bind(Hosting(str(models[0]), threads=1))
    try:
        yield RaySide(ray_serve.run(application, name="sticky", route_prefix=None))
    finally:
        ray_serve.shutdown()


def test_a_model_is_asked_where_it_is_resident(side: RaySide, models: tuple[Path, list[str]]) -> None:
    assert len(models[1]) > RESIDENTS
    reads: dict[int, int] = {}
    order = random.Random(1)

    def ask(rounds: int) -> dict[int, int]:
        # In any order: in turns, replicas that are asked in turns would have the same models each time.
        for model in order.sample(models[1] * rounds, len(models[1]) * rounds):
            process, count = side._for(model).place.remote(model).result(timeout_s=60)
            reads[process] = count
        return dict(reads)

    # Until those who route have heard who has what.
    until, before = time.monotonic() + 30, ask(2)
    while True:
        time.sleep(2)
        if ask(2) == before or time.monotonic() > until:
            break
        before = dict(reads)
    assert ask(10) == before
    assert len(before) == REPLICAS
