"""The engine without HTTP: tokens a second alone and together, adapters that come and go, and memory."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from bench.serving.bed import Bed
from bench.serving.figures import Found, at_least, at_most, median, none
from mlecs_ray.serving.host import Ask, Resident
from mlecs_ray.serving.turns import Turn
from mlecs_ray.tree import tree_map
from serve.models import Hosting, Models

QUESTION = Turn("user", "Tell me a long story about a cat, a dog and a small red house by the sea.")
TOKENS = 64


@dataclass(frozen=True)
class Said:
    """One answer."""

    text: str
    tokens: int
    seconds: float
    first_seconds: float


def question(seed: int = 0) -> Ask:
    """A story drawn at random, by its own seed, so hot that it seldom ends before its last token."""
    return Ask(turns=(QUESTION,), max_tokens=TOKENS, temperature=2.0, seed=seed)


def plain(number: int) -> Ask:
    """One of several questions, answered by the likeliest words as evaluation does: drawn ones differ where the last
    bits of a batch's sums do."""
    return Ask(
        turns=(Turn("user", f"Tell me about the number {number}, and what you would do with it."),), max_tokens=32
    )


async def say(models: Models, resident: Resident, ask: Ask) -> Said:
    """Ask the engine itself."""
    start, first, text, tokens = time.perf_counter(), 0.0, "", 0
    prompt = models.host.prompt(resident, ask)
    async for piece in models.host.engine(resident).stream(prompt.adapters, prompt.embeds, prompt.sampling):
        first = first or (time.perf_counter() - start if piece.text else 0.0)
        text, tokens = text + piece.text, tokens + piece.tokens
    return Said(text, tokens, time.perf_counter() - start, first)


async def together(models: Models, asked: Sequence[tuple[Resident, Ask]]) -> tuple[list[Said], float]:
    """All at once, and the tokens a second of all."""
    start = time.perf_counter()
    said = await asyncio.gather(*(say(models, resident, ask) for resident, ask in asked))
    return said, sum(one.tokens for one in said) / (time.perf_counter() - start)


def others(resident: Resident, count: int) -> list[Resident]:
    """The same model under adapters of its own each: the learned ones, moved at random by a tenth."""
    found = [resident]
    for seed in range(1, count):
        draw = torch.Generator().manual_seed(seed)
        moved = tree_map(
            lambda leaf, draw=draw: leaf + 0.1 * leaf.std() * torch.randn(leaf.shape, generator=draw),
            resident.params["lora"],
        )
        found.append(replace(resident, id=f"{resident.id}-{seed}", params={**resident.params, "lora": moved}))
    return found


def throughput(bed: Bed, repeats: int) -> list[Found]:
    """Eight streams of four adapters against one stream, for the cloud's model and for the edge's clients."""
    models = Models(Hosting(str(bed.store)))
    try:
        version = bed.bundle.version
        cloud = models.host.load(f"{bed.cloud.name}@{version}")
        edge = [models.host.load(f"{card.name}@{version}") for card in bed.clients[:4]]
        return [
            asyncio.run(_throughput(models, "the cloud's model", others(cloud, 4), repeats)),
            asyncio.run(_throughput(models, "four clients on the edge's backbone", edge, repeats)),
        ]
    finally:
        models.close()


async def _throughput(models: Models, title: str, residents: Sequence[Resident], repeats: int) -> Found:
    asked = [(residents[i % len(residents)], question(i)) for i in range(8)]
    exact = [(resident, plain(i)) for i, (resident, _) in enumerate(asked)]
    single = [(await say(models, *one)).text for one in exact]
    alone, many, wrong = [], [], 0
    for _ in range(repeats):
        alone.append((await together(models, asked[:1]))[1])
        many.append((await together(models, asked))[1])
        said, _ = await together(models, exact)
        wrong += sum(one.text != text for one, text in zip(said, single, strict=True))
    ratio = [m / a for m, a in zip(many, alone, strict=True)]
    return Found(
        f"Eight streams of four adapters: {title}",
        f"Stories of {TOKENS} tokens drawn at temperature 2, each by its own seed, after a prompt of some 40 tokens; "
        "float32, half of the cores. Whether answers are those of single runs is asked of eight other questions, by "
        "their likeliest words.",
        (
            median("one stream", alone, "tokens/s"),
            median("eight streams", many, "tokens/s"),
            median("ratio", ratio, "x"),
        ),
        (
            at_least("eight streams: times the tokens/s of one,", sorted(ratio)[len(ratio) // 2], 3.0),
            none("answer that is not what it is alone", wrong, 8 * repeats),
        ),
    )


def switching(bed: Bed, repeats: int) -> Found:
    """How much later a token comes when the adapter is another one than before, and how long a cold one takes."""
    models = Models(Hosting(str(bed.store)))
    try:
        return asyncio.run(_switching(models, bed, repeats))
    finally:
        models.close()


async def _switching(models: Models, bed: Bed, repeats: int) -> Found:
    version = bed.bundle.version
    first, second = (models.host.load(f"{card.name}@{version}") for card in bed.clients[:2])
    cold = []
    for card in [*bed.clients[2:8], bed.cloud]:
        start = time.perf_counter()
        models.host.load(f"{card.name}@{version}")
        cold.append(time.perf_counter() - start)
    one = replace(question(), max_tokens=1)
    await say(models, first, one)
    await say(models, second, one)
    same, other = [], []
    for _ in range(10 * repeats):
        same.append((await say(models, first, one)).seconds)
        other.append((await say(models, second, one)).seconds)
        await say(models, first, one)
    late = sorted(other)[len(other) // 2] - sorted(same)[len(same) // 2]
    ranks = bed.bundle.scenario.task.rank
    return Found(
        "Switching adapters",
        f"Seconds to one token by a client's model after its own and after another's answer; and reading a model from "
        f"the disk, connector and adapter of rank {ranks}, the cloud's among them.",
        (
            median("the same again", [1e3 * s for s in same], "ms"),
            median("another one", [1e3 * s for s in other], "ms"),
            median("cold", [1e3 * s for s in cold], "ms"),
        ),
        (
            at_most("a resident adapter comes later by", 1e3 * late, 5.0, "ms"),
            at_most("the slowest cold one takes", 1e3 * max(cold), 300.0, "ms"),
        ),
    )
