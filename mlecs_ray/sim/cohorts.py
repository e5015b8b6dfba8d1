"""Who trains with whom: jobs that start are gathered into cohorts, by the order of the virtual world alone."""

from collections.abc import Callable
from typing import Any

from mlecs_ray.events import Train
from mlecs_ray.stacks import shapes
from mlecs_ray.tree import Remembered

Cohort = list[Train]


class Cohorts:
    """Gathers jobs of one kind: one structure, the same modalities, trees of the same shapes; questions apart.

    A cohort closes when it has ``most`` jobs, or when the clock comes to a job that waits in an open one: then all
    that are open close, so that every worker has something to do. Neither depends on where or how fast jobs run.
    """

    def __init__(self, most: Callable[[Train], int] = lambda _: 1) -> None:
        """``most`` gives the largest cohort for jobs like this one."""
        self._most = most
        self._open: dict[Any, Cohort] = {}
        self._shapes = Remembered(shapes)

    def add(self, train: Train) -> Cohort | None:
        """The cohort that this job completes, if it does."""
        most = self._most(train)
        if most <= 1:
            return [train]
        client = train.job.client
        kind = client.structure, client.modalities, train.work.tells, self._shapes(train.job.tree)
        cohort = self._open.setdefault(kind, [])
        cohort.append(train)
        return self._open.pop(kind) if len(cohort) >= most else None

    def close(self) -> list[Cohort]:
        """All that are open."""
        cohorts = list(self._open.values())
        self._open.clear()
        return cohorts


def within(most: int, bytes_: float) -> Callable[[Train], int]:
    """At most so many clients, and so many that they fit into ``bytes_`` together."""

    def size(train: Train) -> int:
        if most == 1:
            return 1
        work = train.work
        each = work.memory_bytes - work.shared_bytes
        return max(1, min(most, int((bytes_ - work.shared_bytes) // each))) if each > 0 else most

    return size
