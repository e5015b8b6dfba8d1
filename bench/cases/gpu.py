"""Cohorts on a GPU."""

from typing import Any

from bench import captions
from bench.case import Case, Column, Contender, faster, runs
from mlecs_ray.scenario.overrides import apply

COHORT = 64
ONE_BY_ONE, TOGETHER = "ours on cuda, one by one", f"ours on cuda, a cohort of {COHORT}"
ABOUT = f"""The task of `lora` with {COHORT} clients, all of them in every round, in one process on one GPU."""


def ours(name: str, rounds: int, cohort: int) -> Contender:
    """The scenario on the GPU."""
    keys: dict[str, Any] = {"runtime.device": "cuda", "runtime.cohort": cohort, "runtime.cohort_memory_mb": 40_000}
    asked = apply(captions.scenario(rounds, per_round=COHORT, clients=COHORT), keys)
    return runs(name, asked, nll=True)


def obstacle() -> str | None:
    """Asked when the case runs, as torch takes seconds to import."""
    import torch

    return None if torch.cuda.is_available() else "this machine has no GPU that torch can use"


def case(quick: bool) -> Case:
    """One by one, and together."""
    rounds = 2 if quick else 6
    contenders = (ours(ONE_BY_ONE, rounds, 1), ours(TOGETHER, 3 * rounds, COHORT))
    columns = (
        Column("ms_per_update", "ms per update"),
        Column("rounds", "rounds", ".0f"),
        Column("nll", "held-out nats per token", ".3f"),
    )
    targets = (faster(TOGETHER, ONE_BY_ONE, 8.0),)
    return Case("gpu", "Cohorts on a GPU", ABOUT, contenders, columns, targets, obstacle=obstacle)
