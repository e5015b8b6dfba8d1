"""What the study compares."""

import pytest

from mlecs_ray.models.reid.distillation import Distillation
from scenarios.reproduce.cells import Cell
from scenarios.reproduce.plan import scenario_of
from scenarios.reproduce.reid.base import METRICS, PAIRS, SCENARIO
from scenarios.reproduce.reid.cells import LOSSES, RULES, WHOLE, table

CELLS = table(SCENARIO)


def cells(group: str) -> dict[str, Cell]:
    return {cell.name: cell for cell in CELLS if cell.group == group}


def test_all_pairs_are_measured_by_all_three_sides() -> None:
    assert len(PAIRS) == 12
    for pair in PAIRS:
        for side in ("", "_edgecloud", "_cloud"):
            assert f"map_{pair[0]}_{pair[1]}{side}" in METRICS


def test_the_first_rule_is_the_papers_and_all_weigh_the_same() -> None:
    papers = Distillation()
    assert RULES[WHOLE] == (papers.cm, papers.pcm, papers.fr)
    assert {round(sum(weights), 6) for weights in RULES.values()} == {0.99}


def test_every_subset_of_the_losses_is_there() -> None:
    used = [{i for i, weight in enumerate(weights) if weight} for weights in LOSSES.values()]
    assert len(used) == len({frozenset(one) for one in used}) == 7
    used = [{i for i, weight in enumerate(weights) if weight} for weights in RULES.values()]
    assert len(used) == len({frozenset(one) for one in used}) == 7


def test_who_is_not_taught_learns_as_long() -> None:
    alone = scenario_of(SCENARIO, cells("distillation")["alone"], 0).reid.student
    taught = scenario_of(SCENARIO, cells("distillation")[WHOLE], 0).reid.student
    assert (alone.taught_steps, alone.alone_steps) == (0, taught.alone_steps + taught.taught_steps)


@pytest.mark.parametrize("cell", CELLS, ids=lambda one: one.what)
def test_nothing_is_measured_that_needs_a_teacher_where_there_is_none(cell: Cell) -> None:
    scenario = scenario_of(SCENARIO, cell, 0)
    if not scenario.reid.student.taught_steps:
        assert not [name for name in scenario.evaluation.metrics if name.endswith("cloud")]


def test_seeds_test_on_other_people() -> None:
    folds = [scenario_of(SCENARIO, CELLS[0], seed).data.fold for seed in range(3)]
    assert folds == [0, 1, 2]


def test_only_the_fleet_has_time_to_learn() -> None:
    for cell in CELLS:
        scenario = scenario_of(SCENARIO, cell, 0)
        assert (scenario.merges is None) == (cell.group != "fleet")
