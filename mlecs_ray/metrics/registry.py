"""The metrics by name."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from mlecs_ray.data.reid.trials import Trial
from mlecs_ray.errors import InputError
from mlecs_ray.metrics.classify import accuracy, macro_f1
from mlecs_ray.metrics.search import MEASURES, Floats, is_search, searched
from mlecs_ray.metrics.text import bertscore_minilm, rouge_lsum, rouge_lsum_content
from mlecs_ray.samples import Samples

Metric = Callable[[Sequence[Any], Samples], float]
"""Predictions and the samples they are about, to one number; higher is better, in all that ship."""

METRICS: Mapping[str, Metric] = {
    "accuracy": accuracy,
    "macro_f1": macro_f1,
    "rouge_lsum": rouge_lsum,
    "rouge_lsum_content": rouge_lsum_content,
    "bertscore_minilm": bertscore_minilm,
}
"""What ``measure`` knows beside those of ``search``."""
# A run records these too, and of them less is better.
_COSTS = ("loss", "seconds", "bytes", "joules", "staleness", "flops")


def measure(
    names: Sequence[str],
    predictions: Sequence[Any],
    samples: Samples,
    cloud: Mapping[str, Floats] | None = None,
    trials: Sequence[Trial] = (),
) -> dict[str, float]:
    """Each named metric of these predictions; where people are searched for, ``cloud`` is what its teacher made of the
    samples, and ``trials`` how they are searched for (``searched``).

    Raises InputError for an unknown name, or where the counts differ.
    """
    check_names(names)
    if len(predictions) != len(samples):
        raise InputError(f"{len(predictions)} predictions for {len(samples)} samples cannot be paired, so none count")
    found = searched([name for name in names if is_search(name)], predictions, samples, cloud, trials)
    return found | {name: METRICS[name](predictions, samples) for name in names if not is_search(name)}


def check_names(names: Iterable[str]) -> None:
    """Raise InputError, with the nearest name, for a metric that does not exist."""
    for name in names:
        if name not in METRICS and not is_search(name):
            known = [*METRICS, *MEASURES]
            near = get_close_matches(name, known, 1) or sorted(known)
            raise InputError(f"metric {name!r} is unknown, so nothing was measured; did you mean {' or '.join(near)}?")


def higher_is_better(name: str) -> bool:
    """Whether more of it is better."""
    return not any(cost in name for cost in _COSTS)
