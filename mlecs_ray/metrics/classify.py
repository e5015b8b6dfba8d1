"""Right and wrong: accuracy and macro F1, for class indices and for answers in words alike."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from mlecs_ray.errors import InputError
from mlecs_ray.samples import Samples


def accuracy(predictions: Sequence[Any], samples: Samples) -> float:
    """Share of the samples that are answered with their label (or text)."""
    truth, answers = _pairs(predictions, samples)
    return sum(map(str.__eq__, truth, answers)) / len(truth)


def macro_f1(predictions: Sequence[Any], samples: Samples) -> float:
    """Mean over the classes that occur of ``2 TP / (2 TP + FP + FN)``; a class nobody answers counts 0."""
    truth, answers = _pairs(predictions, samples)
    right = Counter(word for word, answer in zip(truth, answers, strict=True) if word == answer)
    wanted, given = Counter(truth), Counter(answers)
    return float(np.mean([2 * right[word] / (wanted[word] + given[word]) for word in sorted(wanted)]))


def _pairs(predictions: Sequence[Any], samples: Samples) -> tuple[list[str], list[str]]:
    """Truths and answers as words: a generated "fall." and the class "Fall" are the same answer."""
    truth: Sequence[Any] = samples.texts
    if predictions and not isinstance(predictions[0], str):
        if samples.labels is None:
            raise InputError("samples have no labels, so class answers cannot be judged; use a metric of texts")
        truth = samples.labels.tolist()
    elif not truth:
        raise InputError("samples have no texts, so answers in words cannot be judged; use a classifier")
    return [_word(value) for value in truth], [_word(value) for value in predictions]


def _word(value: object) -> str:
    return " ".join(str(value).casefold().strip(" .!\n").split())
