"""A small language model with LoRA: the learning itself, on both cores and in cohorts."""

from typing import Any

from bench import captions
from bench.case import Case, Column, Contender, faster, runs
from mlecs_ray.scenario.overrides import apply

ABOUT = """Captions of `stamps` by the smallest healed language model, `edge-small`, with LoRA, encoders, fusion and a
soft prompt; 100 clients of 16 captions, 10 drawn at random per round, synchronous FedAvg, 4 local steps of batch 4, SGD
of rate 0.1, gradients clipped at 1. The plain loop is one thread: transformers' model with PEFT's LoRA parameters
changed in place by `torch.optim.SGD`, encoders, fusion and prompt by the same functions as ours, clients one after the
other. All start from the same weights. Milliseconds per client update are those of the rounds after the first,
without evaluation; beside it the negative log-likelihood of 64 held-out captions at the end (nats per token, with
dropout as in training)."""

PLAIN, RAY, TOGETHER = "plain loop, one thread", "ours, 2 Ray actors, one by one", "ours, 2 Ray actors, cohorts"
COHORT = 5
"""Half of a round, so that both actors have one."""


def ours(name: str, rounds: int, **runtime: Any) -> Contender:
    """The scenario on two actors with these keys of ``runtime``."""
    keys = {"backend": "ray", "actors": 2, **runtime}
    asked = apply(captions.scenario(rounds), {f"runtime.{key}": value for key, value in keys.items()})
    return runs(name, asked, nll=True)


def case(quick: bool) -> Case:
    """Ours and the plain loop."""
    rounds = 2 if quick else 7
    plain = Contender(PLAIN, "bench.plain_lora", {"scenario": captions.scenario(rounds).model_dump(mode="json")})
    contenders = (plain, ours(RAY, rounds), ours(TOGETHER, rounds, cohort=COHORT))
    columns = (
        Column("ms_per_update", "ms per update", ".4g"),
        Column("rounds", "rounds", ".0f"),
        Column("nll", "held-out nats per token", ".3f"),
    )
    targets = (faster(RAY, PLAIN, 1.8), faster(TOGETHER, PLAIN, 2.3))
    return Case("lora", "A small language model with LoRA", ABOUT, contenders, columns, targets)
