"""Ability enhancing: each sub-task gets a few modules that learn it well, by a linear programme (arXiv 2311.11083)."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from mlecs_ray.errors import InputError
from mlecs_ray.methods.eclm.programme import Limit, best, each_row
from mlecs_ray.models.modular import Numbers
from mlecs_ray.samples import Samples


@dataclass(frozen=True)
class SubTasks:
    """What devices meet: sets of classes that occur together, or domains."""

    sets: tuple[tuple[int, ...], ...] = ()
    domains: tuple[str, ...] = ()
    """In place of ``sets``."""

    def __post_init__(self) -> None:
        if bool(self.sets) == bool(self.domains):
            raise InputError("sub-tasks must be sets of classes or domains, one of them, or nothing tells them apart")

    def __len__(self) -> int:
        return len(self.sets or self.domains)

    def members(self, samples: Samples) -> Tensor:
        """(T, n) bool: which samples belong to which sub-task."""
        if self.domains:
            return torch.tensor([[domain == mine for domain in samples.domains] for mine in self.domains])
        if samples.labels is None:
            raise InputError("samples without labels belong to no set of classes, so there are no sub-tasks")
        return torch.stack([torch.isin(samples.labels, torch.tensor(mine)) for mine in self.sets])

    def draw(self, samples: Samples) -> Tensor:
        """(n,): for each sample one of its sub-tasks, from torch's own generator; -1 where it has none."""
        members = self.members(samples).T.float()
        none = members.sum(1) == 0
        return torch.multinomial(members + none[:, None], 1).flatten().masked_fill(none, -1)


def loads(gates: Tensor, members: Tensor) -> Tensor:
    """H (T, L, N): the mean gate of each module on the samples of each sub-task; gates (n, L, N), members (T, n)."""
    share = members.float() / members.sum(1, keepdim=True).clamp(min=1)
    return torch.einsum("tn,nlm->tlm", share, gates)


def choose(load: Numbers, most_load: float, most_modules: int) -> Numbers:
    """The mask M (T, N) of one layer: ``max sum(H M)``, M of zeros and ones, such that a module is loaded by at most
    ``most_load`` (kappa 1: ``sum_t H M``) and a sub-task has at most ``most_modules`` (kappa 2: ``sum_n M``).

    A sub-task that is left with none keeps its best: or its target would be no distribution.
    """
    by_module = np.eye(load.shape[1])[:, None, :] * load
    limits = [Limit(by_module, -np.inf, most_load), Limit(each_row(load.shape), -np.inf, most_modules)]
    # To prove the last thousandth takes minutes.
    mask = best(load, load > 0, limits, gap=1e-3)
    assert mask is not None, "to choose nothing keeps all limits"
    empty = ~mask.any(1)
    mask[empty, load[empty].argmax(1)] = True
    numbers: Numbers = mask.astype(np.float64)
    return numbers


def targets(load: Tensor, spread: float, few: int) -> Tensor:
    """(T, L, N): the rows of ``H M`` renormalised, layer by layer.

    ``few``: kappa 2; ``spread``: kappa 1 as a multiple of an even share, of all that sub-tasks' ``few`` best carry. (Of
    all load it would bind nobody where gates are even, and all sub-tasks would get the same modules.)
    """
    _, layers, modules = load.shape
    rows = []
    for layer in range(layers):
        h = load[:, layer].double().numpy()
        carried = np.sort(h, axis=1)[:, -few:].sum()
        masked = h * choose(h, spread * carried / modules, few)
        rows.append(torch.from_numpy(masked / masked.sum(1, keepdims=True)))
    return torch.stack(rows, 1).float()


def mismatch(scores: Tensor, wanted: Tensor) -> Tensor:
    """``KL(wanted || softmax(scores))``, summed over layers, mean over samples; both (n, L, N).

    This way round, as a target has zeros where the gates never do [form: ours].
    """
    return F.kl_div(scores.log_softmax(-1), wanted, reduction="none").sum((1, 2)).mean()
