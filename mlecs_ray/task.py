"""What is learned, apart from how it is federated: a model, its loss and its answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypeGuard

from torch import Generator, Tensor

from mlecs_ray.method import Client, Predictor
from mlecs_ray.samples import Samples
from mlecs_ray.tree import Tree


@dataclass(frozen=True)
class Cost:
    """What training costs a client's structure, counted once per shape."""

    flops_per_sample: float
    """Forward and backward."""
    memory_bytes: float
    """Backbone, parameters, gradients, optimiser state and the activations of one batch."""
    shared_bytes: float = 0.0
    """The part of it that is the backbone, frozen and one for all."""


class Task(Protocol):
    """Pure functions of parameters. Frozen backbones are no parameters: they load once per process, by path.

    ``client`` tells the structure and the modalities in use; modules of absent modalities are neither held nor run.
    """

    @property
    def structure_names(self) -> tuple[str, ...]:
        """The model structures that clients may run, the usual one first; ``("",)`` where there is only one."""

    def init(self, seed: int) -> Tree:
        """All trainable parameters that the server holds, for every structure and modality."""

    def part(self, params: Tree, client: Client) -> Tree:
        """The parameters that this client uses; the same paths, fewer of them."""

    def loss(self, params: Tree, batch: Samples, client: Client) -> Tensor:
        """Mean loss of the batch, a scalar. Dropout draws from torch's global generator, which the worker seeds."""

    def cost(self, client: Client, batch: int) -> Cost:
        """FLOPs and memory of training ``client``'s structure at this batch size."""

    def predictor(self, params: Tree, client: Client) -> Predictor:
        """The answers of ``client``'s structure with these parameters."""


class StackedTask(Task, Protocol):
    """A task that can train several clients of one structure and the same modalities as one computation."""

    def losses(self, params: Tree, batch: Samples, real: Tensor, client: Client, draws: Sequence[Generator]) -> Tensor:
        """The loss of each of k clients, (k,): ``loss`` of its own parameters on its own rows.

        Leaves of ``params`` are (k, ...). ``batch`` has k * b rows, client after client, of which those where ``real``
        (k, b) is False fill up and count for nothing; each client has one that is real. ``client`` is any of the k.
        Dropout of client i draws from ``draws[i]`` what ``loss`` draws from torch's global generator.
        """


class Views(NamedTuple):
    """What a client makes of n samples by all of its M modalities together and by each alone."""

    fused: Tensor
    """(n, d)."""
    alone: Tensor
    """(n, M, d); zeros where the modality is absent."""
    present: Tensor
    """(n, M)."""


class FusingTask(Task, Protocol):
    """A task whose clients fuse what they sense into one representation, and tune a language model by adapters.

    Of its parameters, ``lora`` holds the adapters by module, ``A`` (rank, inputs) and ``B`` (outputs, rank), and
    ``encoders`` what reads the senses; the rest is the connector between the two.
    """

    def fused(self, params: Tree, batch: Samples, client: Client) -> Tensor:
        """``fused_repr`` (n, d), from the client's modalities that are there."""

    def views(self, params: Tree, batch: Samples, client: Client) -> Views:
        """As each modality alone would be fused, and all together, in training."""

    def scores(self, params: Tree, batch: Samples, client: Client) -> tuple[Tensor, Tensor]:
        """Of every word token, in training: logits (w, vocabulary), given the words before it, and id (w,).

        ``loss`` is their cross-entropy.
        """

    @property
    def one_vocabulary(self) -> bool:
        """Whether the scores of all structures are about the same tokens."""

    def words(self, texts: Sequence[str], client: Client) -> Tensor:
        """What texts say, by the word vectors of the client's language model, where ``fused_repr`` is (n, d)."""

    def adapters(self, lora: Tree, client: Client) -> Tree:
        """Of the server's adapters those that the client's structure holds, cut to its rank."""


def can_fuse(task: Task) -> TypeGuard[FusingTask]:
    """Whether its clients have fused representations and adapters to exchange."""
    return hasattr(task, "views")


def can_be_stacked(task: Task) -> TypeGuard[StackedTask]:
    """Whether it has ``losses``."""
    return hasattr(task, "losses")
