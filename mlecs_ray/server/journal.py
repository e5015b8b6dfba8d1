"""What the engine tells whoever keeps records."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple, Protocol

from mlecs_ray.events import Train
from mlecs_ray.method import Client
from mlecs_ray.sim.world import Timing
from mlecs_ray.tree import Remembered, Tree, leaves

Kind = Literal[
    "online", "offline", "started", "finished", "lost", "merged", "discarded", "refused", "told", "evaluated"
]
Outcome = Literal["merged", "lost", "discarded", "refused", "told", "waiting", "running"]
_KINDS = frozenset({"lora", "fused", "anchors"})
"""What is told apart of the bytes that belong to no modality."""
Scope = Literal["fleet", "global", "client", "personal", "cloud"]


class EventRow(NamedTuple):
    """One event of the virtual world; -1 where a number has no meaning for the kind.

    ``online`` with client -1: ``detail`` tells how many clients are online at second 0.
    """

    seconds: float
    """Virtual."""
    kind: Kind
    client: int = -1
    job: int = -1
    version: int = -1
    """Of the server: for ``started`` the one it trains on, for ``merged`` the new one."""
    staleness: int = -1
    """Merges between the start of the job and its own."""
    lane: int = -1
    detail: str = ""


class JobRecord(NamedTuple):
    """One job from its start to its end, in virtual seconds, bytes and joules; partial where it was lost."""

    number: int
    client: Client
    version: int
    start: float
    finish: float
    outcome: Outcome
    """merged, discarded, refused, lost, told (a question that was answered), waiting (arrived, not merged when the run
    ended) or running."""
    timing: Timing
    download: Mapping[str, int]
    """Bytes by modality; of modules that belong to none ``lora`` for adapters, ``fused`` and ``anchors`` for
    representations, ``shared`` for the rest."""
    upload: Mapping[str, int]
    staleness: int = -1


@dataclass
class Tally:
    """Running totals for the live view; the records can recompute all of them."""

    merges: int = 0
    updates: int = 0
    """That arrived; answers to questions are none."""
    lost: int = 0
    refused: int = 0
    discarded: int = 0
    download_bytes: int = 0
    upload_bytes: int = 0
    joules: float = 0.0
    staleness: int = 0
    """Sum over merged updates."""


class Journal(Protocol):
    """Where a run is written down."""

    def event(self, row: EventRow) -> None:
        """One line of the event log."""

    def job(self, record: JobRecord) -> None:
        """A job has ended, or the run has."""

    def metric(self, seconds: float, version: int, scope: Scope, subject: str, values: Mapping[str, float]) -> None:
        """An evaluation of the state ``version`` at virtual time ``seconds``; ``samples`` is among the values."""


def spent(timing: Timing, seconds: float) -> Timing:
    """The part of a job that its first ``seconds`` hold; energy is drawn evenly, as ``Timing.joules_until`` has it."""
    if seconds >= timing.total:
        return timing
    share = seconds / timing.total
    left = seconds
    parts: list[float] = []
    for part in (timing.download, timing.compute, timing.upload):
        parts.append(min(part, max(left, 0.0)))
        left -= part
    download, compute, upload = parts
    return Timing(download, compute, upload, timing.joules_compute * share, timing.joules_radio * share)


def sizes(train: Train) -> tuple[Mapping[str, int], Mapping[str, int]]:
    """Bytes by modality that a job sends down and up."""
    modalities, sent, back = train.job.client.modalities, train.job.tree, train.work.upload
    download = _by_modality(sent, modalities)
    # Most methods send back what they were sent; trees are walked for every job, and this one need not be.
    return download, download if back is sent else _by_modality(back, modalities)


def crossed(sizes: Mapping[str, int], seconds: float, whole: float) -> Mapping[str, int]:
    """What has crossed in the first ``seconds`` of a transfer that takes ``whole``."""
    if seconds == whole:
        return sizes
    return {owner: int(size * (seconds / whole)) for owner, size in sizes.items()}


@Remembered
def _by_modality(tree: Tree, modalities: frozenset[str]) -> dict[str, int]:
    """Bytes by the modality that a leaf's path names, else by what it is."""
    total: dict[str, int] = {}
    for path, leaf in leaves(tree):
        owner = _owner(path, modalities)
        total[owner] = total.get(owner, 0) + leaf.nbytes
    return total


@lru_cache(maxsize=1 << 12)
def _owner(path: str, modalities: frozenset[str]) -> str:
    parts = path.split("/")
    return next((part for part in parts if part in modalities), parts[0] if parts[0] in _KINDS else "shared")
