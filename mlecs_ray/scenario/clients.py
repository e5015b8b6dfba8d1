"""The fleet, as keys of a scenario."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from mlecs_ray.scenario.base import STRICT
from mlecs_ray.scenario.load import LoadConfig
from mlecs_ray.scenario.ranges import Count, Factor, NonNegative, Positive, Share


class AvailabilityConfig(BaseModel):
    """When clients can be reached."""

    model_config = STRICT

    kind: Literal["always", "diurnal", "markov", "diurnal+markov", "trace"] = "always"
    """When a client can be reached: always; by day; on and off by chance; both; or by a ``trace``."""
    on_share: Annotated[float, Field(gt=0, le=1)] = 0.6
    """Share of a ``diurnal`` period that a client is reachable."""
    period: Positive = 86400.0
    """Virtual seconds of a ``diurnal`` day."""
    spread: Share = 1.0
    """How far apart the clients' days start, as a share of the period."""
    mean_on: Positive = 3600.0
    """Mean virtual seconds that a client of ``markov`` stays reachable, exponentially distributed."""
    mean_off: Positive = 1800.0
    """The same, out of reach."""
    trace: str | None = None
    """CSV, Parquet or JSON file, for ``trace``."""
    joins: dict[int, NonNegative] = {}
    """Client -> virtual second from which it is part of the fleet."""
    leaves: dict[int, NonNegative] = {}
    """Client -> virtual second from which it is no part of it any more."""


class MasksConfig(BaseModel):
    """Which modalities each client has."""

    model_config = STRICT

    kind: Literal["all", "fixed", "varying"] = "all"
    """All modalities; some, drawn once; or some, drawn anew again and again."""
    rate: Annotated[float, Field(gt=0, le=1)] = 0.7
    """The chance that a client has a modality; every client keeps at least one."""
    period: Positive = 600.0
    """Virtual seconds after which ``varying`` masks are drawn anew."""


class FaultsConfig(BaseModel):
    """Simulated faults; real ones never show in the log."""

    model_config = STRICT

    dropout: Share = 0.0
    """Chance that a job is lost half-way."""
    upload_loss: Share = 0.0
    """Chance that a finished job's upload never arrives."""
    partitions: tuple[tuple[NonNegative, NonNegative, Share], ...] = ()
    """(start, end, share of clients cut off), in virtual seconds."""


class StragglersConfig(BaseModel):
    """Slow clients beyond what their device says."""

    model_config = STRICT

    share: Share = 0.0
    """Of the clients, those that are slower than their device says."""
    factor: Factor = 10.0
    """By which all seconds of their jobs are multiplied."""


class ClientsConfig(BaseModel):
    """The fleet."""

    model_config = STRICT

    count: Count = 100
    """Edge clients; numbered from 0."""
    devices: dict[str, Positive] = {"phone-mid": 1.0}
    """Device class -> its share of the fleet."""
    structures: dict[str, str] = {}
    """Device class -> the model structure it runs; devices not named run the task's first."""
    availability: AvailabilityConfig = AvailabilityConfig()
    masks: MasksConfig = MasksConfig()
    load: LoadConfig = LoadConfig()
    faults: FaultsConfig = FaultsConfig()
    stragglers: StragglersConfig = StragglersConfig()
    jitter: Annotated[float, Field(ge=0, le=10)] = 0.1
    """Sigma of the log-normal factor on every job's compute time."""
