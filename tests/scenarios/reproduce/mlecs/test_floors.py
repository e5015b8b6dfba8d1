"""Simple rules on the folds of the runs, computed once."""

from pathlib import Path

import pytest

from mlecs_ray.scenario.config import Scenario
from mlecs_ray.scenario.overrides import apply
from scenarios.reproduce.mlecs.floors import fill, floors, key, reached
from scenarios.reproduce.store import Floors
from tests.scenarios.reproduce.fake import BASE, found, result
from tests.small import small_scenario


def test_rules_see_private_and_public_samples() -> None:
    """A tenth of the digits is of the commonest class; with more pictures the nearest is not worse."""
    scenario = small_scenario(data__public_share=0.7, evaluation__rows=100)
    reach = floors(scenario)
    assert set(reach) == {"constant", "nearest, image"}
    assert reach["nearest, image"]["accuracy"] > 0.95


def test_what_a_rule_cannot_see_has_no_floors_of_its_own() -> None:
    same = {"clients.masks.rate": 0.9, "method": "standalone", "local.lr": 1e-5, "seed": 4}
    assert key(apply(BASE, same)) == key(BASE)
    for other in ({"data.fold": 1}, {"task.answer": "class"}, {"evaluation.rows": 3}, {"data.test_share": 0.3}):
        assert key(apply(BASE, other)) != key(BASE)
    drawn = apply(BASE, {"data.fold": None})
    assert key(apply(drawn, {"seed": 4})) != key(drawn)


def test_each_fold_of_a_run_is_asked_once(tmp_path: Path) -> None:
    made = found(tmp_path, lambda cell, _: result({"0": 0.5}) if cell.group == "rates" else None)
    asked: list[int | None] = []

    def compute(scenario: Scenario) -> Floors:
        asked.append(scenario.data.fold)
        return {"constant": {"rouge_lsum": 0.1 * (scenario.seed + 1)}}

    fill(made, made.group("rates"), compute)
    assert asked == [0, 1]
    cell = made.group("rates")[0]
    assert reached(made, cell, "rouge_lsum") == {
        "constant": {(0, "constant"): 0.1, (1, "constant"): pytest.approx(0.2)}
    }
    assert reached(made, cell, "rouge_lsum_content") == {}


def test_where_nothing_was_run_nothing_is_asked(tmp_path: Path) -> None:
    made = found(tmp_path, lambda *_: None)
    fill(made, list(made.cells), lambda _: pytest.fail("asked"))
