"""Accuracy and macro F1."""

import random

import pytest
import torch
from sklearn.metrics import accuracy_score, f1_score

from mlecs_ray.errors import InputError
from mlecs_ray.metrics.classify import accuracy, macro_f1
from mlecs_ray.samples import Samples


def labelled(*labels: int) -> Samples:
    return Samples({"x": torch.zeros(len(labels), 1)}, labels=torch.tensor(labels))


def test_accuracy_is_the_share_that_is_right():
    assert accuracy([0, 1, 1, 0], labelled(0, 1, 0, 0)) == 0.75


def test_macro_f1_gives_every_class_the_same_say():
    """Class 0: TP 2, FN 1, FP 0 -> 4/5; class 1: TP 1, FP 1, FN 0 -> 2/3; mean 11/15."""
    assert macro_f1([0, 1, 1, 0], labelled(0, 1, 0, 0)) == pytest.approx(11 / 15)


def test_an_answer_that_is_no_class_is_wrong_and_adds_no_class():
    """Class "fall": TP 1 -> F1 1; class "not": TP 0, FN 1 -> 0; mean 1/2."""
    samples = Samples({"x": torch.zeros(2, 1)}, texts=("fall", "not"))
    assert macro_f1(["Fall.", "perhaps"], samples) == pytest.approx(0.5)


@pytest.mark.parametrize("seed", range(20))
def test_both_are_scikit_learns_to_the_last_bit(seed):
    """Reference: ``accuracy_score``, and ``f1_score`` over the classes that occur; up to 12 of them, some missed."""
    rng = random.Random(seed)
    kinds = rng.randint(1, 12)
    truth, answers = ([rng.randrange(kinds) for _ in range(rng.randint(1, 400))] for _ in range(2))
    answers = (answers * len(truth))[: len(truth)]
    words = [str(label) for label in truth], [str(label) for label in answers]
    assert accuracy(answers, labelled(*truth)) == accuracy_score(*words)
    want = f1_score(*words, labels=sorted(set(words[0])), average="macro", zero_division=0)
    assert macro_f1(answers, labelled(*truth)) == want


def test_words_are_compared_without_case_and_full_stop():
    samples = Samples({"x": torch.zeros(1, 1)}, texts=("A brown  bear.",))
    assert accuracy(["a brown bear"], samples) == 1.0


def test_what_has_no_truth_cannot_be_judged():
    blank = Samples({"x": torch.zeros(1, 1)})
    with pytest.raises(InputError, match="no labels"):
        accuracy([0], blank)
    with pytest.raises(InputError, match="no texts"):
        accuracy(["bear"], blank)
