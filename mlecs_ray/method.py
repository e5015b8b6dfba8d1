"""What a federated method is: the nouns it exchanges and the functions it implements."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal, Protocol, TypeGuard

from mlecs_ray.samples import Samples
from mlecs_ray.tree import Remembered, Tree, tree_bytes


@dataclass(frozen=True)
class Budget:
    """What a device can do; the figures bind (a payload that does not fit is refused)."""

    flops: float
    """Effective training FLOP/s."""
    memory_bytes: float
    uplink_bps: float
    """Bits per second, as links are sold."""
    downlink_bps: float
    latency_seconds: float
    """One way."""
    joules_per_flop: float
    joules_per_byte: float
    """Radio or network card, either direction."""
    battery_joules: float | None
    """None: on mains power."""


@dataclass(frozen=True)
class Client:
    """What the server may know of a client at the moment it is given a job."""

    id: int
    modalities: frozenset[str]
    budget: Budget
    device: str
    samples: int
    structure: str = ""
    """Which of the task's model structures it runs, e.g. an SLM size; "" where there is only one."""
    role: Literal["edge", "cloud"] = "edge"
    tier: int = 0
    step: int = 0
    """How often its environment has shifted: which edition of its data it has."""
    load: float = 1.0
    """How many times longer computing takes at this moment, by what else runs on it."""
    told: Tree = field(default_factory=dict, compare=False)
    """What it last told the server of itself (``Work.tells``); {} until it has."""


@dataclass(frozen=True)
class Job:
    """What the server sends a client."""

    client: Client
    version: int
    seed: int
    tree: Tree


@dataclass(frozen=True)
class Work:
    """What a job will cost, known before it starts: the virtual clock is built on it."""

    flops: float
    """Forward and backward, all steps."""
    upload: Tree
    """A tree of the shapes and types that will come back (values do not matter; meta tensors will do)."""
    memory_bytes: float
    """Peak on the device while it trains."""
    shared_bytes: float = 0.0
    """The part of it that clients trained in one process share: a frozen backbone."""
    tells: bool = False
    """The job only asks what its client has to tell of itself: nothing is merged, and the client's next job, which
    begins at once, is assigned by the answer (``Client.told``)."""

    @cached_property
    def upload_bytes(self) -> int:
        return _bytes(self.upload)


_bytes = Remembered(tree_bytes)


@dataclass(frozen=True)
class Update:
    """What a client sends back, and what it keeps for its next job."""

    tree: Tree
    weight: float
    kept: Tree = field(default_factory=dict)
    """Private: stays with the client, never passes through the server."""
    metrics: Mapping[str, float] = field(default_factory=dict)
    """Small numbers for selection and records, e.g. ``loss``."""
    norm: float | None = None
    """Euclidean norm of ``tree`` as the worker measured it, not the method: many at once, where they were trained."""


@dataclass(frozen=True)
class Arrival:
    """An update as the server meets it: from whom, and how many merges late, the cloud's own not counted."""

    client: Client
    update: Update
    staleness: int


class Predictor(Protocol):
    """What evaluation and Serve both call, so that what was measured is what is served."""

    def __call__(self, samples: Samples) -> Sequence[Any]:
        """One answer per sample: a class index, or a text."""


class Method(Protocol):
    """Pure functions over frozen hyper-parameters.

    ``init``, ``assign``, ``work`` and ``merge`` run on the server, ``train`` on a client, ``predictor`` anywhere.
    Nothing may be stored on ``self``: what must outlive a call is returned. No argument may be changed in place.
    """

    def init(self, seed: int) -> Tree:
        """The server state before any client has been heard."""

    def assign(self, state: Tree, client: Client) -> Tree:
        """What this client is sent: all of the model, an adapter, a sub-model."""

    def work(self, client: Client, tree: Tree) -> Work:
        """What training on ``tree`` (as assigned) will cost this client."""

    def train(self, job: Job, data: Samples, kept: Tree) -> Update:
        """Learn from what was sent, what the client owns and what it kept."""

    def merge(self, state: Tree, arrivals: Sequence[Arrival]) -> Tree:
        """The next server state."""

    def predictor(self, tree: Tree, kept: Tree, client: Client) -> Predictor:
        """The model that ``client`` would answer with, given what it is sent and what it kept."""


