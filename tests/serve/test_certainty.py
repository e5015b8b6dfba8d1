"""A confidence is told of answers that are like those it was fitted to, and of no others."""

import math
from dataclasses import replace

import pytest
import torch

from mlecs_ray.samples import Samples
from mlecs_ray.serving.host import Ask
from mlecs_ray.serving.turns import Turn
from serve.certainty import certainty, cut, unlike
from tests.serve.fakes import FITTED

SENSED = Ask(Samples({"image": torch.zeros(1, 3)}))


def test_of_likeliest_words_about_what_is_sensed_it_is_told_with_its_threshold() -> None:
    assert unlike(SENSED) is None
    found = certainty(FITTED, SENSED, -0.5, "stop")
    assert found == {
        "score": -0.5,
        "confidence": pytest.approx(0.7),
        "threshold": pytest.approx(0.4),
        "threshold_score": -1.5,
    }


@pytest.mark.parametrize(
    "ask",
    [Ask(turns=(Turn("user", "hello"),)), Ask(SENSED.samples, temperature=0.1), Ask(SENSED.samples, stop=("\n",))],
)
def test_of_words_alone_of_drawn_answers_and_of_other_ends_only_the_score_is(ask: Ask) -> None:
    assert unlike(ask)
    assert certainty(FITTED, ask, -0.5, "stop") == {"score": -0.5}


def test_of_an_answer_that_the_asker_cut_short_only_the_score_is() -> None:
    short = Ask(SENSED.samples, max_tokens=2)
    assert certainty(FITTED, short, -0.5, "length") == {"score": -0.5}
    # It came to its own end before, or was cut where all are that thresholds were fitted to.
    assert cut(short, "stop") is None
    assert cut(SENSED, "length") is None


@pytest.mark.parametrize("threshold", [-math.inf, math.inf])
def test_where_all_or_none_are_asked_of_the_cloud_there_is_no_threshold_to_tell(threshold: float) -> None:
    assert certainty(replace(FITTED, threshold=threshold), SENSED, -0.5, "stop")["threshold_score"] is None


def test_without_a_calibration_or_words_there_is_none() -> None:
    assert certainty(None, SENSED, -0.5, "stop") == {"score": -0.5}
    assert certainty(FITTED, SENSED, None, None) == {"score": None}
