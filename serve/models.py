"""The models of one side, edge or cloud, as a replica holds them: asked by id, answering in plain values."""

import asyncio
import logging
import os
from collections import OrderedDict
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch

from mlecs_ray.errors import InputError
from mlecs_ray.samples import Samples
from mlecs_ray.serving.batcher import Piece
from mlecs_ray.serving.cost import token_flops
from mlecs_ray.serving.engine import Engine, Full, TransformersEngine
from mlecs_ray.serving.host import Ask, Host, MakeEngine, Resident, Unsound, Verdict, split_id
from mlecs_ray.serving.turns import Turn
from serve.trouble import Trouble, ours

WARM = Turn("user", "Hello")


@dataclass(frozen=True)
class Began:
    """The first item of a stream: who answers, from what."""

    model: str
    device: str
    prompt_tokens: int
    token_flops: float
    sensed: tuple[str, ...]
    masked: tuple[str, ...]
    """Modalities of the model that the request lacks."""


@dataclass(frozen=True)
class Refusal:
    """In place of an answer: errors cross processes as values, not as tracebacks."""

    kind: str
    """``input``, ``large``: the asker's to mend; ``full``: come again; ``failed``: ours; ``down``: nobody is there;
    ``late``: it took too long; ``unsound``: numbers that are none came of it, by the input or by the weights; ``role``:
    the key may not."""
    message: str


Item = Began | Piece | Refusal


@dataclass(frozen=True)
class Hosting:
    """How a replica serves."""

    store: str
    residents: int = 64
    """Models that stay in memory, the least recently asked leaving first."""
    rows: int = 8
    """Answers that run at once, on each backbone."""
    queue: int = 8
    """Answers that may wait, on each backbone."""
    context: int = 1024
    """Most tokens of a prompt and its answer together."""
    threads: int | None = None
    """Of torch; None: half of the cores, as two sides share them."""
    engine: Literal["transformers", "llamacpp"] = "transformers"
    device: Literal["cpu", "cuda"] = "cpu"
    """Where language models run."""


Load = Callable[[str], Awaitable[Resident]]


