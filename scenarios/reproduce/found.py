"""The table with what has been measured of it: every question that a document asks."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from mlecs_ray.scenario.config import Scenario
from scenarios.reproduce.cells import Cell
from scenarios.reproduce.measures import Result
from scenarios.reproduce.plan import digest, scenario_of
from scenarios.reproduce.statistics import Values
from scenarios.reproduce.store import Store

Place = tuple[str, str, str]
"""Group, name and setting of a cell."""


@dataclass(frozen=True)
class Found:
    """``cells`` is the whole table, also what was not run."""

    base: Scenario
    cells: Sequence[Cell]
    seeds: Sequence[int]
    store: Store

    @cached_property
    def _scenarios(self) -> dict[Place, dict[int, Scenario]]:
        return {_place(cell): {seed: scenario_of(self.base, cell, seed) for seed in self.seeds} for cell in self.cells}

    @cached_property
    def _digests(self) -> dict[Place, dict[int, str]]:
        return {place: {seed: digest(one) for seed, one in by.items()} for place, by in self._scenarios.items()}

    def scenarios(self, cell: Cell) -> dict[int, Scenario]:
        """The cell's runs, by seed."""
        return self._scenarios[_place(cell)]

    def digests(self, cell: Cell) -> dict[int, str]:
        """The names of the cell's runs, by seed."""
        return self._digests[_place(cell)]

    def results(self, cell: Cell | None) -> dict[int, Result]:
        """What has been measured of a cell, by seed."""
        if cell is None:
            return {}
        found = {seed: self.store.result(key) for seed, key in self.digests(cell).items()}
        return {seed: result for seed, result in found.items() if result is not None}

    def group(self, name: str, setting: str | None = None) -> list[Cell]:
        """The cells of a group, or of one of its settings."""
        return [cell for cell in self.cells if cell.group == name and setting in (None, cell.setting)]

    def settings(self, group: str) -> list[str]:
        """In their order."""
        return list(dict.fromkeys(cell.setting for cell in self.group(group)))

    def names(self, group: str) -> list[str]:
        """What is compared, in its order."""
        return list(dict.fromkeys(cell.name for cell in self.group(group)))

    def cell(self, group: str, name: str, setting: str) -> Cell | None:
        """The cell of this place."""
        return next((cell for cell in self.group(group, setting) if cell.name == name), None)

    def metrics(self, group: str) -> tuple[str, ...]:
        """What is measured there, the one that decides first."""
        cells = self.group(group)
        if not cells:
            return ()
        measured = self.scenarios(cells[0])[self.seeds[0]].evaluation
        deciding = measured.target or measured.metrics[0]
        return (deciding, *(metric for metric in measured.metrics if metric != deciding))

    def values(self, cell: Cell | None, scope: str, metric: str, first: bool = False) -> Values:
        """The last (or first) values by seed and subject; empty where there are none."""
        return {
            (seed, subject): scores[metric]
            for seed, result in self.results(cell).items()
            for subject, scores in (result.first if first else result.final).get(scope, {}).items()
            if metric in scores
        }

    def whole(self, *cells: Cell | None) -> bool:
        """Whether all of these were run with all seeds."""
        return all(len(self.results(cell)) == len(self.seeds) for cell in cells)


def _place(cell: Cell) -> Place:
    return cell.group, cell.name, cell.setting
