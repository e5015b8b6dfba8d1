"""The study of ML-ECS (arXiv 2602.14107)."""

from scenarios.captions import SCENARIO
from scenarios.reproduce.found import Found
from scenarios.reproduce.mlecs import cells, document, floors
from scenarios.reproduce.mlecs.comparisons import AMONG
from scenarios.reproduce.mlecs.figures import figures
from scenarios.reproduce.store import Made
from scenarios.reproduce.study import Beside, Study


def _names(found: Found) -> set[str]:
    return {floors.key(scenario) for cell in found.cells for scenario in found.scenarios(cell).values()}


def _fill(found: Found, _: Made | None) -> None:
    floors.fill(found, [cell for cell in found.cells if cell.group in AMONG])


STUDY = Study(
    base=SCENARIO,
    seeds=cells.SEEDS,
    table=cells.table,
    quick=cells.quick,
    text=document.text,
    figures=figures,
    beside=Beside(_names, _fill),
    # With 3 clients.
    usual_seconds=80.0,
    quick_seconds=80.0,
)
