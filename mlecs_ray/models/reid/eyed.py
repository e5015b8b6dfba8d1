"""A language model that was given eyes: SmolLM2, or any other, reads what MobileNetV2 saw through a connector.

[ours] The paper's teacher is Qwen2-VL-2B; here a causal language model of any size stands for its language part, and
a MobileNetV2 that has learned to see by itself, with a connector, for its vision tower.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, final

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pad_sequence
from transformers import DynamicCache

from mlecs_ray.errors import InputError
from mlecs_ray.models.mobilenet import FEATURES
from mlecs_ray.models.reid.prompts import SIGHTS, request, system
from mlecs_ray.models.reid.sft import SFT, adapted
from mlecs_ray.models.reid.sight import glimpses
from mlecs_ray.models.slm import SLM

LONGEST = 24
"""Tokens of a sentence that are read."""
_SHORT = 8
_END = "<|im_end|>"
_AFTER = f"{_END}\n<|im_start|>assistant\n"
"""Where an answer would begin: there a model that talks has made up its mind what it was shown."""
_MOMENTUM = 0.1
_SETTLED, _AT_ONCE = 640, 64


class _Told(NamedTuple):
    """The start of a chat for each modality."""

    place: Mapping[str, int]
    past: Any
    there: Tensor
    """(modalities, t): which places of the cache are no padding."""


@final
class EyedLM(nn.Module):
    """Embeds pictures, (n, tokens, 1280) of ``glimpses``, and sentences, (n, t) token ids with -1 where they have
    ended, as the last hidden state where a chat's answer would begin, (n, d). [ours] From that the modality's
    mean is taken and its spread made 1, as a batch norm does.

    What the chat says before picture or sentence is the same for all of a modality, and is read once for a batch.
    """

    def __init__(self, slm: SLM, eye: Callable[[Tensor], Tensor], rules: SFT, layers: int | None = None) -> None:
        """``eye``: maps (n, 96, h, w) of MobileNetV2's frozen part to its last, (n, 1280, h, w); ``layers``: keep the
        first so many of the model's."""
        super().__init__()
        self._tokenizer, self._eye = slm.tokenizer, eye
        words: Tensor = slm.model.get_input_embeddings().weight
        self.width: int = words.shape[1]
        self.lm: Any = adapted(_shortened(slm.model.base_model, layers), rules)
        self.connector = nn.Sequential(
            nn.LayerNorm(FEATURES), nn.Linear(FEATURES, self.width), nn.GELU(), nn.Linear(self.width, self.width)
        )
        # What a chat ends with points nearly the same way, whoever is meant, and elsewhere for each modality.
        self.centre = nn.ModuleDict({m: nn.BatchNorm1d(self.width, momentum=_MOMENTUM, affine=False) for m in SIGHTS})
        # What pictures become is as long as words are, or the model would hear nothing else.
        self.loudness = nn.LayerNorm(self.width)
        with torch.no_grad():
            self.loudness.weight.fill_(float(words.std()))

    def prepared(self, modality: str, seen: Tensor | Sequence[str]) -> Tensor:
        """What ``forward`` reads, made once: of maps (n, 96, h, w) the glimpses, of sentences their token ids."""
        if isinstance(seen, Tensor):
            return glimpses(seen, self._eye)
        rows = [torch.tensor(self._ids(said)[:LONGEST], dtype=torch.int64) for said in seen]
        return pad_sequence(rows, batch_first=True, padding_value=-1)

    def forward(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """(n, d) by modality."""
        modalities = sorted(inputs)
        told = self._told(modalities)
        parts, lengths = zip(*(self._body(inputs[m]) for m in modalities), strict=True)
        counts = [len(one) for one in lengths]
        whose = torch.repeat_interleave(torch.tensor([told.place[m] for m in modalities]), torch.tensor(counts))
        longest, every = max(part.shape[1] for part in parts), torch.cat(lengths)
        bodies = torch.cat([F.pad(part, (0, 0, 0, longest - part.shape[1])) for part in parts])
        states = bodies.new_zeros(len(bodies), self.width)
        # Most are short, and would be padded to the length of the longest sentence.
        for rows in ((every <= _SHORT).nonzero()[:, 0], (every > _SHORT).nonzero()[:, 0]):
            if len(rows):
                heard = self._heard(told, whose[rows], *self._ended(bodies[rows], every[rows]))
                states = states.index_copy(0, rows, heard)
        return {m: self._centred(m, x) for m, x in zip(modalities, torch.split(states, counts), strict=True)}

    def merge(self) -> None:
        """Make the adapters part of the weights: it answers sooner, and learns no more."""
        self.lm.merge_adapter()

    def _centred(self, modality: str, states: Tensor) -> Tensor:
        norm: Any = self.centre[modality]
        if len(states) > 1:
            found: Tensor = norm(states)
            return found
        # One alone has no spread of its own.
        return F.batch_norm(states, norm.running_mean, norm.running_var)

    @torch.no_grad()
    def settle(self, inputs: Mapping[str, Tensor]) -> None:
        """Take mean and spread of each modality from these, once it has learned: those of its last batches are few."""
        self.eval()
        for modality, every in inputs.items():
            norm: Any = self.centre[modality]
            norm.reset_running_stats()
            norm.train().momentum = None
            for part in torch.split(every[:_SETTLED], _AT_ONCE):
                if len(part) > 1:
                    self({modality: part})
            norm.eval().momentum = _MOMENTUM

    def words_of(self, inputs: Tensor) -> Tensor:
        """(n, d): the mean word of a sentence, or what a picture becomes in its place, less what all words have in
        common. No language model reads it."""
        body, lengths = self._body(inputs)
        there = (torch.arange(body.shape[1]) < lengths[:, None])[..., None]
        common: Tensor = self.lm.get_input_embeddings().weight.mean(0)
        return ((body - common) * there).sum(1) / lengths.clamp(min=1)[:, None]

    def _told(self, modalities: Sequence[str]) -> _Told:
        """What comes before, read once for each modality; shorter ones begin later."""
        ids = [self._ids(_before(modality)) for modality in modalities]
        longest = max(map(len, ids))
        padded = torch.tensor([[0] * (longest - len(one)) + one for one in ids])
        there = torch.tensor([[0] * (longest - len(one)) + [1] * len(one) for one in ids])
        places = (there.cumsum(1) - 1).clamp(min=0)
        past = self.lm(input_ids=padded, attention_mask=there, position_ids=places, use_cache=True).past_key_values
        return _Told({m: i for i, m in enumerate(modalities)}, past, there)

    def _heard(self, told: _Told, whose: Tensor, whole: Tensor, ends: Tensor) -> Tensor:
        """(n, d) at ``ends`` of (n, t, d), each behind the start of a chat that is its own."""
        # Attention is causal, so nobody sees what stands behind the end of a row.
        before = told.there[whose]
        there = torch.cat([before, torch.ones(whole.shape[:2], dtype=torch.long)], 1)
        places = before.sum(1, keepdim=True) + torch.arange(whole.shape[1])
        past = DynamicCache()
        for number, layer in enumerate(told.past.layers):
            past.update(layer.keys[whose], layer.values[whose], number)
        states: Tensor = self.lm(
            inputs_embeds=whole, attention_mask=there, position_ids=places, past_key_values=past, use_cache=True
        ).last_hidden_state
        return states[torch.arange(len(whole)), ends]

    def _ended(self, bodies: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """(n, t, d) with the chat's end behind each, and the place of its last token."""
        ending = self._words(torch.tensor(self._ids(_AFTER)))
        longest = int(lengths.max()) + len(ending)
        bodies = F.pad(bodies, (0, 0, 0, len(ending)))[:, :longest]
        behind = torch.arange(longest) - lengths[:, None]
        inside = ((behind >= 0) & (behind < len(ending)))[..., None]
        return torch.where(inside, ending[behind.clamp(0, len(ending) - 1)], bodies), lengths + len(ending) - 1

    def _body(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """(n, t, d), and how many of the t are real."""
        if inputs.is_floating_point():
            return self.loudness(self.connector(inputs.float())), torch.full((len(inputs),), inputs.shape[1])
        lengths = (inputs >= 0).sum(1)
        return self._words(inputs[:, : int(lengths.max())].clamp(min=0)), lengths

    def _words(self, ids: Tensor) -> Tensor:
        found: Tensor = self.lm.get_input_embeddings()(ids)
        return found

    def _ids(self, said: str) -> list[int]:
        ids: list[int] = self._tokenizer(said, add_special_tokens=False)["input_ids"]
        return ids


def _shortened(model: Any, layers: int | None) -> Any:
    """The model with its first layers alone."""
    if layers is not None:
        if not 1 <= layers <= len(model.layers):
            raise InputError(f"layers={layers} must lie in 1..{len(model.layers)}: the model has no more")
        model.layers = model.layers[:layers]
        model.config.num_hidden_layers = layers
    return model


def _before(modality: str) -> str:
    """What a chat says before picture or sentence, as SmolLM2 was taught to be talked to."""
    return f"<|im_start|>system\n{system(modality)}{_END}\n<|im_start|>user\n{request(modality)}\n"
