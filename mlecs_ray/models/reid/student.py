"""The edge's dual encoder: MobileNetV2 for pictures, a shortened MiniLM for sentences, a head for each modality.

[paper] A CLIP-like student with four heads into the teacher's space, about a fifth of its size. [ours] The lower part
of both encoders is frozen, so what it makes of a sighting is computed once: ``lower``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F
from transformers import AutoModel

from mlecs_ray.errors import InputError
from mlecs_ray.models.classifier import seeded
from mlecs_ray.models.mobilenet import FEATURES, MobileNetV2, folded
from mlecs_ray.models.reid.kinds import PICTURES, TEXT
from mlecs_ray.models.reid.sight import seen
from mlecs_ray.models.slm import quiet
from mlecs_ray.tree import Tree, leaves

BLOCKS = 14
"""So many of MobileNetV2's 19 are frozen."""
CHANNELS, STRIDE = 96, 16
"""Of what they give."""
_CHUNK = 64
_WORDS = 16


@dataclass(frozen=True)
class Student:
    """Which encoders, and what of them learns. A value: its parameters are a tree.

    ``eye`` is a file of MobileNetV2's weights, ``words`` a folder of MiniLM, or of any other BERT.
    """

    eye: str = field(repr=False)
    words: str = field(repr=False)
    width: int
    """d, the teacher's."""
    made: str = ""
    """Which weights those are, wherever they lie: what tells one student from another."""
    side: int = 96
    """To this, in pixels, pictures are brought."""
    layers: int = 4
    """Of the text encoder's, the first so many are kept."""
    trained: int = 2
    """Of these, the last so many learn."""

    def __post_init__(self) -> None:
        if not 1 <= self.trained <= self.layers:
            raise InputError(
                f"trained={self.trained} must lie in 1..layers={self.layers}, or no layer reads what it learns to"
            )
        if self.side < 32:
            raise InputError(f"side={self.side} must be 32 or more, or nothing is left of a picture at MobileNet's end")

    def init(self, seed: int) -> Tree:
        """``eye`` and ``words`` as they were trained by their makers, ``heads`` fresh: ``<modality>/weight`` (d, w)."""
        made = towers(self)
        heads = {m: _head(self.width, FEATURES, seed + i) for i, m in enumerate(PICTURES)}
        heads[TEXT] = _head(self.width, made.hidden, seed + len(PICTURES))
        return {"eye": _params(made.eye_upper), "words": _params(made.words_upper), "heads": heads}

    def lower(self, modality: str, inputs: Tensor) -> Tensor:
        """What the frozen part makes of pictures (n, c, h, w) in 0..255, (n, 96, side / 16, side / 16), and of token
        ids (n, t) with 0 where they have ended, (n, t, hidden); float16."""
        made = towers(self)
        with torch.no_grad():
            if modality == TEXT:
                parts = [made.read(part) for part in torch.split(inputs, _CHUNK)]
            else:
                parts = [made.eye_lower(seen(part, self.side)) for part in torch.split(inputs, _CHUNK)]
            return torch.cat(parts).half().contiguous()

    def embed(self, params: Tree, modality: str, lower: Tensor) -> Tensor:
        """(n, d) of unit length, from what ``lower`` gave, or from that in rows."""
        head = params["heads"][modality]
        return F.normalize(F.linear(self.pooled(params, modality, lower), head["weight"], head["bias"]), dim=1)

    def pooled(self, params: Tree, modality: str, lower: Tensor) -> Tensor:
        """(n, w), what the modality's head reads."""
        made, x = towers(self), lower.float()
        if x.dim() == 2:
            x = x.view(len(x), -1, made.hidden) if modality == TEXT else x.view(len(x), CHANNELS, *[self.grid] * 2)
        return made.understood(params["words"], x) if modality == TEXT else self.looked(params, x).mean((2, 3))

    def looked(self, params: Tree, lower: Tensor) -> Tensor:
        """(n, 1280, h, w): the last map of pictures, from what ``lower`` gave, as float32."""
        made = towers(self)
        with made.alone:
            found: Tensor = functional_call(made.eye_upper, flat(params["eye"]), (lower,))
        return found

    def part(self, params: Tree, modalities: frozenset[str]) -> Tree:
        """Of ``params`` what these modalities run."""
        found: dict[str, Any] = {"heads": {m: params["heads"][m] for m in params["heads"] if m in modalities}}
        if modalities & set(PICTURES):
            found["eye"] = params["eye"]
        if TEXT in modalities:
            found["words"] = params["words"]
        return found

    def blank(self, modality: str, n: int) -> Tensor:
        """What ``lower`` reads, without anybody on it: for counting. Sentences are as long as most."""
        if modality == TEXT:
            return torch.ones(n, _WORDS, dtype=torch.int64)
        return torch.zeros(n, 3, self.side, self.side, dtype=torch.uint8)

    @property
    def grid(self) -> int:
        """Places of a frozen map each way."""
        return -(-self.side // STRIDE)

    def parameters(self, params: Tree) -> int:
        """All that it has, what is frozen too."""
        return self.frozen_bytes // 4 + sum(leaf.numel() for _, leaf in leaves(params))

    @property
    def frozen_bytes(self) -> int:
        """Of the parts that never change, in float32."""
        made = towers(self)
        return sum(p.nbytes for one in (made.eye_lower, made.words_lower) for p in one.parameters())


@dataclass(frozen=True, eq=False)
class Towers:
    """The modules of one process; what is trained of them stands in as a tree at each call."""

    eye_lower: nn.Module
    eye_upper: nn.Module
    words_lower: Any
    """BERT with its lower layers alone."""
    words_upper: nn.ModuleList
    hidden: int
    alone: Lock = field(default_factory=Lock)
    """Held while parameters stand in: two threads at once would each compute with some of the other's."""

    def read(self, ids: Tensor) -> Tensor:
        there = ids != 0
        # A row without words attends to its first place, or nothing would be a number; it is zeros in the end.
        mask = there | (torch.arange(ids.shape[1]) == 0)
        states: Tensor = self.words_lower(input_ids=ids, attention_mask=mask.long()).last_hidden_state
        return states.masked_fill(~there[..., None], 0.0)

    def understood(self, params: Tree, states: Tensor) -> Tensor:
        """(n, t, hidden) to the mean over the tokens that are there, (n, hidden)."""
        there = states.abs().sum(2) > 0
        longest = max(int(there.any(0).sum()), 1)
        there, states = there[:, :longest], states[:, :longest]
        mask = (there | (torch.arange(states.shape[1], device=states.device) == 0))[:, None, None]
        with self.alone:
            for name, layer in self.words_upper.named_children():
                states = functional_call(layer, flat(params[name]), (states,), {"attention_mask": mask})
        weights = there[..., None].to(states.dtype)
        return (states * weights).sum(1) / weights.sum(1).clamp(min=1)


@lru_cache(maxsize=4)
def towers(student: Student) -> Towers:
    """Its modules in this process, loaded once. Raises InputError where the text encoder has fewer layers."""
    quiet()
    with torch.random.fork_rng(devices=[]):
        eye = MobileNetV2.load(Path(student.eye))
        words: Any = AutoModel.from_pretrained(student.words, local_files_only=True, attn_implementation="sdpa")
    words = words.eval().requires_grad_(False)
    layers = words.encoder.layer
    if student.layers > len(layers):
        raise InputError(f"layers={student.layers} must be {len(layers)} or fewer: {student.words} has no more")
    split = student.layers - student.trained
    upper, words.encoder.layer = nn.ModuleList(layers[split : student.layers]), layers[:split]
    words.pooler = None
    return Towers(folded(eye.features[:BLOCKS]), eye.features[BLOCKS:], words, upper, int(words.config.hidden_size))


def _head(width: int, inputs: int, seed: int) -> dict[str, Tensor]:
    made = seeded(seed, lambda: nn.Linear(inputs, width))
    return {"weight": made.weight.detach(), "bias": made.bias.detach()}


def _params(module: nn.Module) -> dict[str, Any]:
    """Parameters by child: ``<child>/<dotted name>``."""
    return {
        name: {leaf: p.detach().clone() for leaf, p in child.named_parameters()}
        for name, child in module.named_children()
    }


def flat(params: Mapping[str, Any]) -> dict[str, Tensor]:
    """As ``functional_call`` takes them."""
    flat: dict[str, Tensor] = {}
    for name, one in params.items():
        flat |= {name: one} if isinstance(one, Tensor) else {f"{name}.{leaf}": x for leaf, x in one.items()}
    return flat
