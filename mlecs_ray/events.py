"""All that can reach the server, and all that it can ask for."""

from collections.abc import Sequence
from typing import NamedTuple

from mlecs_ray.method import Job, Update, Work


class Online(NamedTuple):
    """These clients have become reachable."""

    clients: Sequence[int]


class Offline(NamedTuple):
    """This client is not reachable any more; a job it had is reported Lost by itself."""

    client: int


class Finished(NamedTuple):
    """The update of job ``number`` is here."""

    client: int
    number: int
    update: Update


class Lost(NamedTuple):
    """Job ``number`` will never answer: its client dropped out, or its upload failed."""

    client: int
    number: int


class Rang(NamedTuple):
    """The alarm of this lane's round went off."""

    lane: int
    round: int


Event = Online | Offline | Finished | Lost | Rang


class Train(NamedTuple):
    """Send this job, which will cost ``work``. ``number`` counts all jobs of the run, from 1."""

    number: int
    job: Job
    work: Work


class Merged(NamedTuple):
    """The state moved to ``version`` by the jobs ``numbers``, which were ``staleness`` merges late."""

    version: int
    lane: int
    numbers: tuple[int, ...]
    staleness: tuple[int, ...]


class Discarded(NamedTuple):
    """Job ``number`` answered and was not used: too stale, or its round had closed."""

    client: int
    number: int
    reason: str


class Refused(NamedTuple):
    """Job ``number`` answered with something that must not be merged."""

    client: int
    number: int
    reason: str


class Told(NamedTuple):
    """Job ``number`` was a question, and its client has answered it."""

    client: int
    number: int


class Alarm(NamedTuple):
    """Ring ``seconds`` from now."""

    seconds: float
    lane: int
    round: int


Step = Train | Merged | Discarded | Refused | Told | Alarm
