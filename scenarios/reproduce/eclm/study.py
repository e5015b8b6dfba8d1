"""The study of ECLM (arXiv 2311.11083)."""

from scenarios.reproduce.eclm import cells, document, timings
from scenarios.reproduce.eclm.base import SCENARIO
from scenarios.reproduce.eclm.figures import figures
from scenarios.reproduce.study import Beside, Study

STUDY = Study(
    base=SCENARIO,
    seeds=cells.SEEDS,
    table=cells.table,
    quick=cells.quick,
    text=document.text,
    figures=figures,
    beside=Beside(timings.timed, timings.fill),
    # With 500 devices and 40 rounds.
    usual_seconds=400.0,
    quick_seconds=15.0,
)
