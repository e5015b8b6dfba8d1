"""The model of the main job: senses to a fused representation to soft prompts to a language model that answers."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import lru_cache

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from mlecs_ray.errors import InputError
from mlecs_ray.method import Budget, Client, Predictor
from mlecs_ray.models import flops
from mlecs_ray.models.arithmetic import halved
from mlecs_ray.models.decode import greedy
from mlecs_ray.models.dense import init_linear
from mlecs_ray.models.dropout import lent, masks
from mlecs_ray.models.encoders import ENCODED, init_encoder, variant
from mlecs_ray.models.families import SHARED, families, held
from mlecs_ray.models.fusion import DROPOUT, FUSED, FUSIONS, init_fusion, init_prompt, soft_tokens
from mlecs_ray.models.lora import Backbone, LoRA, backbone, blank_backbone, cut, init_lora
from mlecs_ray.models.pack import Pack, lengths
from mlecs_ray.models.senses import Senses, noisy, noisy_each
from mlecs_ray.models.structure import Structure
from mlecs_ray.models.targets import Targets, blank_targets, run_on, said, targets, tokens
from mlecs_ray.models.words import WordSpace, find_space, own_space
from mlecs_ray.samples import Samples
from mlecs_ray.seeds import derive
from mlecs_ray.task import Cost, Views
from mlecs_ray.tree import Tree, tree_map

_CHUNK = 128
_NOBODY = Budget(0, 0, 0, 0, 0, 0, 0, None)


@dataclass(frozen=True)
class CaptionTask:
    """Answer in words from any subset of the modalities.

    LM input ``[soft tokens ; instruction ; target]``, cross-entropy on the target alone [paper]. ``dims`` names each
    modality, in the order of fusion, with the width of its features. Trainable paths:
    ``encoders/<modality>/<variant>``, ``projections/<modality>``, ``fusion/slots|absent/<modality>``, ``fusion/bias``
    (and ``pooling/...`` where a structure fuses so), ``prompt/<LM width>`` and
    ``lora/layers.<original number>.<module>/A|B``; encoders are shared by the structures that write the same variant,
    adapters by the structures that hold the layer: one of a lower rank holds their first ranks. A cloud's of another
    width are ``lora-<structure>``. Raises InputError where edge structures disagree about the shape of an adapter.
    """

    structures: tuple[Structure, ...]
    dims: tuple[tuple[str, int], ...]
    lora: LoRA = field(default_factory=LoRA)
    tokens: int = 16
    """Soft tokens."""
    instruction: str = "A picture caption:\n"
    max_tokens: int = 24
    """Longest answer, end-of-text included; longer targets are cut."""
    noise: float = 0.0
    """Share of the features that is dropped at random in training."""

    def __post_init__(self) -> None:
        if not self.structures or len(self._named) < len(self.structures):
            raise InputError(f"structures={list(self._named)} must be one or more, each named once, or none can run")
        if not self.dims or len(dict(self.dims)) < len(self.dims):
            raise InputError(f"dims={self.dims} must name one or more modalities, each once, or inputs get mixed up")
        for one in self.structures:
            if one.fusion not in FUSIONS:
                raise InputError(f"{one.name} has fusion={one.fusion!r}, it must be one of {', '.join(FUSIONS)}")
            if one.rank is not None and not 1 <= one.rank <= self.lora.rank:
                raise InputError(
                    f"{one.name} has rank={one.rank}, it must lie in 1..{self.lora.rank}, which the server holds"
                )
        if self.tokens < 1 or self.max_tokens < 2:
            raise InputError(
                f"tokens={self.tokens} must be 1 or more and max_tokens={self.max_tokens} 2 or more, or no word is said"
            )

    @property
    def structure_names(self) -> tuple[str, ...]:
        return tuple(structure.name for structure in self.structures)

    @property
    def _named(self) -> dict[str, Structure]:
        return {structure.name: structure for structure in self.structures}

    def structure(self, client: Client) -> Structure:
        """The client's structure; the only one there is if the client names none."""
        if not client.structure and len(self.structures) == 1:
            return self.structures[0]
        if client.structure not in self._named:
            near = get_close_matches(client.structure, self._named, 1) or list(self._named)
            raise InputError(f"client {client.id} has structure {client.structure!r}, unknown; did you mean {near}?")
        return self._named[client.structure]

    def modalities(self, client: Client) -> tuple[str, ...]:
        """The client's modalities that this task reads, in the order of fusion."""
        mine = tuple(m for m, _ in self.dims if m in client.modalities)
        if not mine:
            raise InputError(
                f"client {client.id} has {sorted(client.modalities)}, none of {[m for m, _ in self.dims]}, "
                "so it has nothing to answer from"
            )
        return mine

    def init(self, seed: int) -> Tree:
        blanks = [blank_backbone(s.slm, self.lora) for s in self.structures]
        variants = {variant(s.hidden): s.hidden for s in self.structures}
        return {
            "encoders": {
                m: {v: init_encoder(_stream(seed, "encoder", m, v), dim, hidden) for v, hidden in variants.items()}
                for m, dim in self.dims
            },
            "projections": {m: init_linear(_stream(seed, "projection", m), ENCODED, ENCODED) for m, _ in self.dims},
            **{
                kind: init_fusion(_stream(seed, kind), [m for m, _ in self.dims])
                for kind in dict.fromkeys(one.fusion for one in self.structures)
            },
            "prompt": {
                str(blank.hidden): init_prompt(
                    _stream(seed, "prompt", str(blank.hidden)), self.tokens, blank.hidden, _reading(one.slm)
                )
                for one, blank in reversed(list(zip(self.structures, blanks, strict=True)))
            },
            **{
                name: init_lora({leaf: _stream(seed, leaf.module, leaf.side) for leaf in family})
                for name, family in families(self.structures, self.lora).items()
            },
        }

    def part(self, params: Tree, client: Client) -> Tree:
        structure, mine = self.structure(client), self.modalities(client)
        blank, shape = blank_backbone(structure.slm, self.lora), variant(structure.hidden)
        fusion = params[structure.fusion]
        return {
            "encoders": {m: {shape: params["encoders"][m][shape]} for m in mine},
            "projections": {m: params["projections"][m] for m in mine},
            structure.fusion: {**fusion, "slots": {m: fusion["slots"][m] for m in mine}},
            "prompt": {str(blank.hidden): params["prompt"][str(blank.hidden)]},
            SHARED: self.adapters(held(params, structure), client),
        }

    def adapters(self, lora: Tree, client: Client) -> dict[str, dict[str, Tensor]]:
        """Those of the client's structure: of the layers that it holds, as many ranks as it holds."""
        structure = self.structure(client)
        mine = dict.fromkeys(leaf.module for leaf in blank_backbone(structure.slm, self.lora).leaves)
        return cut({module: lora[module] for module in mine}, structure.rank)

    @property
    def one_vocabulary(self) -> bool:
        """Whether all structures say the same tokens by the same numbers."""
        words = [blank_backbone(one.slm, self.lora).tokenizer.get_vocab() for one in self.structures]
        return all(one == words[0] for one in words)

    def senses(self, client: Client) -> Senses:
        """How the client's structure joins what it senses."""
        structure = self.structure(client)
        return Senses(variant(structure.hidden), structure.fusion, self.modalities(client))

    def fused(self, params: Tree, batch: Samples, client: Client) -> Tensor:
        """``fused_repr`` (n, 256): what may leave a client [paper]."""
        return self.senses(client).fused(params, batch)

    def views(self, params: Tree, batch: Samples, client: Client) -> Views:
        """As each modality alone would be fused, and all together, in training."""
        return self.senses(client).views(params, noisy(batch, self.noise))

    def words(self, texts: Sequence[str], client: Client) -> Tensor:
        """What texts say, where ``fused_repr`` is (n, 256), by the words of the client's language model.

        A model that was not cut here has no word space; its own word vectors are then made one. Of one that has, the
        weights are not read: a device goes by the words of a cloud that it could not hold.
        """
        slm = self.structure(client).slm
        lm, space = blank_backbone(slm, self.lora), _space(slm, self.lora)
        return space.vectors([torch.tensor(tokens(lm, text), dtype=torch.int64) for text in texts])

    def _lm(self, params: Tree, client: Client) -> Backbone:
        """The client's language model, where its parameters are."""
        structure = self.structure(client)
        return backbone(structure.slm, self.lora, str(params[structure.fusion]["bias"].device))

    def loss(self, params: Tree, batch: Samples, client: Client) -> Tensor:
        return F.cross_entropy(*self.scores(params, batch, client))

    def nll(self, lm: Backbone, params: Tree, fused: Tensor, goal: Targets) -> Tensor:
        """Mean nats per word token of ``goal``, given ``fused_repr`` (n, 256); with dropout."""
        return F.cross_entropy(*self._scores(lm, params, fused, goal))

    def scores(self, params: Tree, batch: Samples, client: Client) -> tuple[Tensor, Tensor]:
        """Of every word token, in training: logits (w, vocabulary), given the words before it, and id (w,)."""
        lm, fused = self._lm(params, client), self.fused(params, noisy(batch, self.noise), client)
        _require_texts(batch)
        return self._scores(lm, params, fused, targets(lm, batch.texts, self.max_tokens, fused.device))

    def _scores(self, lm: Backbone, params: Tree, fused: Tensor, goal: Targets) -> tuple[Tensor, Tensor]:
        prompts = self._prompts(lm, params, fused, train=True)
        embeds = torch.cat([prompts, lm.embed(goal.ids[:, :-1])], dim=1)
        with halved(embeds.device):
            states = lm.states(params["lora"], embeds, train=True)[:, prompts.shape[1] - 1 :]
            # Selecting first spares the head, the widest matrix of a small model, all other positions.
            logits = lm.logits(states.flatten(0, 1)[goal.places])
        return logits.float(), goal.ids.flatten()[goal.places]

    def losses(self, params: Tree, batch: Samples, real: Tensor, client: Client, draws: Sequence[Generator]) -> Tensor:
        """As ``StackedTask`` has it; on other devices than the CPU, dropout draws other numbers than in ``loss``."""
        lm = self._lm(params, client)
        _require_texts(batch)
        if not lm.packs:
            return self._one_by_one(params, batch, real, client, draws)
        goals = [said(lm, batch.texts[row], self.max_tokens) for row in real.flatten().nonzero()[:, 0].tolist()]
        fused = self.fused(params, noisy_each(batch, self.noise, real, draws), client)
        embeds = self._samples(lm, self._soft(lm, params, fused, real, draws), goals)
        pack = Pack(lengths(embeds, real), lengths(goals, real), draws, embeds[0].device)
        with halved(embeds[0].device):
            states = lm.packed_states(params["lora"], torch.cat(embeds)[None], pack)
            words = [sum(client) for client in pack.asked]
            logits = [lm.logits(mine) for mine in torch.split(states, words)]
        each = zip(logits, torch.split(run_on(goals, states.device), words), strict=True)
        return torch.stack([F.cross_entropy(mine.float(), goal) for mine, goal in each])

    def _soft(self, lm: Backbone, params: Tree, fused: Tensor, real: Tensor, draws: Sequence[Generator]) -> Tensor:
        """The soft tokens of the real rows, (rows, tokens, hidden), with dropout."""
        keep = real.flatten().nonzero()[:, 0].to(fused.device)
        drawn = masks(draws, [(n, FUSED) for n in real.sum(1).tolist()], DROPOUT, fused.device)
        mask = torch.zeros_like(fused).index_copy(0, keep, torch.cat(drawn))
        return soft_tokens(params["prompt"][str(lm.hidden)], fused, lm.hidden, True, mask).index_select(0, keep)

    def _samples(self, lm: Backbone, soft: Tensor, goals: Sequence[Sequence[int]]) -> list[Tensor]:
        """[soft tokens ; instruction ; target but for its last token] of each sample, (its length, hidden)."""
        instruction = lm.embed(torch.tensor(tokens(lm, self.instruction), device=soft.device))
        words = lm.embed(run_on([goal[:-1] for goal in goals], soft.device))
        parts = zip(soft, torch.split(words, [len(goal) - 1 for goal in goals]), strict=True)
        return [torch.cat([mine, instruction, goal]) for mine, goal in parts]

    def _one_by_one(
        self, params: Tree, batch: Samples, real: Tensor, client: Client, draws: Sequence[Generator]
    ) -> Tensor:
        """For language models that cannot run packs."""
        losses = []
        for i, draw in enumerate(draws):
            rows = i * real.shape[1] + real[i].nonzero()[:, 0]
            with lent(draw):
                losses.append(self.loss(tree_map(lambda leaf, i=i: leaf[i], params), batch.take(rows), client))
        return torch.stack(losses)

    def _prompts(self, lm: Backbone, params: Tree, fused: Tensor, train: bool) -> Tensor:
        """[soft tokens ; instruction], embedded: (n, tokens + instruction, hidden)."""
        soft = soft_tokens(params["prompt"][str(lm.hidden)], fused, lm.hidden, train)
        words = lm.embed(torch.tensor([tokens(lm, self.instruction)], device=soft.device))
        return torch.cat([soft, words.expand(len(soft), -1, -1)], dim=1)

    def prompts(self, params: Tree, samples: Samples, client: Client) -> Tensor:
        """What the language model is given to answer from, (n, tokens + instruction, hidden)."""
        return self._prompts(self._lm(params, client), params, self.fused(params, samples, client), train=False)

    def cost(self, client: Client, batch: int) -> Cost:
        return _cost(self, self.structure(client).name, self.modalities(client), batch)

    def predictor(self, params: Tree, client: Client) -> Predictor:
        lm = self._lm(params, client)
        params = tree_map(Tensor.detach, params)

        def answer(samples: Samples) -> list[str]:
            chunks = [samples.take(range(i, min(i + _CHUNK, len(samples)))) for i in range(0, len(samples), _CHUNK)]
            prompts = (self.prompts(params, chunk, client) for chunk in chunks)
            return [text for rows in prompts for text in greedy(lm, params["lora"], rows, self.max_tokens)]

        return answer


