"""Plots are XML with readable axes."""

from xml.etree import ElementTree

import numpy as np
import pytest

from mlecs_ray.report.curves import Band
from scenarios.reproduce.plot import Axis, axis, bars, lines, nice
from scenarios.reproduce.statistics import Spread

SVG = "{http://www.w3.org/2000/svg}"


def band(*values: float) -> Band:
    mean = np.array(values)
    return Band(np.arange(len(values)) * 5.0, mean, mean - 0.01, mean + 0.01)


@pytest.mark.parametrize(("step", "rounded"), [(0.03, 0.05), (1.0, 1.0), (1.2, 2.0), (7.0, 10.0), (0.0, 1.0)])
def test_steps_are_1_2_or_5(step: float, rounded: float) -> None:
    assert nice(step) == pytest.approx(rounded)


def test_an_axis_goes_from_a_round_value_to_a_round_value() -> None:
    """0.31 / 6 is 0.052, so the step is 0.1."""
    assert axis([0.12, 0.31], 100.0, 0.0, zero=True) == Axis(0.0, 0.4, 100.0, 0.0)
    assert Axis(0.0, 0.4, 100.0, 0.0).at(0.1) == 75.0
    assert axis([0.3, 0.3], 0.0, 1.0, zero=False).high > 0.3


def test_ticks_are_on_the_axis() -> None:
    assert Axis(0.0, 0.4, 0.0, 1.0).ticks() == [0.0, 0.1, 0.2, 0.3, 0.4]


def test_bars_stand_in_groups_with_deviations_and_a_legend() -> None:
    series = {"ours": [Spread(0.4, 0.05, 3), None], "R & D": [Spread(0.2, None, 1), Spread(0.3, 0.0, 2)]}
    root = ElementTree.fromstring(bars("Title", "Rouge", ["0.5", "0.7"], series))
    drawn = [one for one in root.iter(f"{SVG}rect") if one.get("fill") not in ("white",)]
    assert len(drawn) == 2 + 3
    texts = [one.text for one in root.iter(f"{SVG}text")]
    assert {"Title", "Rouge", "0.5", "0.7", "ours", "R & D", "0", "0.1"} <= set(texts)
    assert len([one for one in root.iter(f"{SVG}line") if one.get("stroke") == "#222"]) == 3


def test_the_name_of_a_group_may_have_two_lines() -> None:
    root = ElementTree.fromstring(bars("t", "y", ["emoji,\n20 classes"], {"x": [Spread(1.0, None, 1)]}))
    by = {one.text: one for one in root.iter(f"{SVG}text")}
    assert by["emoji,"].get("x") == by["20 classes"].get("x")
    assert float(by["20 classes"].get("y", 0)) > float(by["emoji,"].get("y", 0))


def test_a_bar_of_twice_the_value_is_twice_as_high() -> None:
    root = ElementTree.fromstring(bars("t", "y", ["a"], {"x": [Spread(0.2, None, 1)], "z": [Spread(0.4, None, 1)]}))
    heights = [float(one.get("height", 0)) for one in root.iter(f"{SVG}rect")][-2:]
    assert heights[1] == pytest.approx(2 * heights[0], abs=0.11)


def test_curves_have_their_points_and_bands() -> None:
    root = ElementTree.fromstring(lines("Title", "virtual seconds", "Rouge", {"a": band(0.1, 0.2), "b": band()}))
    assert len(list(root.iter(f"{SVG}polyline"))) == 1
    assert len(list(root.iter(f"{SVG}circle"))) == 2
    assert "virtual seconds" in [one.text for one in root.iter(f"{SVG}text")]


def test_a_long_legend_takes_more_lines() -> None:
    few = ElementTree.fromstring(bars("t", "y", ["a"], {"x": [Spread(1.0, None, 1)]}))
    many = ElementTree.fromstring(bars("t", "y", ["a"], {f"a long name {i}": [Spread(1.0, None, 1)] for i in range(9)}))
    tops = [min(float(one.get("y1", 0)) for one in root.iter(f"{SVG}line")) for root in (few, many)]
    assert tops[1] > tops[0]


def test_nothing_can_be_drawn() -> None:
    assert ElementTree.fromstring(bars("t", "y", [], {})) is not None
    assert ElementTree.fromstring(lines("t", "x", "y", {})) is not None
