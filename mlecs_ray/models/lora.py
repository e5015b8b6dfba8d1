"""Frozen language models with low-rank adapters (Hu et al., arXiv 2106.09685) whose weights come from a tree."""

import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, cached_property
from threading import Lock
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from torch import Tensor, nn
from torch.func import functional_call
from transformers import AutoConfig, AutoTokenizer

from mlecs_ray.errors import InputError
from mlecs_ray.models.pack import ATTENTION, Pack, Seat, Wearer, ends_only, packs, seated
from mlecs_ray.models.slm import blank, layer_numbers, load
from mlecs_ray.tree import Tree

_ATTENTION = ("q_proj", "k_proj", "v_proj", "o_proj")
_NAME = re.compile(r"(?:layers|h|blocks)\.(\d+)\.(.+)\.lora_([AB])\.default\.weight")


@dataclass(frozen=True)
class LoRA:
    """``W x + (alpha / rank) B A x`` on every projection of the attention [paper: r=8, alpha=16, dropout 0.05]."""

    rank: int = 8
    alpha: int = 16
    dropout: float = 0.05

    def __post_init__(self) -> None:
        if self.rank < 1 or not 0 <= self.dropout < 1:
            raise InputError(
                f"rank={self.rank} must be 1 or more and dropout={self.dropout} in 0..1, or nothing adapts"
            )


@dataclass(frozen=True)
class Leaf:
    """One adapter matrix: where it lives in the tree and in the module, and its shape."""

    module: str
    """E.g. ``layers.28.self_attn.q_proj``, by the layer's number in the model that was pruned."""
    side: str
    """``A`` (rank, inputs) or ``B`` (outputs, rank)."""
    parameter: str
    shape: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Backbone:
    """A frozen causal LM of this process. The lock is held while adapters stand in its modules."""

    peft: Any
    tokenizer: Any
    leaves: tuple[Leaf, ...]
    seat: Seat
    packs: bool
    """Whether several clients' samples can run as one ``Pack``."""
    lock: Lock = field(default_factory=Lock)

    @property
    def decoder(self) -> Any:
        """The LM without its head."""
        return self.peft.get_base_model().base_model

    @property
    def device(self) -> torch.device:
        """Where its weights are."""
        found: torch.device = self.peft.get_input_embeddings().weight.device
        return found

    @property
    def hidden(self) -> int:
        return int(self.peft.get_base_model().config.hidden_size)

    @property
    def frozen_bytes(self) -> int:
        """The weights of the model itself."""
        return sum(p.nbytes for name, p in self.peft.named_parameters() if "lora_" not in name)

    def embed(self, ids: Tensor) -> Tensor:
        """Token ids (n, t) to (n, t, hidden)."""
        return self.peft.get_input_embeddings()(ids)  # type: ignore[no-any-return]  # transformers does not type it

    def logits(self, states: Tensor) -> Tensor:
        """Hidden states (..., hidden) to (..., vocabulary)."""
        weights = {"weight": self._half_head} if torch.is_autocast_enabled("cpu") else {}
        return functional_call(self._head, weights, (states,))  # type: ignore[no-any-return]  # as above

    @property
    def _head(self) -> Any:
        return self.peft.get_base_model().get_output_embeddings()

    @cached_property
    def _halves(self) -> dict[str, Tensor]:
        """The frozen matrices as autocast makes them at every product, as it remembers only those that are trained: a
        seventh of a step."""
        own = {leaf.parameter for leaf in self.leaves}
        layers = {name for name, part in self.decoder.named_modules() if isinstance(part, nn.Linear)}
        parameters = self.decoder.named_parameters()
        return {name: p.bfloat16() for name, p in parameters if name.rpartition(".")[0] in layers and name not in own}

    @cached_property
    def _half_head(self) -> Tensor:
        half: Tensor = self._head.weight.bfloat16()
        return half

    def states(self, adapters: Tree, embeds: Tensor, train: bool = False, past: Any = None) -> Tensor:
        """Inputs (n, t, hidden) to the last hidden states (n, t, hidden) under these adapters.

        Rows must be padded on the right, if at all: attention is causal, so real positions never see the padding.
        ``past`` is a cache of ``transformers``, which grows.
        """
        inputs = {"past_key_values": past, "use_cache": past is not None}
        if embeds.is_meta:
            # Without a mask the library reads the positions to see that no rows are packed; here they hold no data.
            inputs["attention_mask"] = torch.ones(1, 1, *[embeds.shape[1]] * 2, dtype=torch.bool, device="meta")
        with self.lock:
            return self._run(adapters, train, inputs_embeds=embeds, **inputs)

    def stepped(self, adapters: Tree, embeds: Tensor, **inputs: Any) -> Tensor:
        """Inputs (n, t, hidden) to states, for whoever keeps the past: mask, positions and cache are in ``inputs``.

        Leaves of ``adapters`` are those of all rows, or (n, ...) those of each.
        """
        with self.lock:
            self._mode(train=False)
            self.seat.worn = adapters
            try:
                return self.decoder(inputs_embeds=embeds, **inputs).last_hidden_state  # type: ignore[no-any-return]  # as above
            finally:
                self.seat.worn = None

    def packed_states(self, adapters: Tree, embeds: Tensor, pack: Pack) -> Tensor:
        """Inputs (1, T, hidden) of k clients to the states that ``pack`` asks for, (W, hidden); for training.

        Leaves of ``adapters`` are (k, ...).
        """
        with self.lock, self._seated(pack), ends_only(self.decoder, pack):
            states = self._run(
                adapters, True, inputs_embeds=embeds, position_ids=pack.positions, use_cache=False, pack=pack
            )
        return states[0, pack.ends]

    def _run(self, adapters: Tree, train: bool, **inputs: Any) -> Tensor:
        weights = {leaf.parameter: adapters[leaf.module][leaf.side] for leaf in self.leaves}
        weights |= self._halves if torch.is_autocast_enabled("cpu") else {}
        self._mode(train)
        output = functional_call(self.decoder, weights, (), inputs, tie_weights=False)
        return output.last_hidden_state  # type: ignore[no-any-return]  # as above

    def _mode(self, train: bool) -> None:
        # To walk through all modules costs a tenth of a small model's step.
        if self.decoder.training != train:
            self.decoder.train(train)

    @contextmanager
    def _seated(self, pack: Pack) -> Iterator[None]:
        config = self.decoder.config
        usual, config._attn_implementation, self.seat.pack = config._attn_implementation, ATTENTION, pack
        try:
            yield
        finally:
            config._attn_implementation, self.seat.pack = usual, None


