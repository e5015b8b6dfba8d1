"""What clients own at each step of a shifting environment, and the test rows like it: drawn whenever someone asks."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from torch import Tensor, from_numpy

from mlecs_ray.data.corruption import CORRUPTIONS, Draws
from mlecs_ray.data.environment import NONE, Environment, Labels, Rules, Steps, Surroundings
from mlecs_ray.data.holdings import Index, distinct
from mlecs_ray.errors import InputError
from mlecs_ray.samples import Samples
from mlecs_ray.seeds import derive

Kind = tuple[str | None, int | None]
"""Domain and class; None: not told apart."""


@dataclass(frozen=True)
class Side:
    """Training or test samples, and where those of each kind are."""

    name: str
    samples: Samples
    rows: Mapping[Kind, Index]

    def fitting(self, environment: Environment) -> Index:
        """The rows that may be met there."""
        return np.concatenate([self.rows[environment.domain, label] for label in environment.classes or (None,)])


@dataclass(frozen=True)
class Slots:
    """Numbers of slots, and the step at which each was last filled; both (n,)."""

    numbers: Steps
    filled: Steps


@dataclass(frozen=True, eq=False)
class Environments:
    """Clients' samples and tests, slot by slot from the environment in which it was last filled.

    Raises InputError where the rules ask for what the data does not have.
    """

    train: Samples
    test: Samples
    rules: Rules
    clients: int
    seed: int

    def __post_init__(self) -> None:
        for key, asked, column in (
            ("classes", self.rules.classes, self.train.labels),
            ("domains", self.rules.domains, self.train.domains or None),
        ):
            if asked and column is None:
                raise InputError(f"data.environments.{key}={asked} needs samples that have {key}; leave it out")
        # It refuses what its rules and the data do not have.
        _ = self.around
        for name in {*self.rules.corruptions} - {NONE}:
            for column in self.train.inputs.values():
                _check_corruption(name, column[:1])

    @cached_property
    def around(self) -> Surroundings:
        """Where clients are. Kinds that only one side has are left out: nobody is measured on what nobody can learn."""
        offered: dict[str | None, Labels] = {}
        both = self._train.rows.keys() & self._test.rows.keys()
        for domain, label in sorted(both, key=lambda kind: (kind[0] or "", kind[1] or 0)):
            offered[domain] = (*offered.get(domain, ()), *(() if label is None else (label,)))
        return Surroundings(self.rules, offered, self.clients, self.seed)

    @cached_property
    def sizes(self) -> Index:
        """(clients,) how many samples each owns, at every step."""
        return self.around.sizes

    def rows(self, client: int, step: int) -> Index:
        """(n,) what the client owns, as positions in ``train``."""
        return self._rows(self._train, client, self._slots(client, step))

    def test_rows(self, client: int, step: int) -> Index:
        """(test_rows,) positions in ``test``: number j is of the environment of slot j modulo their number."""
        return self._rows(self._test, client, self._test_slots(client, step))

    def local(self, client: int, step: int) -> Samples:
        """What the client owns."""
        return self._seen(self._train, client, self._slots(client, step))

    def local_test(self, client: int, step: int) -> Samples:
        """Test samples in the mixture of what the client owns, through the same corruptions."""
        return self._seen(self._test, client, self._test_slots(client, step))

    @cached_property
    def _train(self) -> Side:
        return Side("train", self.train, _kinds(self.train, self.rules))

    @cached_property
    def _test(self) -> Side:
        return Side("test", self.test, _kinds(self.test, self.rules))

    def _slots(self, client: int, step: int) -> Slots:
        filled = self.around.filled(client, step)
        return Slots(np.arange(len(filled)), filled)

    def _test_slots(self, client: int, step: int) -> Slots:
        filled = self.around.filled(client, step)
        numbers = np.arange(self.rules.test_rows) % len(filled)
        return Slots(numbers, filled[numbers])

    def _rows(self, side: Side, client: int, slots: Slots) -> Index:
        """A row for each slot.

        Which one depends on all slots that were filled together with it, also those that were filled again since: a
        slot keeps its row for as long as it is left alone.
        """
        rows = np.empty(len(slots.filled), dtype=np.int32)
        for step in np.unique(slots.filled).tolist():
            together = self.around.renewed(client, step)[slots.numbers]
            fitting = side.fitting(self.around.of(client, step))
            dealt = _dealt(fitting, int(together.sum()), derive(self.seed, side.name, client, step))
            left = slots.filled == step
            rows[left] = dealt[np.cumsum(together)[left] - 1]
        return rows

    def _seen(self, side: Side, client: int, slots: Slots) -> Samples:
        """The slots' samples, each through what its environment does to sensors: alike in train and test but for what
        differs from sample to sample anyway."""
        rows = self._rows(side, client, slots)
        samples = side.samples.take(from_numpy(rows))
        for step in np.unique(slots.filled).tolist():
            name = self.around.of(client, step).corruption
            if name is not None:
                here, place = np.flatnonzero(slots.filled == step), derive(self.seed, "place", client, step)
                draws = Draws(place, [derive(place, side.name, row) for row in rows[here].tolist()])
                samples = self._corrupted(samples, name, from_numpy(here), draws)
        return samples

    def _corrupted(self, samples: Samples, name: str, here: Tensor, draws: Draws) -> Samples:
        inputs = {
            modality: column.index_copy(0, here, CORRUPTIONS[name](column[here], self.rules.severity, draws))
            for modality, column in samples.inputs.items()
        }
        return replace(samples, inputs=inputs)


def _kinds(samples: Samples, rules: Rules) -> dict[Kind, Index]:
    """Rows by what the rules tell apart."""
    labels = [None] * len(samples) if samples.labels is None or not rules.classes else samples.labels.tolist()
    domains = samples.domains if rules.domains and samples.domains else [None] * len(samples)
    found: dict[Kind, list[int]] = {}
    for row, kind in enumerate(zip(domains, labels, strict=True)):
        found.setdefault(kind, []).append(row)
    return {kind: np.array(rows, dtype=np.int32) for kind, rows in found.items()}


def _dealt(rows: Index, count: int, seed: int) -> Index:
    """``count`` of these rows, none twice; where they are too few, all of them again and again."""
    again, rest = divmod(count, len(rows))
    drawn = np.array(distinct(len(rows), rest, seed), dtype=np.int64)
    return np.concatenate([np.tile(rows, again), rows[drawn]])


def _check_corruption(name: str, column: Tensor) -> None:
    """Raise InputError where there is no such corruption, or it is none for samples like these."""
    if name not in CORRUPTIONS:
        raise InputError(
            f"data.environments.corruptions names {name!r}, which is none of {NONE}, {', '.join(CORRUPTIONS)}, so "
            "nobody knows what it does"
        )
    try:
        CORRUPTIONS[name](column, 1.0, Draws(0, [0]))
    except InputError as error:
        raise InputError(f"data.environments.corruptions: {error}") from error
