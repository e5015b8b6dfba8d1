"""Metrics of generated texts."""

import pytest
import torch

from mlecs_ray.errors import InputError
from mlecs_ray.metrics.text import bertscore_minilm, rouge_lsum, rouge_lsum_content
from mlecs_ray.samples import Samples


def said(*texts: str) -> Samples:
    return Samples({"x": torch.zeros(len(texts), 1)}, texts=texts)


def test_rouge_is_the_f1_of_the_longest_common_subsequence():
    """ "a brown bear" in "a big brown bear": 3 words in common, of 3 said and 4 asked: 2*3/(3+4) = 6/7."""
    assert rouge_lsum(["A brown bear."], said("A big brown bear.")) == pytest.approx(6 / 7)


def test_rouge_is_the_mean_over_the_samples():
    assert rouge_lsum(["A bear.", "x"], said("A bear.", "A spoon.")) == pytest.approx(0.5)


def test_articles_and_prepositions_alone_earn_nothing_of_the_content():
    """Rouge: "a ... of" is 2 of 4 words each; content: "pair jeans" against "cup tea" share none."""
    assert rouge_lsum(["A cup of tea."], said("A pair of jeans.")) == pytest.approx(0.5)
    assert rouge_lsum_content(["A cup of tea."], said("A pair of jeans.")) == 0.0


def test_content_keeps_words_that_only_begin_like_an_article():
    assert rouge_lsum_content(["An anthill on an island"], said("The anthill, the island")) == pytest.approx(1.0)


def test_an_empty_answer_scores_nothing():
    assert rouge_lsum([""], said("A bear.")) == 0.0


def test_samples_without_texts_cannot_be_judged_by_words():
    with pytest.raises(InputError, match="no texts"):
        rouge_lsum(["a"], Samples({"x": torch.zeros(1, 1)}))


@pytest.mark.slow
def test_bertscore_is_one_for_the_same_words_and_prefers_the_nearer_meaning():
    truth = said("A brown bear.")
    same, near, far = (bertscore_minilm([text], truth) for text in ("A brown bear.", "A grizzly.", "A silver spoon."))
    assert same == pytest.approx(1.0, abs=1e-4)
    assert same > near > far


@pytest.mark.slow
def test_an_answer_without_words_scores_nothing():
    two = said("A red truck.", "A bear.")
    whole, half = (bertscore_minilm(answers, two) for answers in (["A red truck.", "A bear."], ["A red truck.", ""]))
    assert half == pytest.approx(whole / 2, abs=1e-4)
    assert bertscore_minilm(["", " "], two) == 0.0
