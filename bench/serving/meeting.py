"""How well vectors of one space find each other: words find pictures, and one model's pictures another's."""

from collections.abc import Iterator

import torch
from torch import Tensor

from bench.serving.bed import Bed
from bench.serving.figures import Figure, Found
from mlecs_ray.run.artifact import Card
from mlecs_ray.samples import Samples
from mlecs_ray.serving.host import Host

BEST = 5
"""Among so many must the right one be."""


def meeting(bed: Bed) -> Found:
    """On pictures of test rows that no threshold was fitted to, each with what is said of it."""
    told = bed.test.take([row for row in range(len(bed.test)) if bool(bed.test.present["image"][row])])
    seen, texts, host = told.only(["image"]), told.texts, Host(bed.store)
    others = [card for card in _clients(bed) if card.structure != bed.edge.structure]
    models = [("the cloud", bed.cloud), ("the edge", bed.edge), *((card.name, card) for card in others[:1])]
    pictures = {name: _pictures(bed, host, card, seen) for name, card in models}
    usual = host.load(f"{bed.edge.name}@{bed.bundle.version}")
    words = host.embed_text(usual, texts)
    pairs = [(f"words find pictures by {name}", words, found) for name, found in pictures.items()]
    pairs += [
        (f"pictures by {name} find those by the edge", found, pictures["the edge"])
        for name, found in pictures.items()
        if name != "the edge"
    ]
    return Found(
        "Vectors that meet",
        f"{len(texts)} pictures of test rows that no threshold was fitted to; how often the right one is among the "
        f"{BEST} nearest, {100 * BEST / len(texts):.1f} % by chance. {others[0].name if others else 'No client'} is of "
        "another kind than the edge's model.",
        tuple(Figure(name, 100 * recall(asked, found, BEST), "%") for name, asked, found in pairs),
        (),
    )


def recall(asked: Tensor, found: Tensor, best: int) -> float:
    """How often row i of ``found`` (n, d) is among the ``best`` nearest to row i of ``asked``, both of length 1."""
    near = (asked @ found.T).topk(min(best, len(found)), dim=1).indices
    return float((near == torch.arange(len(asked))[:, None]).any(1).double().mean())


def _clients(bed: Bed) -> Iterator[Card]:
    return (card for card in bed.bundle.cards.values() if card.client is not None and "image" in card.modalities)


@torch.no_grad()
def _pictures(bed: Bed, host: Host, card: Card, seen: Samples) -> Tensor:
    """(n, 256) at length 1 of samples on the models' scale."""
    resident = host.load(f"{card.name}@{bed.bundle.version}")
    task = resident.captioner
    assert task is not None
    return torch.nn.functional.normalize(task.fused(resident.params, seen, resident.client), dim=1)
