"""What all runs of the study of MLLMEmbed-ReID start from: what a cloud has before the first camera is switched on."""

from itertools import permutations

from mlecs_ray.scenario.config import (
    ClientsConfig,
    DataConfig,
    EvaluationConfig,
    LocalConfig,
    RuntimeConfig,
    Scenario,
    TaskConfig,
)
from mlecs_ray.server.schedule import Schedule

MODALITIES = ("ir", "rgb", "sketch", "text")
MAIN = (("text", "rgb"), ("ir", "rgb"), ("sketch", "rgb"))
"""What is asked for in what, in the paper: (query, gallery)."""
PAIRS = (*MAIN, *(pair for pair in permutations(MODALITIES, 2) if pair not in MAIN))
WITHIN = (("rgb", "rgb"), ("ir", "ir"))
"""Found again by another camera."""
SIDES = {"": "student in student", "_edgecloud": "student in teacher", "_cloud": "teacher in teacher"}
"""The end of a metric's name, and whose queries are looked for in whose gallery."""


def named(measure: str, pair: tuple[str, str] | None = None, side: str = "") -> str:
    """The metric's name."""
    return "_".join([measure, *(pair or ())]) + side


METRICS = tuple(
    named(measure, pair, side)
    for side in SIDES
    for measure, pairs in (
        ("map", (None, *PAIRS, *WITHIN)),
        ("rank1", (None, *PAIRS, *WITHIN)),
        ("minp", (None, *PAIRS)),
        ("rank5", MAIN),
        ("rank10", MAIN),
    )
    for pair in pairs
)
"""All that a run measures; the first decides."""
SCENARIO = Scenario(
    name="people",
    title="A teacher in the cloud and the student that it has taught find people again",
    # Nobody has time to learn anything more: what is measured is what the cloud begins with.
    seconds=1e-6,
    data=DataConfig(name="emojireid", test_share=0.25, public_share=0.7, per_client=2),
    clients=ClientsConfig(count=1),
    task=TaskConfig(kind="reid"),
    local=LocalConfig(optimizer="adamw", lr=1e-4, batch=12, clip=1.0),
    schedule=Schedule(concurrency=1, buffer=1),
    evaluation=EvaluationConfig(metrics=METRICS),
    runtime=RuntimeConfig(backend="local"),
)
"""2 rows of one client are the least that a fleet may have."""
