"""Thresholds of a cascade from data that nobody has learned from: half of the test rows fit them, half check them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch

from mlecs_ray.metrics.registry import measure
from mlecs_ray.run.artifact import Card, captioner_of
from mlecs_ray.run.bundle import Bundle
from mlecs_ray.samples import Samples
from mlecs_ray.serving.batcher import Batcher, Piece
from mlecs_ray.serving.calibration import Calibration, fit
from mlecs_ray.serving.sampling import Sampling

ROWS = 32
"""Answers that run at once."""
SET_WIDE = frozenset({"macro_f1"})
"""Metrics that mean nothing of one answer; there, whether it is right counts."""


@dataclass(frozen=True)
class Outcome:
    """What a model said of some rows: how sure it was of each, and what each was worth."""

    texts: tuple[str, ...]
    scores: tuple[float, ...]
    worth: tuple[float, ...]
    tokens: int


def fitting(test: Samples) -> Samples:
    """The rows that thresholds are fitted to."""
    return test.take(range(0, len(test), 2))


def checking(test: Samples) -> Samples:
    """The rows that show what they are worth."""
    return test.take(range(1, len(test), 2))


def metric_of(bundle: Bundle) -> str:
    """What one answer is worth by: the run's own target, where that can be said of one."""
    evaluation = bundle.scenario.evaluation
    name = evaluation.target or evaluation.metrics[0]
    return "accuracy" if name in SET_WIDE else name


@torch.no_grad()
def answers(bundle: Bundle, card: Card, samples: Samples) -> Outcome:
    """What a model says of samples on its own scale. Rows of which it senses nothing are answered all the same."""
    from mlecs_ray.models.lora import backbone

    task, client, params = captioner_of(bundle.task), bundle.client(card), bundle.params(card)
    assert task is not None
    lm = backbone(task.structure(client).slm, task.lora)
    prompts = task.prompts(params, samples.only(card.modalities), client)
    batcher, found = Batcher(lm, ROWS), [list[Piece]() for _ in range(len(samples))]
    for prompt, pieces in zip(prompts, found, strict=True):
        batcher.submit(params["lora"], prompt, Sampling(task.max_tokens, line=True), pieces.append)
    while batcher.step():
        pass
    texts = tuple("".join(piece.text for piece in pieces) for pieces in found)
    scores = tuple(sum(p.logprob for p in pieces) / sum(p.tokens for p in pieces) for pieces in found)
    tokens = sum(piece.tokens for pieces in found for piece in pieces)
    return Outcome(texts, scores, tuple(_worth(metric_of(bundle), texts, samples)), tokens)


def _worth(metric: str, texts: Sequence[str], samples: Samples) -> Iterator[float]:
    for row, text in enumerate(texts):
        yield measure([metric], [text], samples.take([row]))[metric]


def calibrate(
    bundle: Bundle, names: Sequence[str], share: float, test: Samples, cloud: Card | None = None
) -> dict[str, Calibration]:
    """A threshold for each of these edge models, so that ``share`` of the questions goes to the cloud.

    ``cloud``: the model that answers as the cloud, where it is not the run's own.
    """
    rows, above = fitting(test), cloud or bundle.cloud
    theirs = None if above is None else answers(bundle, above, rows).worth
    found = {}
    for name in names:
        own = answers(bundle, bundle.card(name), rows)
        fitted = fit(own.scores, own.worth, theirs, share, metric_of(bundle))
        found[name] = replace(fitted, cloud=None if above is None else above.name)
    return found
