"""A confidence is told of answers that are like those it was fitted to, and of no others."""

import pytest
import torch

from mlecs_ray.samples import Samples
from mlecs_ray.serving.host import Ask, Turn
from serve.certainty import certainty, unlike
from tests.serve.fakes import FITTED

SENSED = Ask(Samples({"image": torch.zeros(1, 3)}))


def test_of_likeliest_words_about_what_is_sensed_it_is_told_with_its_threshold() -> None:
    assert unlike(SENSED) is None
    found = certainty(FITTED, SENSED, -0.5)
    assert found == {"score": -0.5, "confidence": pytest.approx(0.7), "threshold": pytest.approx(0.4)}


@pytest.mark.parametrize("ask", [Ask(turns=(Turn("user", "hello"),)), Ask(SENSED.samples, temperature=0.1)])
def test_of_words_alone_and_of_drawn_answers_only_the_score_is(ask: Ask) -> None:
    assert unlike(ask)
    assert certainty(FITTED, ask, -0.5) == {"score": -0.5}


def test_without_a_calibration_or_words_there_is_none() -> None:
    assert certainty(None, SENSED, -0.5) == {"score": -0.5}
    assert certainty(FITTED, SENSED, None) == {"score": None}
