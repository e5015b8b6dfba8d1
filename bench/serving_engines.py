"""Tokens a second of both serving engines, in turns in one process: ``python -m bench.serving_engines``."""

import asyncio
import sys
import time
from collections.abc import Sequence
from importlib import metadata
from statistics import median

import torch

from bench.machine import describe
from mlecs_ray.models.lora import Backbone, LoRA, backbone, init_lora
from mlecs_ray.scenario.captions import find_slm
from mlecs_ray.serving.engine import Engine, TransformersEngine
from mlecs_ray.serving.sampling import Sampling
from mlecs_ray.tree import Tree

CASES = {"one answer": (1, 1), "8 at once, 1 adapter": (8, 1), "8 at once, 4 adapters": (8, 4)}
PROMPT, TOKENS, REPEATS, THREADS = 20, 32, 3, 2


def main(names: Sequence[str]) -> None:
    """Print a table for each language model."""
    from mlecs_ray.serving.llamacpp import LlamaCppEngine

    torch.set_num_threads(THREADS)
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in ("torch", "transformers", "llama-cpp-python"))
    print(f"{describe()}; {versions}; {THREADS} threads, float32, {TOKENS} tokens after {PROMPT}")
    for name in names:
        lm = backbone(str(find_slm(name)), LoRA())
        engines: dict[str, Engine] = {"transformers": TransformersEngine(lm), "llamacpp": LlamaCppEngine(lm)}
        for case, (many, sets) in CASES.items():
            for engine, rates in measured(lm, engines, many, sets).items():
                spread = f"{min(rates):.1f} .. {max(rates):.1f}"
                print(f"{name:12} {case:22} {engine:13} {median(rates):7.1f} tokens/s ({spread})", flush=True)
        for one in engines.values():
            one.close()


def measured(lm: Backbone, engines: dict[str, Engine], many: int, sets: int) -> dict[str, list[float]]:
    """By engine, each repetition's tokens a second; they take turns, as others may use the machine meanwhile."""
    adapters = [adapters_of(lm, seed) for seed in range(sets)]
    found: dict[str, list[float]] = {name: [] for name in engines}
    for turn in range(REPEATS + 1):
        for name, engine in engines.items():
            rate = asyncio.run(_rate(lm, engine, [adapters[i % sets] for i in range(many)]))
            # The first turn warms both up.
            found[name] += [rate] if turn else []
    return found


async def _rate(lm: Backbone, engine: Engine, adapters: Sequence[Tree]) -> float:
    start = time.perf_counter()
    tokens = await asyncio.gather(*(_answer(lm, engine, tree, seed) for seed, tree in enumerate(adapters)))
    return sum(tokens) / (time.perf_counter() - start)


async def _answer(lm: Backbone, engine: Engine, adapters: Tree, seed: int) -> int:
    prompt = 0.1 * torch.randn(PROMPT, lm.hidden, generator=torch.Generator().manual_seed(seed))
    return sum([piece.tokens async for piece in engine.stream(adapters, prompt, Sampling(TOKENS))])


def adapters_of(lm: Backbone, seed: int) -> Tree:
    """A set of adapters drawn by its seed, on the CPU."""
    draw = torch.Generator().manual_seed(seed)
    drawn = init_lora(dict.fromkeys(lm.leaves, draw))
    return {m: {**one, "B": 0.02 * torch.randn(one["B"].shape, generator=draw)} for m, one in drawn.items()}


if __name__ == "__main__":
    main(sys.argv[1:] or ("edge-small", "smollm2"))
