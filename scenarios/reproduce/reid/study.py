"""The study of MLLMEmbed-ReID (arXiv 2602.12936)."""

from scenarios.reproduce.found import Found
from scenarios.reproduce.reid import cells, document, models, teaching
from scenarios.reproduce.reid.base import SCENARIO
from scenarios.reproduce.reid.figures import figures
from scenarios.reproduce.store import Made
from scenarios.reproduce.study import Beside, Study


def _names(found: Found) -> set[str]:
    return {models.key(found), *teaching.names(found)}


def _fill(found: Found, made: Made | None) -> None:
    teaching.fill(found, made)
    models.fill(found, made)


STUDY = Study(
    base=SCENARIO,
    seeds=cells.SEEDS,
    table=cells.table,
    quick=cells.quick,
    text=document.text,
    figures=figures,
    beside=Beside(_names, _fill),
    # The teacher of a seed, which the first of its runs waits for, apart.
    usual_seconds=200.0,
    quick_seconds=60.0,
)
