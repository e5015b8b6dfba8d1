"""What jobs of the fleet take, and what had been moved when something was measured."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

_ROUNDING = 1e-9
"""Of seconds, relative: a job that ends when something is measured ended before."""


@dataclass(frozen=True)
class Effort:
    """Means over the edge jobs that arrived; what questions before them took is theirs.

    Where nothing was to be sent nothing was: it takes no time, as methods are compared that need no server.
    """

    download: float
    """Virtual seconds, as the others."""
    compute: float
    upload: float
    sent: float
    """Bytes that a job was sent to begin with, its question apart."""

    @property
    def seconds(self) -> float:
        """From the question to the answer, without waiting for others."""
        return self.download + self.compute + self.upload


def effort(arrived: "pd.DataFrame", asked: "pd.DataFrame") -> Effort | None:
    """Of jobs and the questions before them, as rows of ``traffic``; None where no job arrived."""
    if not len(arrived):
        return None
    both = [rows for rows in (arrived, asked) if len(rows)]
    download, upload = (sum(_moving(rows, way) for rows in both) / len(arrived) for way in ("download", "upload"))
    compute = sum(float(rows["compute_seconds"].sum()) for rows in both) / len(arrived)
    sent = round(float(arrived["download_bytes"].mean()), 1)
    return Effort(round(download, 6), round(compute, 6), round(upload, 6), sent)


def _moving(rows: "pd.DataFrame", way: str) -> float:
    return float(rows.loc[rows[f"{way}_bytes"] > 0, f"{way}_seconds"].sum())


def spent(edge: "pd.DataFrame", moments: Sequence[float]) -> list[float]:
    """Bytes, both ways, of the jobs and questions that had ended by each of these virtual seconds."""
    moved = edge["download_bytes"] + edge["upload_bytes"]
    return [float(moved[edge["finish"] <= moment * (1 + _ROUNDING)].sum()) for moment in moments]
