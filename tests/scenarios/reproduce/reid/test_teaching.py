"""What stands beside the runs is computed where a run stands, once, and never when the page alone is asked for."""

from pathlib import Path

from mlecs_ray.scenario.config import Scenario
from scenarios.reproduce.reid import models, teaching
from scenarios.reproduce.store import Floors
from tests.scenarios.reproduce.fake import MADE
from tests.scenarios.reproduce.reid.fake import found, some


class Computed:
    """Counts what it is asked for."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def __call__(self, scenario: Scenario) -> Floors:
        self.asked.append(scenario.seed)
        return {"rule": {"map": 0.5}}


def test_it_is_computed_for_the_seeds_that_were_run_and_kept(tmp_path: Path) -> None:
    made = found(tmp_path, lambda cell, seed: some(cell, seed) if seed < 2 else None)
    computed = Computed()
    for _ in range(2):
        teaching.fill(made, MADE, {"export": computed})
    assert computed.asked == [0, 1]
    assert set(teaching.beside(made, "export")) == {0, 1}
    assert set(teaching.keys(made, "export").values()) <= teaching.names(made)


def test_the_page_alone_computes_nothing(tmp_path: Path) -> None:
    made, computed = found(tmp_path), Computed()
    teaching.fill(made, None, {"export": computed})
    models.fill(made, None, computed)
    assert computed.asked == []


def test_models_are_timed_once_whatever_the_seed(tmp_path: Path) -> None:
    made, computed = found(tmp_path), Computed()
    for _ in range(2):
        models.fill(made, MADE, computed)
    assert computed.asked == [0]
    assert models.key(made) in made.store.timings


def test_nothing_is_timed_before_anything_was_run(tmp_path: Path) -> None:
    made, computed = found(tmp_path, lambda *_: None), Computed()
    models.fill(made, MADE, computed)
    assert computed.asked == []
    assert models.ratio(made, models.PARAMETERS) is None
