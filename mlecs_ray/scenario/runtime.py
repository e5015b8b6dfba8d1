"""Where a scenario runs, as keys of it."""

from typing import Literal

from pydantic import BaseModel

from mlecs_ray.scenario.base import STRICT
from mlecs_ray.scenario.ranges import Count, Positive


class RuntimeConfig(BaseModel):
    """Where it runs. Nothing here changes what is learned, but for how cohorts, devices and ``precision`` round."""

    model_config = STRICT

    backend: Literal["local", "ray"] = "ray"
    """``local``: in one process; the same results."""
    actors: Count | None = None
    """Edge actors when packed; None: one per CPU."""
    clients_per_actor: Literal["auto"] | Count = "auto"
    """1: one Ray actor per client, with CPU, memory and custom resources from its budget."""
    actor_memory_mb: Positive = 400.0
    """What a dedicated actor reserves at most, in MB."""
    cohort: Count = 1
    """Train up to this many clients of one structure as one stacked computation; 1: one by one."""
    cohort_memory_mb: Positive = 2000.0
    """What a cohort may take: fewer clients train together where they need more."""
    device: Literal["cpu", "cuda"] = "cpu"
    """Where clients train; ``cuda``: actors share the machines' GPUs."""
    precision: Literal["highest", "medium"] = "highest"
    """How float32 matrices are multiplied: as they are, or (``medium``) in bfloat16 where the processor has units for
    it, where a language model in training also passes bfloat16 on: up to a half of its step is saved."""
    checkpoint_every: Count = 50
    """Merges from one checkpoint to the next."""
    address: str | None = None
    """A running Ray cluster; None: start one here."""
