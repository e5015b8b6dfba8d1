"""What travels between edge and cloud, and what a method makes of it: the parts that fill ``EdgeCloud``."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional as F

from mlecs_ray.methods.mixing import Mixing
from mlecs_ray.methods.stages import Term
from mlecs_ray.tree import Tree, tree_map

Scores = tuple[Tensor, Tensor]
"""Of every word: logits (w, vocabulary) and token (w,)."""
Mutual = Callable[[Scores, Scores], Tensor]
"""The loss of two models that have scored the same words."""
WIRE = torch.float16
"""What adapters and representations travel as: half the bytes, and rounding far below what a step changes."""


@dataclass(frozen=True)
class Parts:
    """What a method is made of, beside the frame."""

    lora: bool = True
    """Adapters travel."""
    reps: bool = False
    """Fused representations travel: anchors down, those of the public samples up."""
    edge: Term | None = None
    """Added to the loss of a client's public stage."""
    private: Term | None = None
    """Added to the loss of a client's private stage, where anchors are what its own captions say, with ``words``."""
    tuning: bool = True
    """The private stage tunes encoders, connector and soft prompt, not the adapters alone."""
    private_travels: bool = False
    """Adapters go up as the private stage leaves them, where all that a client learns is to be averaged; else as the
    public stage does."""
    pull: float = 1.0
    """How far a client goes from its own adapters to those that it is sent; 1: all the way."""
    cloud: Term | None = None
    """Added to the loss of the cloud's LLM."""
    mutual: Mutual | None = None
    """The loss of two models that learn by each other on the public samples: a client's own and the one that travels,
    the cloud's LLM and the receiver. What travels is then no part of the client's own model."""
    edit: Callable[[Tree, Tree], Tree] | None = None
    """``edit(sent, learned)`` gives the adapters that go up instead of those that were learned."""
    said: str = ""
    """Added to the instruction of the language models."""
    words: bool = False
    """What captions say are anchors: of public samples a part of the cloud's, of private ones the client's own."""
    cloud_trains: bool = True
    mixing: Mixing = field(default_factory=Mixing)
    matched: bool = False
    """Of clients that arrive together, those whose representation fits the sample's anchor best count most."""
    memory: float = 0.8
    """How much of a public sample's running mean of representations stays when another client's arrives [ours]."""

    @property
    def meet(self) -> bool:
        """Whether what edge and cloud make of one sample is drawn to one place: clients learn by anchors of it."""
        return self.reps and self.edge is not None

    @property
    def words_meet(self) -> bool:
        """Whether what is said of a sample is drawn there too."""
        return self.meet and self.words


def matched(anchors: Tensor, told: Sequence[Tensor]) -> Tensor:
    """CreamFL's mean of unit vectors (n, d) of several clients: ``sum_c w_kc z_kc`` of sample k, ``w_k = softmax_c
    (z_kc a_k - log sum_j e^(z_kc a_j))`` with unit anchors a; a client that sensed nothing of k has no weight.
    """
    unit, views = F.normalize(anchors, dim=-1), torch.stack(list(told))
    near = views @ unit.T
    fit = near.diagonal(dim1=1, dim2=2) - near.logsumexp(-1)
    weights = fit.masked_fill(views.eq(0).all(-1), -torch.inf).softmax(0).nan_to_num(0.0)
    return (weights[..., None] * views).sum(0)


def heard(mean: Tensor, view: Tensor, memory: float) -> Tensor:
    """The running mean of each public sample (n, d) with one more client's view: ``memory mean + (1 - memory) view``.

    The first view of a sample is its mean; one that is zero, as the client sensed nothing there, changes nothing.
    """
    told = view.ne(0).any(-1, keepdim=True)
    first = mean.eq(0).all(-1, keepdim=True)
    return torch.where(told, torch.where(first, view, memory * mean + (1 - memory) * view), mean)


def packed(tree: Tree) -> Tree:
    """As it travels."""
    return tree_map(lambda leaf: leaf.to(WIRE), tree)
