"""What simple rules reach without any training loop: a model that learned something must beat them."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import Ridge

from mlecs_ray.errors import InputError
from mlecs_ray.samples import Samples

Floats = NDArray[np.float64]


def rules(train: Samples, test: Samples) -> dict[str, list[Any]]:
    """The answers of every rule to ``test``, by name; the truth is ``texts`` where there are any, else ``labels``."""
    modalities = [m for m in sorted(train.modalities & test.modalities) if bool(train.present[m].any())]
    found = {"constant": constant(train, test)}
    found |= {f"nearest, {m}": nearest(train, test, m) for m in modalities}
    if not train.texts:
        return found
    found |= {"first word": first_word(train, test)}
    found |= {f"ridge, {m}": ridge(train, test, m) for m in modalities}
    return found | ({"ridge, all": ridge_all(train, test, modalities)} if len(modalities) > 1 else {})


def constant(train: Samples, test: Samples) -> list[Any]:
    """One answer for all: the commonest label, or the caption that shares the most words with the others."""
    if not train.texts:
        ((label, _),) = Counter(_truth(train)).most_common(1)
        return [label] * len(test)
    counts = Counter(word for text in train.texts for word in set(text.casefold().split()))
    best = max(train.texts, key=lambda text: _overlap(text, counts))
    return [best] * len(test)


def first_word(train: Samples, test: Samples) -> list[str]:
    """The commonest first word for all, in English an article: of a caption of two words it is already the half, and
    by Rouge a wrong noun beside it costs more than is gained unless one in three is right."""
    counts = Counter(word for text in train.texts for word in text.split()[:1])
    return [max(counts, key=lambda word: counts[word], default="")] * len(test)


def _overlap(text: str, counts: Counter[str]) -> float:
    words = text.casefold().split()
    return sum(counts[word] for word in set(words)) / max(len(words), 1)


def nearest(train: Samples, test: Samples, modality: str) -> list[Any]:
    """The caption or label of the training sample that is nearest by cosine in one modality.

    Samples without the modality get the constant answer; training samples without it are never found.
    """
    known = train.take(train.present[modality].nonzero().flatten())
    truth = _truth(known)
    found = _closest(_unit(_features(test, modality)), _unit(_features(known, modality)))
    return _else_constant(train, test, modality, [truth[i] for i in found])


def ridge(train: Samples, test: Samples, modality: str, penalty: float = 1.0) -> list[str]:
    """The training caption nearest to where a ridge regression from one modality points, in TF-IDF space.

    The features are divided by their mean length first, so that one ``penalty`` suits all modalities.
    """
    known = train.take(train.present[modality].nonzero().flatten())
    answers = _regressed(*_scaled(known, test, modality), known.texts, penalty)
    return _else_constant(train, test, modality, answers)


def ridge_all(train: Samples, test: Samples, modalities: Sequence[str], penalty: float = 1.0) -> list[str]:
    """As ``ridge``, from these modalities side by side; where a sample lacks one, zeros stand for it."""
    pairs = [_scaled(train, test, modality) for modality in modalities]
    known, asked = (np.concatenate(side, axis=1) for side in zip(*pairs, strict=True))
    return _regressed(known, asked, train.texts, penalty)


def _scaled(train: Samples, test: Samples, modality: str) -> tuple[Floats, Floats]:
    """One modality of both, divided by its mean length over the training samples that have it."""
    features = _features(train, modality)
    scale = float(np.linalg.norm(features[train.present[modality].numpy()], axis=1).mean()) or 1.0
    return features / scale, _features(test, modality) / scale


def _regressed(known: Floats, asked: Floats, texts: Sequence[str], penalty: float) -> list[str]:
    """For each row of ``asked`` the text whose TF-IDF is nearest to where the regression points."""
    captions: Floats = TfidfVectorizer(token_pattern=r"\w+").fit_transform(texts).toarray()
    guesses: Floats = Ridge(alpha=penalty).fit(known, captions).predict(asked)
    return [texts[i] for i in _closest(_unit(guesses), captions)]


def _truth(samples: Samples) -> Sequence[Any]:
    if samples.texts:
        return samples.texts
    if samples.labels is None:
        raise InputError("samples have neither texts nor labels, so no rule has anything to answer")
    labels: list[Any] = samples.labels.tolist()
    return labels


def _features(samples: Samples, modality: str) -> Floats:
    return np.asarray(samples.inputs[modality].flatten(1).numpy(), dtype=np.float64)


def _unit(rows: Floats) -> Floats:
    lengths: Floats = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.maximum(lengths, 1e-12)


def _closest(rows: Floats, candidates: Floats) -> list[int]:
    return [int(i) for i in (rows @ candidates.T).argmax(1)]


def _else_constant(train: Samples, test: Samples, modality: str, answers: Sequence[Any]) -> list[Any]:
    spare = constant(train, test)
    there = test.present[modality].tolist()
    return [answer if here else other for here, answer, other in zip(there, answers, spare, strict=True)]
