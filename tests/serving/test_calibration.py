"""Certainty in units of worth, and the threshold for a share of questions."""

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from mlecs_ray.errors import InputError
from mlecs_ray.serving.calibration import file_of, fit, newest, read, save

SCORES = [-float(i) for i in range(20)]
WORTH = [1.0 if i < 10 else 0.0 for i in range(20)]


def test_the_threshold_leaves_the_stated_share_to_the_cloud() -> None:
    """Of 20 scores 0 .. -19 a quarter, five, lies below the middle of -14 and -15."""
    found = fit(SCORES, WORTH, None, 0.25, "accuracy")
    assert found.threshold == -14.5
    assert sum(not found.sure(score) for score in SCORES) == 5


def test_confidence_is_what_such_answers_were_worth_and_never_falls_with_the_score() -> None:
    found = fit(SCORES, WORTH, None, 0.5, "accuracy")
    assert found.confidence(-1.0) == 1.0
    assert found.confidence(-18.0) == 0.0
    told = [found.confidence(score / 2) for score in range(-40, 2)]
    assert told == sorted(told)


def test_all_or_nothing() -> None:
    assert fit(SCORES, WORTH, None, 0.0, "accuracy").threshold == -math.inf
    assert fit(SCORES, WORTH, None, 1.0, "accuracy").threshold == math.inf


def test_the_curve_says_what_the_edge_answers_itself_is_worth_and_the_cascade() -> None:
    """The cloud is always worth 0.5: where the worse half goes to it, the mean is (10 + 10 * 0.5) / 20."""
    found = fit(SCORES, WORTH, [0.5] * 20, 0.5, "accuracy")
    half = next(point for point in found.curve if point.coverage == 0.5)
    assert (half.quality, half.cascade) == (1.0, 0.75)
    assert (found.curve[0].coverage, found.curve[0].quality, found.curve[0].cascade) == (1.0, 0.5, 0.5)
    assert found.curve[-1].cascade == 0.5


@pytest.mark.parametrize("share", [0.0, 0.25, 0.33, 1.0])
def test_the_curve_has_the_threshold_that_was_chosen(share: float) -> None:
    """Of 20 rows 0.33 are seven, which no step of the curve by itself leaves to the cloud."""
    found = fit(SCORES, WORTH, [0.5] * 20, share, "accuracy")
    assert found.chosen is not None
    assert (found.chosen.threshold, found.chosen.coverage) == (found.threshold, 1 - round(20 * share) / 20)
    thresholds = [point.threshold for point in found.curve]
    assert thresholds == sorted(set(thresholds))
    assert replace(found, curve=()).chosen is None


def test_the_newest_version_is_that_with_most_merges(tmp_path: Path) -> None:
    """Numbers, not words: 9 comes before 20."""
    found = fit(SCORES, WORTH, None, 0.3, "accuracy")
    assert newest(tmp_path) is None
    for version in ("9-0123abcd", "20-0123abcd", "12-0123abcd"):
        save({version: found}, tmp_path / version)
    last = newest(tmp_path)
    assert last is not None
    assert (last[0], list(last[1])) == ("20-0123abcd", ["20-0123abcd"])


@pytest.mark.parametrize("text", ["{", "[]", '{"edge": {}}', '{"edge": 1}'])
def test_a_damaged_file_says_how_to_have_it_anew(tmp_path: Path, text: str) -> None:
    file_of(tmp_path / "20-abc").write_text(text)
    with pytest.raises(InputError, match=r"20-abc\.calibration\.json is damaged .*: remove it, and `mlecs serve` fits"):
        read(tmp_path / "20-abc")


def test_it_is_read_as_it_was_written(tmp_path: Path) -> None:
    found = fit(SCORES, WORTH, [0.5] * 20, 0.3, "accuracy")
    save({"edge": found}, tmp_path / "20-abc")
    again = read(tmp_path / "20-abc")["edge"]
    assert (again.scores, again.worth, again.threshold) == (found.scores, found.worth, found.threshold)
    assert read(tmp_path / "nowhere") == {}


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_thresholds_that_nobody_reaches_are_json_too(tmp_path: Path, share: float) -> None:
    """Browsers and jq know no Infinity and no NaN; an empty share of the curve has no worth."""
    found = fit(SCORES, WORTH, None, share, "accuracy")
    save({"edge": found}, tmp_path / "20-abc")
    json.loads(file_of(tmp_path / "20-abc").read_text(), parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    again = read(tmp_path / "20-abc")["edge"]
    assert again.threshold == found.threshold
    assert math.isnan(again.curve[-1].quality)
    assert again.curve[:-1] == found.curve[:-1]


def test_too_few_answers_and_shares_that_are_none_are_refused() -> None:
    with pytest.raises(InputError, match="3 held-out answers are fewer than 10"):
        fit(SCORES[:3], WORTH[:3], None, 0.3, "accuracy")
    with pytest.raises(InputError, match=r"cloud share=1.2 must lie in 0..1"):
        fit(SCORES, WORTH, None, 1.2, "accuracy")
