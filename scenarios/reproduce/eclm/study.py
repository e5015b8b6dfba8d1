"""The study of ECLM (arXiv 2311.11083)."""

from scenarios.reproduce.eclm import budgets, cells, document, pooled, stock, timings
from scenarios.reproduce.eclm.base import SCENARIO
from scenarios.reproduce.eclm.figures import figures
from scenarios.reproduce.found import Found
from scenarios.reproduce.store import Made
from scenarios.reproduce.study import Beside, Study


def _names(found: Found) -> set[str]:
    return {*timings.timed(found), *pooled.names(found), *budgets.names(found), *stock.names(found)}


def _fill(found: Found, made: Made | None) -> None:
    stock.fill(found, made)
    budgets.fill(found, made)
    timings.fill(found, made)
    pooled.fill(found, made)


STUDY = Study(
    base=SCENARIO,
    seeds=cells.SEEDS,
    table=cells.table,
    quick=cells.quick,
    text=document.text,
    figures=figures,
    beside=Beside(_names, _fill),
    # With 500 devices and 40 rounds.
    usual_seconds=400.0,
    quick_seconds=15.0,
)
