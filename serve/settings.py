"""What `mlecs serve` is told, checked before anything starts; also the arguments of a Serve config file."""

import ipaddress
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from mlecs_ray.errors import InputError

Count = Annotated[int, Field(ge=1)]


class Settings(BaseModel):
    """A server of one run's models."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    store: str
    """The folder with a folder for each version, as ``mlecs serve`` fills it below the run."""
    version: str
    """The version that answers first."""
    gallery: str
    """The folder of the galleries."""
    edge: tuple[str, ...] = ()
    """Names of edge models to serve; none: all."""
    cloud: str | None = None
    """The name of the model that answers as the cloud; None: the run's own; ``none``: nobody."""
    policy: Literal["cascade", "edge", "cloud"] = "cascade"
    """Of the model ``auto``."""
    key_file: str | None = None
    """API keys, as ``mlecs apikeys`` writes them; without one only this machine may ask."""
    hosts: tuple[str, ...] = ()
    """From where pictures may be fetched by URL; none: from nowhere."""
    slots: Count = 8
    """Requests that are worked on at once."""
    queue: Annotated[int, Field(ge=0)] = 64
    """Requests that wait for that; all others are told when to come back."""
    wait_seconds: Annotated[float, Field(gt=0)] = 1.0
    """Nobody waits who would have to wait for longer, by what requests took of late."""
    rows: Count = 8
    """Answers that run at once on one backbone."""
    context: Annotated[int, Field(ge=16)] = 1024
    """Most tokens of a prompt and its answer together."""
    engine: Literal["transformers", "llamacpp"] = "transformers"
    """What runs the language models; llama.cpp is quicker where few models are asked at once."""
    device: Literal["cpu", "cuda"] = "cpu"
    """Where language models run; ``cuda``: the replicas of both sides share the machine's GPUs."""
    gpus: Annotated[float, Field(gt=0, le=1)] = 0.5
    """That Ray reserves for each replica of a side where they run on GPUs; 0.5: the two share one."""
    residents: Count = 64
    """Models in the memory of a replica."""
    threads: Count | None = None
    """Of torch, in each replica; None: half of the cores, as both sides share them."""
    cpus: Annotated[float, Field(ge=0)] = 0.5
    """That Ray reserves for each replica of a side."""
    replicas: Count = 1
    """Of the edge's models and of the cloud's, each."""
    answer_seconds: Annotated[float, Field(gt=0)] = 120.0
    canary_share: Annotated[float, Field(gt=0, lt=1)] = 0.1
    """Of the traffic, for a new version on trial."""
    canary_answers: Count = 50
    """After how many answers the trial is judged."""
    canary_seconds: Annotated[float, Field(gt=0)] = 900.0
    """Where there are fewer, it is judged by its failures after that long."""
    log_file: str | None = None
    """A line of JSON for each request goes there, 10 MB a file, five files; None: to standard output."""
    tracing: Annotated[str, Field(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")] | None = None
    """``module:function`` that the gateway's process calls before anyone is let in, as one that sets an OpenTelemetry
    provider: then each request is a span."""
    started: str = ""
    """Names this start of a server: a gateway that is started anew goes on with the version that answered."""
    behind_proxy: bool = True
    """Whether Ray Serve's proxy stands before it, which puts request ids on answers itself."""

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if not (Path(self.store) / self.version).is_dir():
            raise InputError(
                f"version {self.version!r} is not below {self.store}, so there is nothing to serve; `mlecs serve RUN` "
                "puts it there"
            )
        return self

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.device == "cuda" and self.engine == "llamacpp":
            raise InputError(
                "device=cuda with engine=llamacpp: the extra [fast] is built for CPUs, so nothing was started; take "
                "engine=transformers"
            )
        return self

    @field_validator("engine")
    @classmethod
    def _installed(cls, engine: str) -> str:
        if engine == "llamacpp" and find_spec("llama_cpp") is None:
            raise InputError(
                'llama.cpp is not installed: `pip install "mlecs-ray[fast]"`, which builds it in minutes, or '
                "engine=transformers"
            )
        return engine


def check_gpus(settings: Settings, offered: float, needed: float) -> None:
    """Raise InputError where language models are to run on GPUs that are not there."""
    if settings.device == "cuda" and offered < needed:
        raise InputError(
            f"device=cuda needs {needed:g} GPUs and {offered:g} are here, so nothing was started: set it to cpu, or "
            "gpus to a smaller share"
        )


def check_host(host: str, key_file: str | None) -> None:
    """Raise InputError where strangers could ask without a key."""
    if key_file is None and not _loopback(host):
        raise InputError(
            f"--host {host} lets other machines ask, so a key file must say who may: `mlecs apikeys add NAME --file "
            "keys.jsonl`, then --key-file keys.jsonl; without one only 127.0.0.1 is served"
        )


def _loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
