"""The table with what has been measured of it: every question that the document asks."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from mlecs_ray.scenario.config import Scenario
from scenarios.reproduce.cells import OURS, Cell
from scenarios.reproduce.measures import Result
from scenarios.reproduce.plan import digest, scenario_of
from scenarios.reproduce.statistics import Paired, Values, best, holm, paired
from scenarios.reproduce.store import Store

CLIENTS, CLOUD, RECEIVER = "personal", "cloud", "global"
"""Scopes: each client's own model, the cloud's LLM, and the client-compatible model on the server."""
AMONG = ("rates", "unlike", "varying", "classes")
"""Groups in which ours is held against the best of the others; in all others, variants against the first."""


Place = tuple[str, str, str]
"""Group, name and setting of a cell."""
Drawn = tuple[str, str, str, str, str, Paired]
"""Setting, scope, metric, name, other and their pair: a comparison before it is corrected."""


@dataclass(frozen=True)
class Comparison:
    """One side against the other in one setting."""

    group: str
    setting: str
    scope: str
    metric: str
    name: str
    other: str
    """The best of the others, or the first variant."""
    pair: Paired
    corrected: float | None
    """``pair.p`` after Holm's correction over all tests of the group."""


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

    def results(self, cell: Cell) -> dict[int, Result]:
        """What has been measured of a cell, by seed."""
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
        if cell is None:
            return {}
        return {
            (seed, subject): scores[metric]
            for seed, result in self.results(cell).items()
            for subject, scores in (result.first if first else result.final).get(scope, {}).items()
            if metric in scores
        }

    def comparisons(self, group: str) -> list[Comparison]:
        """All tests of a group, corrected together."""
        drawn = [
            found
            for setting in self.settings(group)
            for scope in (CLIENTS, CLOUD)
            for metric in self.metrics(group)
            for found in self._compared(group, setting, scope, metric)
        ]
        return together(group, drawn)

    def _compared(self, group: str, setting: str, scope: str, metric: str) -> list[Drawn]:
        values = {cell.name: self.values(cell, scope, metric) for cell in self.group(group, setting)}
        if group in AMONG:
            ours = values.pop(OURS, {})
            other = best(values, ours)
            held = [(OURS, ours, other)] if other is not None else []
        else:
            first = next(iter(values))
            held = [(name, one, first) for name, one in values.items() if name != first]
        pairs = [(name, other, paired(one, values[other])) for name, one, other in held]
        return [(setting, scope, metric, name, other, pair) for name, other, pair in pairs if pair is not None]


def together(group: str, drawn: Sequence[Drawn]) -> list[Comparison]:
    """These tests of a group, corrected as one family."""
    corrected = holm([pair.p for *_, pair in drawn])
    return [Comparison(group, *one, p) for one, p in zip(drawn, corrected, strict=True)]


def _place(cell: Cell) -> Place:
    return cell.group, cell.name, cell.setting
