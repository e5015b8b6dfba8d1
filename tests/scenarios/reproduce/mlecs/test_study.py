"""What docs/results holds is what the study asks for."""

from pathlib import Path

from scenarios.reproduce.found import Found
from scenarios.reproduce.mlecs.study import STUDY
from scenarios.reproduce.options import out_of
from scenarios.reproduce.store import Store

RESULTS = Path(__file__).parents[4] / out_of("mlecs")


def test_every_result_is_found_again() -> None:
    """A key that scenarios got since belongs into ``plan.LATER``, or results lose their names."""
    store = Store.read(RESULTS)
    found = Found(STUDY.base, STUDY.table(STUDY.base), STUDY.seeds, store)
    asked = {digest for cell in found.cells for digest in found.digests(cell).values()}
    assert store.runs.keys() <= asked
    assert store.floors.keys() <= set(STUDY.beside.names(found))