class CohortMethod(Method, Protocol):
    """A method that can also train many clients at once: what ``train`` gives each of them, up to rounding."""

    def train_many(self, jobs: Sequence[Job], datas: Sequence[Samples], kepts: Sequence[Tree]) -> Sequence[Update]:
        """Learn for clients of one structure, the same modalities and trees of the same shapes; versions may differ."""

    def obstacle(self) -> str | None:
        """Why ``train_many`` goes one by one; None where it is one computation."""


class ShowingMethod(Method, Protocol):
    """A method whose ``predictor`` is to be given something else than what a job begins with."""

    def shown(self, state: Tree, client: Client) -> Tree:
        """What ``predictor`` is given for an evaluation, and for serving."""


class DeviceMethod(Method, Protocol):
    """A method whose devices answer with models of their own."""

    def model(self, tree: Tree, kept: Tree, client: Client) -> Tree:
        """All that ``client`` answers from, given what ``predictor`` is given: that is ``scores`` of it."""

    def scores(self, model: Tree, client: Client) -> Callable[[Samples], Any]:
        """Samples to (n, classes), of which ``predictor`` gives the largest."""


class OutlinedMethod(Method, Protocol):
    """A method whose ``init`` learns, which takes long."""

    def outline(self) -> Tree:
        """A state of the shapes that ``init`` gives, without what takes long to learn."""


class AskingMethod(Method, Protocol):
    """A method that asks a client (``Work.tells``) before its first job."""

    def supposed(self, state: Tree, client: Client) -> Tree:
        """What ``client`` might tell: of the shapes of what it will."""


class CloudMethod(Method, Protocol):
    """A method in which the cloud has a model of its own, and clients keep parts of theirs."""

    @property
    def task(self) -> Any:
        """What is learned, as this method has it."""

    @property
    def usual_words(self) -> Any:
        """(d,): what all public captions say on average, which is taken from what one says."""

    @property
    def cloud_trains(self) -> bool:
        """Whether the cloud has a job after every merge of clients' updates."""

    @property
    def whole_structures(self) -> tuple[str, ...]:
        """The edge structures that the server can answer as, without what a client keeps."""

    def model(self, tree: Tree, kept: Tree, client: Client) -> Tree:
        """The task's parameters that ``predictor`` answers with."""


def collaborates(method: Method) -> TypeGuard[CloudMethod]:
    """Whether clients keep parts of their models, and the cloud may train its own."""
    return hasattr(method, "whole_structures")


def cloud_trains(method: Method) -> bool:
    """Whether the cloud has a job after every merge of clients' updates."""
    return bool(getattr(method, "cloud_trains", False))


def on_devices(method: Method) -> TypeGuard[DeviceMethod]:
    """Whether devices answer with models of their own, which are no parameters of the task's."""
    return hasattr(method, "scores")


def _for_cohorts(method: Method) -> TypeGuard[CohortMethod]:
    # To ask a protocol costs as much as a small job.
    return hasattr(method, "train_many")


def _shows(method: Method) -> TypeGuard[ShowingMethod]:
    return hasattr(method, "shown")


def _is_outlined(method: Method) -> TypeGuard[OutlinedMethod]:
    return hasattr(method, "outline")


def _asks(method: Method) -> TypeGuard[AskingMethod]:
    return hasattr(method, "supposed")


def having_told(method: Method, state: Tree, client: Client) -> Client:
    """The client as if it had told what it is asked first of all: by this a job that is no question is foreseen."""
    return replace(client, told=method.supposed(state, client)) if _asks(method) else client


def shown(method: Method, state: Tree, client: Client) -> Tree:
    """What this client's ``predictor`` is given of the server's state: what it would be sent, unless told other."""
    return method.shown(state, client) if _shows(method) else method.assign(state, client)


def outline(method: Method, seed: int) -> Tree:
    """A state by which costs can be told: of the right shapes, and at once where the method can; else the first of a
    run with this seed of ``init``."""
    return method.outline() if _is_outlined(method) else method.init(seed)


def train_together(
    method: Method, jobs: Sequence[Job], datas: Sequence[Samples], kepts: Sequence[Tree]
) -> Sequence[Update]:
    """As one cohort where the method can, else one after the other."""
    if _for_cohorts(method):
        return method.train_many(jobs, datas, kepts)
    return [method.train(job, data, kept) for job, data, kept in zip(jobs, datas, kepts, strict=True)]


def cohort_obstacle(method: Method) -> str | None:
    """Why clients of this method train one by one in a cohort; None where they are one computation."""
    return method.obstacle() if _for_cohorts(method) else f"{type(method).__name__} has no train_many"
