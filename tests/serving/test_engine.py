"""The batcher in a thread, asked from an event loop."""

import asyncio
from collections.abc import AsyncGenerator, Iterator

import pytest
import torch

from mlecs_ray.models.lora import LoRA, backbone, init_lora
from mlecs_ray.serving.batcher import Piece
from mlecs_ray.serving.engine import Full, TransformersEngine, joined
from mlecs_ray.serving.sampling import Sampling
from tests.models import tiny


@pytest.fixture
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TransformersEngine]:
    lm = backbone(tiny.folder(tmp_path_factory.mktemp("slm")), LoRA(rank=2))
    made = TransformersEngine(lm, rows=2, queue=1, context=4096)
    yield made
    made.close()


def _asked(engine: TransformersEngine, most: int) -> AsyncGenerator[Piece]:
    lm = engine._batcher.lm
    draw = torch.Generator().manual_seed(0)
    # Never the end of a text: temperature 2 over bytes.
    return engine.stream(
        init_lora(dict.fromkeys(lm.leaves, draw)), torch.randn(3, lm.hidden, generator=draw), Sampling(most, 2.0)
    )


def test_pieces_come_to_their_end(engine: TransformersEngine) -> None:
    async def ask() -> list[Piece]:
        pieces = [piece async for piece in _asked(engine, 5)]
        # Its row is freed at the end of the step in which the last piece was said.
        async with asyncio.timeout(10):
            while engine.load:
                await asyncio.sleep(0)
        return pieces

    pieces = asyncio.run(ask())
    assert pieces[-1].finish in ("length", "stop")
    assert sum(piece.tokens for piece in pieces) <= 5


def test_one_too_many_is_refused_at_once_and_a_place_comes_free_when_someone_leaves(engine: TransformersEngine) -> None:
    async def ask() -> None:
        streams = [_asked(engine, 4000) for _ in range(3)]
        for stream in streams[:2]:
            await anext(stream)
        third = asyncio.ensure_future(anext(streams[2]))
        await asyncio.sleep(0)
        with pytest.raises(Full, match="3 answers are under way or waiting"):
            await anext(_asked(engine, 1))
        await streams[0].aclose()
        assert (await asyncio.wait_for(third, 30)).tokens >= 1
        for stream in streams[1:]:
            await stream.aclose()

    asyncio.run(ask())


def test_a_step_that_fails_ends_the_answers_and_not_the_engine(
    engine: TransformersEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def ask() -> list[Piece]:
        return [piece async for piece in _asked(engine, 3)]

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("out of memory")

    with monkeypatch.context() as patch:
        patch.setattr(type(engine._batcher), "_read", broken)
        assert asyncio.run(ask())[-1].finish == "error"
    assert asyncio.run(ask())[-1].finish in ("length", "stop")


def test_a_closed_engine_takes_no_more_questions(engine: TransformersEngine) -> None:
    engine.close()
    with pytest.raises(Full, match="closing"):
        asyncio.run(anext(_asked(engine, 1)))  # type: ignore[arg-type]


def test_pieces_that_nobody_took_in_time_come_as_one() -> None:
    assert joined(Piece("a", 1, -1.0), Piece("b", 2, -0.5, "stop")) == Piece("ab", 3, -1.5, "stop")