def backbone(source: str, lora: LoRA, device: str = "cpu") -> Backbone:
    """The model in this folder, loaded once per process and device, frozen, and shared by all its clients.

    Of threads that ask for one that is not there yet, one loads it and the others wait; nobody waits for what is there.
    """
    key = (source, lora, device)
    if key not in _backbones:
        with _loading:
            if key not in _backbones:
                _backbones[key] = _loaded(*key)
    return _backbones[key]


_backbones: dict[tuple[str, LoRA, str], Backbone] = {}
_loading = Lock()


def _loaded(source: str, lora: LoRA, device: str) -> Backbone:
    # A model is loaded by whichever job needs it first in its process, and fresh adapters draw random numbers:
    # the job must find the generator as it left it, or its dropout would depend on what ran before it.
    with torch.random.fork_rng(devices=[]):
        slm = load(source)
        lm = _adapt(slm.model, slm.tokenizer, lora)
    lm.peft.to(device)
    return lm


@cache
def blank_backbone(source: str, lora: LoRA) -> Backbone:
    """The same model without weights, on the meta device: for shapes and for counting."""
    try:
        config = AutoConfig.from_pretrained(source, local_files_only=True)
        tokenizer = AutoTokenizer.from_pretrained(source, local_files_only=True)
    except (OSError, ValueError) as error:
        raise InputError(
            f"{source} must be the folder of a causal language model, or an id fetched before, "
            f"so no model was loaded: {str(error).splitlines()[0]}"
        ) from error
    with torch.device("meta"):
        return _adapt(blank(config), tokenizer, lora)


def peft_config(model: nn.Module, lora: LoRA) -> Any:
    """PEFT's own description of the adapters; where attention has no q, k, v, o, PEFT knows the model type's."""
    names = {name.rpartition(".")[2] for name, _ in model.named_modules()}
    targets = list(_ATTENTION) if names.issuperset(_ATTENTION) else None
    return LoraConfig(
        r=lora.rank, lora_alpha=lora.alpha, lora_dropout=lora.dropout, target_modules=targets, task_type="CAUSAL_LM"
    )


def _adapt(model: Any, tokenizer: Any, lora: LoRA) -> Backbone:
    numbers = layer_numbers(model.config)
    with warnings.catch_warnings():
        # PEFT reads a flag that transformers renames, and sets by itself how GPT-2 stores its matrices.
        warnings.simplefilter("ignore")
        peft = get_peft_model(model, peft_config(model, lora)).requires_grad_(False)
    decoder = peft.get_base_model().base_model
    seat = seated(decoder)
    # New modules begin in training; from here on the root's flag is that of all.
    decoder.eval()
    leaves = tuple(_leaves(decoder, numbers))
    for path, module in {leaf.parameter.rpartition(".lora_")[0]: leaf.module for leaf in leaves}.items():
        layer = decoder.get_submodule(path)
        layer.forward = Wearer(layer, module, seat)
    return Backbone(peft, tokenizer, leaves, seat, packs(decoder))


def _leaves(decoder: nn.Module, numbers: tuple[int, ...]) -> Iterator[Leaf]:
    for name, parameter in decoder.named_parameters():
        if match := _NAME.fullmatch(name):
            layer, rest, side = match.groups()
            yield Leaf(f"layers.{numbers[int(layer)]}.{rest}", side, name, tuple(parameter.shape))


def cut(adapters: Tree, rank: int | None) -> dict[str, dict[str, Tensor]]:
    """The first ``rank`` rows of every A and columns of every B; all that there are for None, or where there are fewer.

    Of an adapter that ``flexlora`` merged this is the best approximation of that rank (Eckart and Young 1936).
    """
    return {module: {"A": one["A"][:rank], "B": one["B"][:, :rank]} for module, one in adapters.items()}


def init_lora(leaves: Mapping[Leaf, torch.Generator]) -> dict[str, dict[str, Tensor]]:
    """A uniform in +-1/sqrt(inputs), B zeros: the adapted model starts as the model itself."""
    tree: dict[str, dict[str, Tensor]] = {}
    for leaf, generator in leaves.items():
        value = torch.zeros(leaf.shape)
        if leaf.side == "A":
            value.uniform_(-(leaf.shape[1] ** -0.5), leaf.shape[1] ** -0.5, generator=generator)
        tree.setdefault(leaf.module, {})[leaf.side] = value
    return tree
