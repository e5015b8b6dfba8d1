"""The risk / coverage curve of what is served."""

import math
from pathlib import Path

import pytest

from mlecs_ray.report.cascade import STORE, cascade_panels
from mlecs_ray.report.panel import Panel
from mlecs_ray.run.records import read_run
from mlecs_ray.serving.calibration import fit, save
from tests.report.synthetic import write_run

SCORES = [-float(i) for i in range(20)]
WORTH = [1.0 if i < 10 else 0.0 for i in range(20)]
"""The surer half is right."""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(tmp_path_factory.mktemp("run") / "small", clients=4)


def _panel(run: Path, share: float, cloud: list[float] | None) -> Panel:
    (run / STORE).mkdir(exist_ok=True)
    save({"edge-base": fit(SCORES, WORTH, cloud, share, "accuracy")}, run / STORE / "20-0123abcd")
    (panel,) = cascade_panels(read_run(run))
    return panel


def test_before_a_threshold_was_fitted_there_is_nothing_to_show(run: Path) -> None:
    assert cascade_panels(read_run(run)) == []


def test_the_risk_falls_where_the_edge_keeps_to_what_it_is_surest_of(run: Path) -> None:
    """Right in 10 of 20: risk 1/2 where it answers all, none where it answers the surer half; 1/3 of 15."""
    curve, dotted = _panel(run, 0.25, None).figure.data
    risks = dict(zip(curve.x, curve.y, strict=True))
    assert (risks[100], risks[50]) == (0.5, 0.0)
    assert risks[75] == pytest.approx(1 / 3)
    assert list(curve.x) == sorted(curve.x)
    assert not any(math.isnan(y) for y in curve.y)
    assert set(dotted.x) == {75.0}
    assert dotted.name == "edge-base, threshold -14.5"


def test_the_table_says_what_each_threshold_costs(run: Path) -> None:
    """The cloud is always worth 0.5: with half of the questions there, (10 + 10 * 0.5) / 20, so the risk is 0.25."""
    table = _panel(run, 0.3, [0.5] * 20).table
    assert table is not None
    assert table.header == ("model", "threshold", "to the cloud", "risk at the edge", "risk with the cloud", "n")
    assert table.rows == (
        ("edge-base", "none", "0.0%", "0.5", "0.5", "20 of 20"),
        ("edge-base", "-14.5", "25.0%", "0.333", "0.375", "15 of 20"),
        ("edge-base, chosen", "-13.5", "30.0%", "0.286", "0.35", "14 of 20"),
        ("edge-base", "-9.5", "50.0%", "0", "0.25", "10 of 20"),
        ("edge-base", "-4.5", "75.0%", "0", "0.375", "5 of 20"),
        ("edge-base", "above all", "100.0%", "-", "0.5", "0 of 20"),
    )


def test_a_share_that_leaves_the_edge_nothing_has_a_line_and_a_row_too(run: Path) -> None:
    panel = _panel(run, 1.0, None)
    assert set(panel.figure.data[1].x) == {0.0}
    assert panel.table is not None
    assert panel.table.rows[-1] == ("edge-base, chosen", "above all", "100.0%", "-", "-", "0 of 20")
