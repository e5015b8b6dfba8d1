"""From what a client senses to one fused representation: encoders, projections and fusion, as functions of a tree."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from mlecs_ray.errors import InputError
from mlecs_ray.models.dense import linear
from mlecs_ray.models.dropout import masks
from mlecs_ray.models.encoders import encode
from mlecs_ray.models.fusion import FUSIONS
from mlecs_ray.samples import Samples
from mlecs_ray.task import Views
from mlecs_ray.tree import Tree


@dataclass(frozen=True)
class Senses:
    """How one structure senses: the variant of its encoders, and how it joins them."""

    variant: str
    fusion: str
    modalities: tuple[str, ...]
    """In the order of fusion."""

    def encodings(self, params: Tree, batch: Samples) -> dict[str, Tensor]:
        """(n, 64) for each modality that the batch has; rows where it is absent mean nothing."""
        columns = batch.only(self.modalities).inputs
        if not columns:
            raise InputError(
                f"samples hold {sorted(batch.modalities)}, nothing that a client can sense who has "
                f"{list(self.modalities)}"
            )
        return {
            m: linear(params["projections"][m], encode(params["encoders"][m][self.variant], x))
            for m, x in columns.items()
        }

    def fused(self, params: Tree, batch: Samples) -> Tensor:
        """``fused_repr`` (n, 256): what may leave a client [paper]."""
        return FUSIONS[self.fusion](params[self.fusion], self.encodings(params, batch), batch.present)

    def views(self, params: Tree, batch: Samples) -> Views:
        """Together, and each modality alone; absent ones are zeros."""
        join, fusion = FUSIONS[self.fusion], params[self.fusion]
        encodings = self.encodings(params, batch)
        alone = [join(fusion, {m: z}, batch.present) for m, z in encodings.items()]
        present = torch.stack([batch.present[m] for m in encodings], 1)
        together = join(fusion, encodings, batch.present)
        return Views(together, torch.stack(alone, 1).masked_fill(~present[..., None], 0.0), present)


def noisy(batch: Samples, rate: float) -> Samples:
    """The batch with features dropped at random, for training: few samples of many features are learned by heart else.

    What ``noisy_each`` draws for one client, from torch's global generator.
    """
    if not rate:
        return batch
    return replace(batch, inputs={m: F.dropout(batch.inputs[m], rate) for m in sorted(batch.inputs)})


def noisy_each(batch: Samples, rate: float, real: Tensor, draws: Sequence[Generator]) -> Samples:
    """The same for k clients, each from its own stream; rows that are not ``real`` (k, b) count for nothing."""
    if not rate:
        return batch
    keep = real.flatten().nonzero()[:, 0].to(batch.device)
    counts: list[int] = real.sum(1).tolist()
    inputs: Mapping[str, Tensor] = {m: batch.inputs[m].clone() for m in sorted(batch.inputs)}
    for column in inputs.values():
        drawn = masks(draws, [(n, *column.shape[1:]) for n in counts], rate, batch.device)
        column[keep] = column[keep] * torch.cat(drawn)
    return replace(batch, inputs=inputs)