class Models:
    """One replica's models. ``load`` finds one by its id; the usual one keeps the last ``residents`` asked for."""

    away = False

    def __init__(self, hosting: Hosting, load: Load | None = None) -> None:
        torch.set_num_threads(hosting.threads or max(1, (os.cpu_count() or 1) // 2))
        self.host = Host(Path(hosting.store), _maker(hosting), hosting.context, hosting.device)
        self._most = hosting.residents
        self._residents: OrderedDict[str, asyncio.Task[Resident]] = OrderedDict()
        self._loading: dict[Any, asyncio.Task[Engine]] = {}
        """By what makes a backbone."""
        self._load = load or self._least_recent

    async def _least_recent(self, model: str) -> Resident:
        if model not in self._residents:
            self._residents[model] = asyncio.ensure_future(self.read(model))
            while len(self._residents) > self._most:
                self._residents.popitem(last=False)
        self._residents.move_to_end(model)
        task = self._residents[model]
        try:
            # Shielded: one asker who leaves must not take the model from the others.
            return await asyncio.shield(task)
        except Exception:
            self._residents.pop(model, None)
            raise

    async def read(self, model: str) -> Resident:
        """A model from the disk, whatever is resident. Raises Trouble where its version is damaged."""
        return await asyncio.to_thread(self._read, model)

    def _read(self, model: str) -> Resident:
        name, version = split_id(model)
        with ours(f"version {version}"):
            bundle = self.host.bundle(version)
        bundle.card(name)
        with ours(f"model {model}"):
            return self.host.load(model)

    async def engine(self, resident: Resident) -> Engine:
        """That of its backbone; while the first who asks for one has it loaded in a thread, others are answered."""
        found = self.host.ready(resident)
        return found if found is not None else await self._loaded(resident)

    async def _loaded(self, resident: Resident) -> Engine:
        kind = resident.kind
        if kind not in self._loading:
            self._loading[kind] = asyncio.ensure_future(asyncio.to_thread(self.host.engine, resident))
            self._loading[kind].add_done_callback(lambda _: self._loading.pop(kind))
        # One for all who wait, as each would take a thread from those who read models; shielded as above.
        return await asyncio.shield(self._loading[kind])

    async def stream(self, model: str, ask: Ask) -> AsyncGenerator[Item]:
        """``Began``, then pieces; or a refusal. To close it frees the answer's place."""
        try:
            resident = await self._load(model)
            engine = await self.engine(resident)
            prompt = self.host.prompt(resident, ask)
            began = self._began(resident, ask, len(prompt.embeds))
            async with aclosing(engine.stream(prompt.adapters, prompt.embeds, prompt.sampling)) as pieces:
                async for item in _begun(began, pieces):
                    yield item
        except Exception as error:
            yield refusal(error)

    def _began(self, resident: Resident, ask: Ask, tokens: int) -> Began:
        there = ask.samples.modalities if ask.samples is not None else frozenset[str]()
        mine = resident.card.modalities
        return Began(
            resident.id,
            resident.card.device,
            tokens,
            token_flops(self.host.backbone(resident)),
            tuple(m for m in mine if m in there),
            tuple(m for m in mine if m not in there),
        )

    async def classify(self, model: str, samples: Samples) -> Verdict | Refusal:
        """The class of one row."""
        try:
            return self.host.classify(await self._load(model), samples)
        except Exception as error:
            return refusal(error)

    async def embed(self, model: str, samples: Sequence[Samples]) -> list[list[float]] | Refusal:
        """``fused_repr`` of each row, 256 numbers at length 1."""
        try:
            resident = await self._load(model)
            return await asyncio.to_thread(lambda: [self.host.embed(resident, one).tolist() for one in samples])
        except Exception as error:
            return refusal(error)

    async def embed_text(self, model: str, texts: Sequence[str]) -> list[list[float]] | Refusal:
        """What texts say, in the same space."""
        try:
            found = await asyncio.to_thread(self.host.embed_text, await self._load(model), texts)
            vectors: list[list[float]] = found.tolist()
            return vectors
        except Exception as error:
            return refusal(error)

    async def warm(self, models: Sequence[str]) -> Refusal | None:
        """Load these, and say one token by each that answers in words, so that the first asker need not wait."""
        for model in models:
            try:
                resident = await self._load(model)
                if resident.bundle.searcher is not None:
                    await asyncio.to_thread(self.host.searchers.warm, resident)
                if resident.captioner is not None:
                    engine = await self.engine(resident)
                    prompt = self.host.prompt(resident, Ask(turns=(WARM,), max_tokens=1))
                    async for _ in engine.stream(prompt.adapters, prompt.embeds, prompt.sampling):
                        pass
            except Trouble as error:
                # Whoever starts a server, or puts a version on trial, is who can mend it.
                return Refusal("failed", str(error))
            except Exception as error:
                return refusal(error)
        return None

    @property
    def load(self) -> int:
        """Answers under way or waiting."""
        return self.host.busy

    def close(self) -> None:
        """Stop the engines."""
        self.host.close()


def _maker(hosting: Hosting) -> MakeEngine:
    """llama.cpp is an extra, which need not be installed."""
    if hosting.engine == "llamacpp":
        from mlecs_ray.serving.llamacpp import LlamaCppEngine

        return lambda lm: LlamaCppEngine(lm, hosting.rows, hosting.queue, hosting.context)
    return lambda lm: TransformersEngine(lm, hosting.rows, hosting.queue, hosting.context)


async def _begun(began: Began, pieces: AsyncGenerator[Piece]) -> AsyncGenerator[Item]:
    """``began`` when the first piece is there: an engine that is full or fails before it has not begun."""
    untold: Began | None = began
    async for piece in pieces:
        if piece.finish == "error":
            yield Refusal("failed", f"{began.model} failed while it answered; its log says why")
            return
        if untold is not None:
            yield untold
            untold = None
        yield piece


def refusal(error: Exception) -> Refusal:
    """What an asker is told of it; what is ours to mend goes to the log whole."""
    if isinstance(error, Trouble):
        if error.kind == "failed":
            logging.getLogger(__name__).error("a request failed: %s", error)
        return Refusal(error.kind, error.shown)
    if isinstance(error, Unsound):
        return Refusal("unsound", str(error))
    if isinstance(error, InputError):
        # What is read of a request says which status it is worth.
        return Refusal("large" if getattr(error, "status", 400) == 413 else "input", str(error))
    if isinstance(error, Full):
        return Refusal("full", str(error))
    logging.getLogger(__name__).exception("a request failed", exc_info=error)
    return Refusal("failed", f"{type(error).__name__} while answering; the log says more")
