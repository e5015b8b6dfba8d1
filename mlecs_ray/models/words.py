"""Where words and fused representations meet: what a text says as one vector of 256 numbers, and back to soft tokens.

[ours] ``v = sum_t table[t] - u``, brought to length sqrt(128); u is what captions share ("A", "."). The table
(vocabulary, 128) is learned so that the sum over a phrase's tokens is what a sentence encoder makes of the phrase, in
the directions in which phrases differ most (as in Model2Vec): things of a kind lie together, and nobody needs the
encoder itself. A fused representation that says the same is ``[v ; -v]``: as ``GELU(x) - GELU(-x) = x``, the soft
prompt's linear layer ``[R, -R]`` behind its GELU gives exactly ``R v``, about the word vector in the language model; in
one that was cut here the word vectors themselves get ``R table[t]`` added, where they differed least. So a soft prompt
starts as a reading of words, and contrast with ``[v ; -v]`` orders fused representations by meaning.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from mlecs_ray.models.fusion import FUSED
from mlecs_ray.wire import load_tree, save_tree

WIDTH = FUSED // 2
FILE = "meanings.safetensors"
"""Beside the weights of a model that has one."""


@dataclass(frozen=True, eq=False)
class WordSpace:
    """``table`` (vocabulary, 128), the meaning of each token; ``matrix`` (hidden, 128), the R of the reading; and
    ``usual`` (128,), what texts share."""

    table: Tensor
    matrix: Tensor
    usual: Tensor

    def vectors(self, texts: Sequence[Tensor]) -> Tensor:
        """Of each text its token ids (t,): ``[v ; -v]`` (n, 256)."""
        found = toward(torch.stack([self.table[ids].sum(0) for ids in texts]) - self.usual)
        return torch.cat([found, -found], 1)

    @property
    def reading(self) -> Tensor:
        """The soft prompt's weight for one token (hidden, 256)."""
        return torch.cat([self.matrix, -self.matrix], 1)


def toward(vectors: Tensor) -> Tensor:
    """The same directions (n, 128), of length sqrt(128): every number is about 1."""
    return F.normalize(vectors, dim=-1) * math.sqrt(WIDTH)


def save_space(space: WordSpace, folder: Path) -> None:
    """Beside a model's weights."""
    save_tree({"table": space.table, "matrix": space.matrix, "usual": space.usual}, folder / FILE)


@lru_cache
def find_space(source: str) -> WordSpace | None:
    """That of the model in this folder; None where it has none, as a model that was not cut here."""
    file = Path(source) / FILE
    if not file.is_file():
        return None
    tree = load_tree(file)
    return WordSpace(tree["table"], tree["matrix"], tree["usual"])


def taught_space(vectors: Tensor, texts: Sequence[Sequence[int]], meanings: Tensor, usual: int) -> WordSpace:
    """Of a model's word vectors (vocabulary, hidden), the token ids of texts and what an encoder makes of each (n, e).

    ``table = argmin sum_n |sum_t table[t] - y_n|^2 + |table|^2`` with y the meanings, less the mean of the first
    ``usual`` texts, along the 128 directions in which those differ most; ``matrix`` is the ridge regression from the
    table to the word vectors, over the tokens of the texts.
    """
    goal = _principal(meanings.double(), meanings[:usual].double())
    table = torch.zeros(len(vectors), WIDTH)
    table[:, : goal.shape[1]] = _static(texts, goal, len(vectors))
    shared = torch.stack([table[torch.tensor(ids)].sum(0) for ids in texts[:usual]]).mean(0)
    known = torch.tensor(sorted({token for ids in texts for token in ids}))
    return WordSpace(table, _reading(toward(table[known]), vectors[known]), shared)


def set_apart(space: WordSpace, vectors: Tensor) -> WordSpace:
    """The same meanings, read where word vectors (vocabulary, hidden) differ least, at their length: a model has said
    little there so far."""
    return replace(space, matrix=_quiet(vectors) * vectors.norm(dim=-1).mean() / math.sqrt(WIDTH))


def meant(space: WordSpace, vectors: Tensor, share: float, words: Sequence[int]) -> Tensor:
    """Word vectors (vocabulary, hidden), those of ``words`` with their meanings beside them, ``share`` times as a soft
    prompt says them.

    A soft token that reads ``v`` then points to the words that mean ``v``, as the head that says words holds the same
    vectors: it is a word itself, to a model that has only to pass it on.
    """
    chosen = torch.tensor(words)
    return vectors.index_add(0, chosen, toward(space.table[chosen]) @ space.matrix.T, alpha=share)


def _principal(meanings: Tensor, usual: Tensor) -> Tensor:
    """(n, at most 128) of (n, e); what tells most apart comes first, as a narrower model reads the first alone."""
    found: Tensor = (meanings - usual.mean(0)) @ _directions(usual)[:, -WIDTH:].flip(1)
    return found


def _static(texts: Sequence[Sequence[int]], goal: Tensor, vocabulary: int) -> Tensor:
    """(vocabulary, d): the table whose sums over texts are nearest to ``goal`` (n, d)."""
    # Imported here, as only who builds a model needs it.
    from scipy.sparse import csr_matrix
    from scipy.sparse.linalg import lsmr

    places = np.repeat(np.arange(len(texts)), [len(ids) for ids in texts])
    tokens = np.concatenate([np.asarray(ids) for ids in texts])
    counts = csr_matrix((np.ones(len(tokens)), (places, tokens)), shape=(len(texts), vocabulary))
    columns = [lsmr(counts, column, damp=1.0, atol=1e-4, btol=1e-4)[0] for column in goal.T.numpy()]
    return torch.tensor(np.stack(columns, 1), dtype=torch.float32)


def _reading(meanings: Tensor, vectors: Tensor, penalty: float = 10.0) -> Tensor:
    """(hidden, 128) that brings meanings (n, 128) about to word vectors (n, hidden)."""
    centred = vectors - vectors.mean(0)
    found: Tensor = torch.linalg.solve(meanings.T @ meanings + penalty * torch.eye(WIDTH), meanings.T @ centred)
    return _as_long(found.T, meanings, vectors)


def _quiet(vectors: Tensor) -> Tensor:
    """(hidden, 128): the directions in which vectors (n, hidden) differ least; zeros where there are fewer."""
    directions = _directions(vectors)
    return F.pad(directions[:, :WIDTH], (0, max(0, WIDTH - vectors.shape[1])))


def _directions(vectors: Tensor) -> Tensor:
    """Unit columns (d, d), those in which vectors (n, d) differ most last; in the precision of the vectors."""
    centred = vectors.double() - vectors.double().mean(0)
    directions: Tensor = torch.linalg.eigh(centred.T @ centred)[1]
    return directions.to(vectors.dtype)


def own_space(vectors: Tensor) -> WordSpace:
    """Of word vectors (vocabulary, hidden) alone, without any encoder: the 128 directions in which they differ most."""
    # A model narrower than the space leaves the rest of it empty.
    basis = F.pad(_directions(vectors)[:, -WIDTH:], (0, max(0, WIDTH - vectors.shape[1])))
    table = (vectors - vectors.mean(0)) @ basis
    return WordSpace(table, _as_long(basis, toward(table), vectors), torch.zeros(WIDTH))


def _as_long(matrix: Tensor, meanings: Tensor, vectors: Tensor) -> Tensor:
    """``matrix`` scaled so that what it reads from meanings is on average as long as word vectors are."""
    length = (meanings @ matrix.T).norm(dim=-1).mean().clamp(min=1e-6)
    scaled: Tensor = matrix * (vectors.norm(dim=-1).mean() / length)
    return scaled
