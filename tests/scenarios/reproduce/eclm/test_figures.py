"""The plots show what was run."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

from scenarios.reproduce.cells import Cell
from scenarios.reproduce.eclm import cells
from scenarios.reproduce.eclm.figures import figures
from scenarios.reproduce.eclm.rows import SHIFTING
from scenarios.reproduce.measures import Result
from tests.scenarios.reproduce.eclm.fake import ROW, found, result, stepped


def everything(cell: Cell, seed: int) -> Result | None:
    """Of one setting."""
    if cell.setting != ROW:
        return None
    if cell.group == "continuous":
        return stepped([0.6, 0.7 + 0.01 * seed], SHIFTING[ROW].periods[cell.name])
    return result(0.7 + 0.01 * seed, 100.0, most=8 * float(cell.name) if cell.group == "sizes" else 0.5)


def texts(svg: str) -> list[str | None]:
    return [one.text for one in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cells, "SHARES", (0.28, 0.4, 0.5, 0.75, 1.0))
        return figures(found(tmp_path_factory.mktemp("figures"), everything))


def test_every_group_has_its_plot_and_shifts_and_schedules_one_for_each_setting(drawn: dict[str, str]) -> None:
    assert list(drawn) == ["table", "ablations", "sizes", "continuous-2", "schedules-1"]


def test_names_of_rows_stand_in_two_lines(drawn: dict[str, str]) -> None:
    assert {"mnist10k,", "5 classes", "ECLM", "HeteroFL"} <= set(texts(drawn["table"]))


def test_sizes_are_drawn_by_what_is_held(drawn: dict[str, str]) -> None:
    """On average an eighth of the largest one's memory in parameters."""
    assert {"0.4", "0.6", "1", "parameters held, of the network's"} <= set(texts(drawn["sizes"]))


def test_shifts_are_drawn_step_by_step(drawn: dict[str, str]) -> None:
    assert {"step", "ECLM", "Local adaptation", "No adaptation"} <= set(texts(drawn["continuous-2"]))


def test_what_was_not_run_is_not_drawn(tmp_path: Path) -> None:
    assert figures(found(tmp_path, lambda *_: None)) == {}