def _require_texts(batch: Samples) -> None:
    if not batch.texts:
        raise InputError("samples without texts cannot train a captioner; a classifier can learn from their labels")


def _reading(slm: str) -> Tensor | None:
    return None if (space := find_space(slm)) is None else space.reading


@lru_cache(maxsize=8)
def _space(slm: str, lora: LoRA) -> WordSpace:
    """Once per process: the directions of a large model's words take a second."""
    return find_space(slm) or own_space(backbone(slm, lora).peft.get_input_embeddings().weight.detach())


def _stream(seed: int, *keys: str) -> Generator:
    """A stream per module, so that one structure more changes nobody's start."""
    return Generator().manual_seed(derive(seed, "init", *keys))


@lru_cache
def _cost(task: CaptionTask, structure: str, modalities: tuple[str, ...], batch: int) -> Cost:
    """Counted at the longest target and at one frame per modality, whoever asks."""
    client = Client(0, frozenset(modalities), _NOBODY, "", 0, structure)
    lm = blank_backbone(task.structure(client).slm, task.lora)
    params = flops.meta(task.part(task.init(0), client))
    samples = Samples({m: torch.empty(batch, dim, device="meta") for m, dim in task.dims if m in modalities})
    goal = blank_targets(batch, task.max_tokens)
    step = flops.count(lambda: task.nll(lm, params, task.fused(params, samples, client), goal))
    return flops.cost(step, batch, params, frozen_bytes=lm.frozen_bytes)
