"""What holds for the table of every study."""

import pytest

from scenarios.reproduce.cells import Cell
from scenarios.reproduce.options import STUDIES
from scenarios.reproduce.plan import scenario_of
from scenarios.reproduce.study import study_of
from tests.scenarios.reproduce import fake
from tests.scenarios.reproduce.eclm import fake as adapting
from tests.scenarios.reproduce.reid import fake as searching

BASES = {"mlecs": fake.BASE, "eclm": adapting.BASE, "reid": searching.BASE}
CELLS = {name: study_of(name).table(base) for name, base in BASES.items()}
BOTH = [(name, one) for name, cells in CELLS.items() for one in (*cells, *study_of(name).quick())]


def test_every_study_is_tried_here() -> None:
    assert set(BASES) == set(STUDIES)


@pytest.mark.parametrize("name", STUDIES)
def test_every_group_is_there_in_its_order(name: str) -> None:
    assert tuple(dict.fromkeys(one.group for one in CELLS[name])) == STUDIES[name].groups


@pytest.mark.parametrize("name", STUDIES)
def test_no_two_cells_have_one_place(name: str) -> None:
    places = [(one.group, one.name, one.setting) for one in CELLS[name]]
    assert len(set(places)) == len(places)


@pytest.mark.parametrize(("name", "one"), BOTH, ids=lambda one: one.what if isinstance(one, Cell) else one)
def test_every_cell_is_a_scenario(name: str, one: Cell) -> None:
    assert scenario_of(BASES[name], one, 1).seed == 1
