"""The rows of a run's records and their Parquet schemas; `docs/records.md` explains every column."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

import pyarrow as pa

from mlecs_ray.server.journal import EventRow, Outcome, Scope

__all__ = ["BY", "EVENTS", "METRICS", "SCHEMAS", "TRAFFIC", "EventRow", "MetricRow", "Scope", "TrafficRow"]


class TrafficRow(NamedTuple):
    """What one job moved, burnt and took, written when it ends."""

    job: int
    client: int
    device: str
    structure: str
    role: str
    modalities: str
    """Sorted and joined by ``+``: ``image+speech_fr``."""
    version: int
    start: float
    """Virtual seconds."""
    finish: float
    outcome: Outcome
    download_bytes: int = 0
    upload_bytes: int = 0
    download_seconds: float = 0.0
    compute_seconds: float = 0.0
    upload_seconds: float = 0.0
    joules_compute: float = 0.0
    joules_radio: float = 0.0
    staleness: int = -1
    download_by: Mapping[str, int] = MappingProxyType({})
    """Bytes by modality, and by ``lora``, ``fused``, ``anchors`` or ``shared`` for what belongs to none; they sum to
    ``download_bytes``."""
    upload_by: Mapping[str, int] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class MetricRow:
    """One number measured by an evaluation."""

    seconds: float
    version: int
    scope: Scope
    subject: str
    """The structure, or the client's id as text."""
    metric: str
    value: float
    samples: int


BY = pa.map_(pa.string(), pa.int64())
EVENTS = pa.schema(
    {
        "seq": pa.int64(),
        "seconds": pa.float64(),
        "kind": pa.dictionary(pa.int8(), pa.string()),
        **dict.fromkeys(("client", "job", "version"), pa.int64()),
        **dict.fromkeys(("staleness", "lane"), pa.int32()),
        "detail": pa.string(),
    }
)
TRAFFIC = pa.schema(
    {
        **dict.fromkeys(("job", "client"), pa.int64()),
        **dict.fromkeys(("device", "structure", "role", "modalities"), pa.string()),
        "version": pa.int64(),
        **dict.fromkeys(("start", "finish"), pa.float64()),
        "outcome": pa.string(),
        **dict.fromkeys(("download_bytes", "upload_bytes"), pa.int64()),
        **dict.fromkeys(("download_seconds", "compute_seconds", "upload_seconds"), pa.float64()),
        **dict.fromkeys(("joules_compute", "joules_radio"), pa.float64()),
        "staleness": pa.int32(),
        **dict.fromkeys(("download_by", "upload_by"), BY),
    }
)
METRICS = pa.schema(
    {
        "seconds": pa.float64(),
        "version": pa.int64(),
        **dict.fromkeys(("scope", "subject", "metric"), pa.string()),
        "value": pa.float64(),
        "samples": pa.int64(),
    }
)
SCHEMAS = {"events": EVENTS, "traffic": TRAFFIC, "metrics": METRICS}
