"""Simulated faults: jobs that drop out, uploads that get lost, networks that split."""

from dataclasses import dataclass

from mlecs_ray.errors import InputError
from mlecs_ray.seeds import uniform
from mlecs_ray.sim.checks import check_share
from mlecs_ray.sim.timing import Timing

Strike = tuple[float, str]
"""Seconds after the job's start, and the reason."""


@dataclass(frozen=True)
class Faults:
    """What may go wrong with a job, drawn from (seed, client, job number) alone.

    ``dropout``: chance that the device gives up, at a moment drawn evenly from the job. ``upload_loss``: chance that
    the update never arrives. ``partitions``: (start, end, share): between these seconds a share of the clients is cut
    off; a job that must transfer then is lost when the transfer should have been done (so that a lost job always
    costs time, and a server that tries again at once cannot spin).
    """

    dropout: float = 0.0
    upload_loss: float = 0.0
    partitions: tuple[tuple[float, float, float], ...] = ()
    seed: int = 0

    def __post_init__(self) -> None:
        check_share("dropout", self.dropout, "it is no chance")
        check_share("upload_loss", self.upload_loss, "it is no chance")
        for start, end, share in self.partitions:
            check_share("share of a partition", share, "it is no part of the clients")
            if not 0 <= start < end:
                raise InputError(f"partition {start}..{end} must start at 0 or later and end after that, or it is void")

    def strike(self, client: int, number: int, start: float, timing: Timing) -> Strike | None:
        """The first fault that hits job ``number`` of ``client``, begun at ``start``; None if none does."""
        if not (self.dropout or self.upload_loss or self.partitions):
            return None
        found = (
            self._dropped(client, number, timing),
            self._cut(client, start, timing),
            self._swallowed(client, number, timing),
        )
        return min((strike for strike in found if strike), default=None)

    def _dropped(self, client: int, number: int, timing: Timing) -> Strike | None:
        if not self.dropout or uniform(self.seed, "dropout", client, number) >= self.dropout:
            return None
        # 1 - u lies in (0, 1]: no job is lost in the very moment in which it starts.
        return timing.total * (1.0 - uniform(self.seed, "moment", client, number)), "dropout"

    def _swallowed(self, client: int, number: int, timing: Timing) -> Strike | None:
        if not self.upload_loss or uniform(self.seed, "upload", client, number) >= self.upload_loss:
            return None
        return timing.total, "upload lost"

    def _cut(self, client: int, start: float, timing: Timing) -> Strike | None:
        """The download is looked at before the upload, because it comes first."""
        uploads = start + timing.download + timing.compute
        if timing.download and self._parted(client, start, start + timing.download):
            return timing.download, "partition"
        if timing.upload and self._parted(client, uploads, uploads + timing.upload):
            return timing.total, "partition"
        return None

    def _parted(self, client: int, start: float, end: float) -> bool:
        return any(
            opens < end and start < closes and uniform(self.seed, "partition", index, client) < share
            for index, (opens, closes, share) in enumerate(self.partitions)
        )
