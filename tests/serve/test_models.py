"""A replica's models: asked by id, least recently asked first to go, and errors as values."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest

from mlecs_ray.errors import InputError
from mlecs_ray.models.lora import Backbone
from mlecs_ray.run.bundle import adopt
from mlecs_ray.samples import Samples
from mlecs_ray.scenario.deal import deal
from mlecs_ray.serving.batcher import Piece
from mlecs_ray.serving.engine import Engine
from mlecs_ray.serving.host import Ask, Resident
from mlecs_ray.serving.turns import Turn
from serve.models import Began, Hosting, Item, Models, Refusal
from tests.serving import spoken

HELLO = Ask(turns=(Turn("user", "the"),), max_tokens=3)


@pytest.fixture(scope="module")
def version() -> str:
    run = spoken.run()
    return adopt(run / "artifact", run / "store").version


@pytest.fixture
def models() -> Iterator[Models]:
    made = Models(Hosting(str(spoken.run() / "store"), residents=2, rows=2, queue=1, threads=1))
    yield made
    made.close()


async def _items(models: Models, model: str, ask: Ask = HELLO) -> list[Item]:
    return [item async for item in models.stream(model, ask)]


def test_an_answer_begins_with_who_gives_it(models: Models, version: str) -> None:
    test = deal(models.host.bundle(version).scenario)[0].test.take([4])
    row = test.only(["image"])
    first, *rest = asyncio.run(_items(models, f"client-1@{version}", Ask(row)))
    assert isinstance(first, Began)
    assert (first.model, first.sensed, first.masked) == (f"client-1@{version}", ("image",), ("sound",))
    assert first.token_flops > 0
    assert isinstance(rest[-1], Piece)
    assert rest[-1].finish in ("stop", "length")


def test_the_least_recently_asked_leaves_first(models: Models, version: str) -> None:
    read: list[str] = []
    real = models.read

    async def reading(model: str) -> Resident:
        read.append(model.partition("@")[0])
        return await real(model)

    models.read = reading  # type: ignore[method-assign]

    async def ask() -> None:
        for name in ("client-0", "client-1", "client-0", "cloud", "client-0", "client-1"):
            await _items(models, f"{name}@{version}")

    asyncio.run(ask())
    assert read == ["client-0", "client-1", "cloud", "client-1"]


def test_two_who_ask_at_once_read_a_model_once(models: Models, version: str) -> None:
    count = 0
    real = models.read

    async def reading(model: str) -> Resident:
        nonlocal count
        count += 1
        return await real(model)

    models.read = reading  # type: ignore[method-assign]

    async def ask() -> None:
        await asyncio.gather(*(models.warm([f"cloud@{version}"]) for _ in range(3)))

    asyncio.run(ask())
    assert count == 1


@pytest.mark.parametrize(
    ("model", "kind", "told"),
    [("cloud", "input", "must be NAME@VERSION"), ("nobody@{}", "input", "is none of this run's")],
)
def test_errors_are_values(models: Models, version: str, model: str, kind: str, told: str) -> None:
    (found,) = asyncio.run(_items(models, model.format(version)))
    assert isinstance(found, Refusal)
    assert found.kind == kind
    assert told in found.message
    again = asyncio.run(models.classify(f"cloud@{version}", Samples({})))
    assert isinstance(again, Refusal)


def test_a_full_engine_is_a_value_too(models: Models, version: str) -> None:
    endless = Ask(turns=(Turn("user", "the"),), max_tokens=900, temperature=2.0)

    async def ask() -> list[Item]:
        others = [asyncio.ensure_future(_items(models, f"cloud@{version}", endless)) for _ in range(3)]
        async with asyncio.timeout(60):
            while models.load < 3:
                await asyncio.sleep(0.001)
        found = await _items(models, f"cloud@{version}")
        for other in others:
            other.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        return found

    (found,) = asyncio.run(ask())
    assert isinstance(found, Refusal)
    assert found.kind == "full"


def test_a_failure_of_ours_tells_no_secrets(models: Models, version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("/secret/path")

    monkeypatch.setattr(models.host, "prompt", broken)
    (found,) = asyncio.run(_items(models, f"cloud@{version}"))
    assert isinstance(found, Refusal)
    assert (found.kind, "secret" in found.message) == ("failed", False)


class Slow:
    """Makes an engine when it may."""

    def __init__(self, models: Models) -> None:
        self._make = models.host.make_engine
        self.asked, self.go = Event(), Event()
        self.waited: list[bool] = []
        """Of each engine, whether it was allowed before the time was up."""
        models.host.make_engine = self

    def __call__(self, lm: Backbone) -> Engine:
        self.asked.set()
        self.waited.append(self.go.wait(10))
        return self._make(lm)

    async def asked_for(self) -> None:
        async with asyncio.timeout(60):
            while not self.asked.is_set():
                await asyncio.sleep(0.001)


def test_while_a_backbone_is_loaded_others_are_answered_and_it_is_loaded_once(models: Models, version: str) -> None:
    """In the event loop it would be waited for, until its time was up, before anyone could allow it."""
    asyncio.run(models.warm([f"client-0@{version}"]))
    slow = Slow(models)

    async def ask() -> tuple[Item, list[list[Item]]]:
        asked = [asyncio.ensure_future(_items(models, f"cloud@{version}")) for _ in range(3)]
        await slow.asked_for()
        meanwhile, *_ = await _items(models, f"client-0@{version}")
        slow.go.set()
        return meanwhile, await asyncio.gather(*asked)

    meanwhile, said = asyncio.run(ask())
    assert isinstance(meanwhile, Began)
    assert slow.waited == [True]
    assert all(isinstance(began, Began) and began.model == f"cloud@{version}" for began, *_ in said)


def test_an_asker_who_leaves_while_a_backbone_is_loaded_takes_it_from_nobody(models: Models, version: str) -> None:
    slow = Slow(models)

    async def ask() -> list[Item]:
        leaves, stays = (asyncio.ensure_future(_items(models, f"cloud@{version}")) for _ in range(2))
        await slow.asked_for()
        leaves.cancel()
        await asyncio.wait([leaves])
        slow.go.set()
        return await stays

    assert isinstance(asyncio.run(ask())[0], Began)


def test_a_backbone_that_could_not_be_loaded_is_tried_again(models: Models, version: str) -> None:
    make, faults = models.host.make_engine, [InputError("no memory")]

    def failing(lm: Backbone) -> Engine:
        if faults:
            raise faults.pop()
        return make(lm)

    models.host.make_engine = failing
    (refused,) = asyncio.run(_items(models, f"cloud@{version}"))
    assert refused == Refusal("input", "no memory")
    assert isinstance(asyncio.run(_items(models, f"cloud@{version}"))[0], Began)


def test_a_resident_model_answers_without_a_thread_in_between(
    models: Models, version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To wake a thread and be woken by it costs the first word a millisecond or more, where cores are busy."""
    asyncio.run(models.warm([f"cloud@{version}"]))
    monkeypatch.setattr(asyncio, "to_thread", lambda *_: pytest.fail("a thread was asked"))
    assert isinstance(asyncio.run(_items(models, f"cloud@{version}"))[0], Began)


def test_a_damaged_version_is_a_failure_and_whoever_starts_the_server_is_told_where(tmp_path: Path) -> None:
    run = spoken.run()
    version = adopt(run / "artifact", tmp_path / "store").version
    (tmp_path / "store" / version / "cloud" / "connector.safetensors").write_bytes(b"other bytes")
    models = Models(Hosting(str(tmp_path / "store"), threads=1))
    (found,) = asyncio.run(_items(models, f"cloud@{version}"))
    assert isinstance(found, Refusal)
    assert (found.kind, str(tmp_path) in found.message) == ("failed", False)
    warmed = asyncio.run(models.warm([f"cloud@{version}"]))
    assert warmed is not None
    assert str(tmp_path / "store" / version) in warmed.message
    models.close()
