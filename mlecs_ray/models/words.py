"""Where words and fused representations meet: what a text says as one vector of 256 numbers, and back to soft tokens.

[ours] ``v = Q^T (mean of the vectors of the text's tokens) - u``, brought to length sqrt(128). Q (hidden, 128) spans
the largest part of the word vectors of the model that all edge models are cut from; u is what captions share ("A",
"."). A fused representation that says the same is ``[v ; -v]``: as ``GELU(x) - GELU(-x) = x``, the soft prompt's linear
layer ``[Q, -Q]`` behind its GELU gives exactly ``Q v``, the words' own place in the language model. So a soft prompt
starts as a reading of words, and contrast with ``[v ; -v]`` orders fused representations by meaning.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from mlecs_ray.models.fusion import FUSED
from mlecs_ray.wire import load_tree, save_tree

WIDTH = FUSED // 2
FILE = "words.safetensors"
"""Beside the weights of a model that has one."""
_SCALE = 0.4
"""Soft tokens are then about as long as word vectors, which are 2.9."""


@dataclass(frozen=True, eq=False)
class WordSpace:
    """``basis`` (hidden, 128) with orthonormal columns, and ``usual`` (128,), what texts share."""

    basis: Tensor
    usual: Tensor

    def vectors(self, texts: Sequence[Tensor]) -> Tensor:
        """Of each text its tokens' vectors (t, hidden), at least one: ``[v ; -v]`` (n, 256)."""
        found = F.normalize(_means(texts) @ self.basis - self.usual, dim=-1) * WIDTH**0.5
        return torch.cat([found, -found], 1)

    @property
    def reading(self) -> Tensor:
        """The soft prompt's weight for one token (hidden, 256)."""
        return _SCALE * torch.cat([self.basis, -self.basis], 1)


def word_space(table: Tensor, texts: Sequence[Tensor]) -> WordSpace:
    """Of a table of word vectors (vocabulary, hidden) and the token vectors of texts as they are usually said."""
    centred = table.double() - table.double().mean(0)
    _, directions = torch.linalg.eigh(centred.T @ centred)
    # A model narrower than the space leaves the rest of it empty.
    basis = F.pad(directions[:, -WIDTH:].float(), (0, max(0, WIDTH - table.shape[1])))
    return WordSpace(basis, (_means(texts) @ basis).mean(0))


def _means(texts: Sequence[Tensor]) -> Tensor:
    return torch.stack([vectors.mean(0) for vectors in texts])


def save_space(space: WordSpace, folder: Path) -> None:
    """Beside a model's weights."""
    save_tree({"basis": space.basis, "usual": space.usual}, folder / FILE)


@lru_cache
def find_space(source: str) -> WordSpace | None:
    """That of the model in this folder; None where it has none, as a model that was not cut here."""
    file = Path(source) / FILE
    if not file.is_file():
        return None
    tree = load_tree(file)
    return WordSpace(tree["basis"], tree["usual"])
