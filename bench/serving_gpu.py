"""The default engine on a GPU beside the same machine's CPUs: ``python -m bench.serving_gpu``."""

import asyncio
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from statistics import median

import torch
from torch import Tensor

from bench.machine import describe
from bench.serving_engines import adapters_of
from mlecs_ray.models.lora import Backbone, LoRA, backbone
from mlecs_ray.scenario.captions import find_slm
from mlecs_ray.serving.engine import TransformersEngine
from mlecs_ray.serving.sampling import Sampling
from mlecs_ray.tree import tree_map

MANY = {"cpu": (1, 8), "cuda": (1, 8, 32, 128)}
"""Answers at once."""
SETS, TOKENS, REPEATS, ALONE = 4, 64, 5, 8
TOPICS = ("a cat", "the sea", "an old house", "the winter", "a train", "bread", "the moon", "a small town")


@dataclass(frozen=True)
class Said:
    """One answer."""

    text: str
    tokens: int
    first_seconds: float


class Bench:
    """One model on one device, whose answers are each asked for under one of four sets of adapters."""

    def __init__(self, name: str, device: str) -> None:
        self._lm = backbone(str(find_slm(name)), LoRA(), device)
        self._engine = TransformersEngine(self._lm, rows=max(MANY[device]))
        drawn = [adapters_of(self._lm, seed) for seed in range(SETS)]
        self._adapters = [tree_map(lambda leaf: leaf.to(device), tree) for tree in drawn]

    def ask(self, numbers: Sequence[int], sampling: Sampling) -> tuple[list[Said], float]:
        """The answers to these questions, all at once, and the tokens a second of all."""
        return asyncio.run(self._together(numbers, sampling))

    async def _together(self, numbers: Sequence[int], sampling: Sampling) -> tuple[list[Said], float]:
        start = time.perf_counter()
        said = await asyncio.gather(*(self._say(number, sampling) for number in numbers))
        return said, sum(one.tokens for one in said) / (time.perf_counter() - start)

    async def _say(self, number: int, sampling: Sampling) -> Said:
        start, first, text, tokens = time.perf_counter(), 0.0, "", 0
        adapters = self._adapters[number % SETS]
        async for piece in self._engine.stream(adapters, prompt(self._lm, number), sampling):
            first = first or time.perf_counter() - start
            text, tokens = text + piece.text, tokens + piece.tokens
        return Said(text, tokens, first)

    def close(self) -> None:
        """Stop the engine."""
        self._engine.close()


def prompt(lm: Backbone, number: int) -> Tensor:
    """A question, (t, hidden)."""
    told = f"Tell me a story about {TOPICS[number % len(TOPICS)]} and the number {number}.\n"
    ids = lm.tokenizer(told, add_special_tokens=False)["input_ids"]
    return lm.embed(torch.tensor(ids, device=lm.device))


def main(names: Sequence[str]) -> None:
    """Print a table for each language model: a name of ours, a folder, or a Hugging Face id."""
    devices = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
    gpu = torch.cuda.get_device_name() if "cuda" in devices else "no GPU"
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in ("torch", "transformers"))
    print(f"{gpu}; {describe()}; {versions}; {torch.get_num_threads()} threads, float32, {SETS} sets of adapters")
    for name in names:
        alone = {device: _table(name, device) for device in devices}
        same = sum(mine == theirs for mine, theirs in zip(*alone.values(), strict=True)) if len(alone) == 2 else 0
        print(f"{_short(name)} greedy answers of the GPU that are the CPU's: {same} of {len(alone['cpu'])}", flush=True)


def _table(name: str, device: str) -> list[str]:
    """Print tokens a second; the greedy answers of one at a time."""
    bench = Bench(name, device)
    greedy, drawn = Sampling(TOKENS), Sampling(TOKENS, temperature=2.0)
    alone = [bench.ask([number], greedy)[0][0].text for number in range(ALONE)]
    for many in MANY[device]:
        bench.ask(range(many), drawn)
        turns = [bench.ask(range(many), drawn) for _ in range(REPEATS)]
        rates, firsts = [rate for _, rate in turns], [one.first_seconds for said, _ in turns for one in said]
        texts = [one.text for one in bench.ask(range(min(many, len(alone))), greedy)[0]]
        other = sum(mine != theirs for mine, theirs in zip(texts, alone, strict=False))
        spread = f"({min(rates):.1f} .. {max(rates):.1f})"
        print(
            f"{_short(name)} {device:5} {many:4} at once {median(rates):8.1f} tokens/s {spread}, first token after "
            f"{1e3 * median(firsts):.0f} ms; {other} of {len(texts)} greedy answers differ from those alone",
            flush=True,
        )
    bench.close()
    return alone


def _short(name: str) -> str:
    return f"{Path(name).name:12}"


if __name__ == "__main__":
    main(sys.argv[1:] or ("smollm2",))
