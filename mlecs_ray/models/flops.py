"""What one training step costs, counted by running it on tensors that hold no data."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from mlecs_ray.task import Cost
from mlecs_ray.tree import Tree, tree_bytes, tree_map

_COPIES = 4
Layers = Iterable[tuple[int, int]]
"""(inputs, outputs) of each."""


@dataclass(frozen=True)
class Step:
    """Cost of one forward and backward pass."""

    flops: int
    saved_bytes: int
    """Activations that autograd keeps for the backward pass, each storage once."""


def meta(tree: Tree) -> dict[str, Any]:
    """The same shapes and types without data, as leaves that want gradients."""
    return tree_map(lambda leaf: torch.empty_like(leaf, device="meta").requires_grad_(), tree)


def _computed(tensor: Tensor) -> bool:
    """Whether a step made this tensor; parameters and views of them were there before."""
    whole = tensor._base if tensor._base is not None else tensor
    return not whole.is_leaf


def zeros(tree: Tree) -> dict[str, Any]:
    """The same shapes and types as zeros that want gradients."""
    return tree_map(lambda leaf: torch.zeros_like(leaf).requires_grad_(), tree)


def count(step: Callable[[], Tensor]) -> Step:
    """Run ``step`` to its loss and back; two FLOPs per multiply-add, matrix products and convolutions only."""
    with FlopCounterMode(display=False) as counter:
        saved = saved_bytes(step)
    return Step(counter.get_total_flops(), saved)


def count_linear(step: Callable[[], Tensor], batch: int, first: Layers, later: Layers) -> Step:
    """What ``count`` gives of linear layers (inputs, outputs) alone, on tensors with data: two seconds sooner.

    Each costs ``2 batch inputs outputs`` forward and for the gradient of its weight, and once more for that of its
    input, but in ``first`` layers, whose input wants none.
    """
    products = 2 * sum(a * b for a, b in first) + 3 * sum(a * b for a, b in later)
    return Step(2 * batch * products, saved_bytes(step))


def saved_bytes(step: Callable[[], Tensor]) -> int:
    """Run ``step`` to its loss and back: the activations that autograd kept in between."""
    held: dict[int, Tensor] = {}

    def keep(tensor: Tensor) -> Tensor:
        # Holding the tensor keeps its storage alive, so that its address names it for the whole step.
        held.setdefault(tensor.untyped_storage()._cdata, tensor)
        return tensor

    # What is counted may be asked for the first time in the midst of an evaluation.
    with torch.enable_grad(), torch.autograd.graph.saved_tensors_hooks(keep, lambda t: t):
        step().backward()  # type: ignore[no-untyped-call]  # torch does not type it
    return sum(t.untyped_storage().nbytes() for t in held.values() if _computed(t))


def count_forward(step: Callable[[], object]) -> int:
    """The FLOPs of ``step``, which wants no gradient."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        step()
    return int(counter.get_total_flops())


def trained_bytes(params: Tree) -> int:
    """What training holds of these parameters: themselves, their gradients and AdamW's two moments."""
    return _COPIES * tree_bytes(params)


def cost(step: Step, batch: int, params: Tree, frozen_bytes: int = 0) -> Cost:
    """``step`` of ``batch`` samples as a task's ``Cost``, with AdamW's state and a frozen backbone beside it."""
    return Cost(step.flops / batch, float(frozen_bytes + trained_bytes(params) + step.saved_bytes))
