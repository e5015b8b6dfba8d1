"""ECLM, joined from its parts (arXiv 2311.11083): each device gets the sub-model that fits its data and budgets."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from mlecs_ray.method import Arrival, Client, Job, Predictor, Update, Work
from mlecs_ray.methods.eclm.aggregate import aggregate
from mlecs_ray.methods.eclm.budgets import spare
from mlecs_ray.methods.eclm.derive import derive, enough
from mlecs_ray.methods.eclm.prototype import Prototype
from mlecs_ray.methods.local import LocalTraining, descend, require_samples, seen_of
from mlecs_ray.models.classifier import ClassifierTask, classes, labels_of
from mlecs_ray.models.modular import Costs, Modular, Numbers
from mlecs_ray.models.selector import CARRIED
from mlecs_ray.samples import Samples
from mlecs_ray.seeds import generator
from mlecs_ray.sim.population import CLOUD
from mlecs_ray.tree import Tree, normal, overlay, tree_sub

MODEL = ("base", "layers")
ANSWERS = (*MODEL, "held", "selector", "importance")
"""What an answer needs."""
ASK = "ask"


@dataclass(frozen=True, eq=False)
class ModularCloud:
    """Final. The method ``eclm``; its hyper-parameters are ``prototype.options``.

    State: ``base``, ``layers``, ``selector``, ``prior`` (L, N), ``use`` (L, N) and ``met`` (clients,), the step whose
    sub-model each device has trained, -1 before its first. A device is asked first, and again when its environment has
    shifted: it is sent the selector once, runs it on its data and tells the importance of the modules and its budgets,
    nothing else. Then it is sent the sub-model that was derived from them, trains it and sends it back. Its next job
    begins with what the cloud has by then and with what this device has learned itself since its environment shifted
    (``personal``). The selector learns offline alone, so that what devices tell can be compared.
    """

    prototype: Prototype
    local: LocalTraining
    jobs: int
    """That are under way at once: those of one round."""
    clients: int
    seed: int = 0
    """Of modules that are drawn by chance, ``without`` derivation."""

    @property
    def task(self) -> ClassifierTask:
        """What is learned."""
        return self.prototype.task

    @property
    def modular(self) -> Modular:
        """The decomposed network."""
        return self.prototype.model

    @property
    def _costs(self) -> Costs:
        return self.modular.costs(self.local.batch)

    def _without(self, part: str) -> bool:
        return part in self.prototype.options.without

    def init(self, seed: int) -> Tree:
        """What the offline stage made."""
        return self._state(self.prototype.make(seed))

    def outline(self) -> Tree:
        """The shapes of ``init``, untrained."""
        return self._state(self.prototype.outline())

    def _state(self, made: Tree) -> Tree:
        return {**made, "use": torch.ones(self.modular.body.shape), "met": torch.full((self.clients,), -1)}

    def assign(self, state: Tree, client: Client) -> Tree:
        """A question, where the device has not told how it is now; else the sub-model that fits it, or only which
        that is where the device has it."""
        self.task.require(client)
        if not client.told:
            return {"selector": {name: state["selector"][name] for name in CARRIED}}
        if int(client.told["step"]) != client.step and not self._first_alone(state, client):
            return {ASK: torch.zeros((), dtype=torch.uint8)}
        held = self._held(client, client.told["importance"])
        return {"held": held} if self._has(state, client) else {**self.modular.part(state, held), "held": held}

    def supposed(self, state: Tree, client: Client) -> Tree:
        """The cloud's own importance, and the budgets of this device."""
        budget = torch.from_numpy(self._spare(client))
        return {"importance": state["prior"], "budget": budget, "step": _step(client.step)}

    def _first_alone(self, state: Tree, client: Client) -> bool:
        """Whether the device goes on with what it was sent first of all, whatever shifts: the cloud is left out."""
        return self._without("cloud") and int(state["met"][client.id]) >= 0

    def _has(self, state: Tree, client: Client) -> bool:
        """Whether the device goes on with a sub-model that it has."""
        if self._without("cloud"):
            return self._first_alone(state, client)
        return self.prototype.options.personal == "whole" and int(state["met"][client.id]) == client.step

    def _held(self, client: Client, importance: Tensor) -> Tensor:
        """(L, N) uint8: what is derived for this client."""
        wanted = importance.double().cpu().numpy()
        if self._without("derivation"):
            step = int(client.told["step"]) if client.told else client.step
            wanted = generator(self.seed, "derivation", client.id, step).random(wanted.shape)
        budget = client.told["budget"].numpy() if client.told else self._spare(client)
        # The residual modules cost nothing, so whatever is important of them comes along.
        allowed = enough(wanted, self.prototype.options.enough)
        allowed[:, -1] = True
        return torch.from_numpy(derive(wanted, self._costs.modules, budget, allowed).astype(np.uint8))

    def _spare(self, client: Client) -> Numbers:
        """(3,): the device's own count of what modules may cost, beside the base; at least one of each layer.

        Less would be no answer, so who can spare less runs it more slowly.
        """
        options, costs = self.prototype.options, self._costs
        smallest = costs.modules[:, :, :-1].min(2).sum(1)
        left: Numbers = spare(client, costs.whole, options.share, options.reference, options.least) - costs.base
        kept: Numbers = np.maximum(left, smallest)
        return kept

    def work(self, client: Client, tree: Tree) -> Work:
        """A question costs a run of the selector; a job what the base, with the selector, and the modules cost that the
        device trains at this moment: under load not all that it holds."""
        require_samples(client, client.samples)
        if asks(tree):
            shape = self.modular.body.shape
            told = {"importance": torch.empty(shape), "budget": torch.empty(3, dtype=torch.float64), "step": _step(0)}
            memory, flops, _ = self._costs.selector.tolist()
            return Work(flops * client.samples, told, memory, tells=True)
        flops, memory = self.cost(self.active(tree["held"], client.told["importance"], client))
        if self._without("local"):
            # It is installed, and tried on one sample.
            selecting = float(self._costs.selector[1])
            return Work((flops - selecting) / 3 + selecting, {}, memory)
        seen = seen_of(self.local, client.samples)
        back = {} if self._without("cloud") else normal(self.modular.part(self.modular.outline, tree["held"]))
        return Work(flops * seen, back, memory)

    def cost(self, held: Tensor) -> tuple[float, float]:
        """FLOPs of a sample, forward and backward, and bytes of memory, of training these modules (L, N).

        A sample passes ``top`` of a layer: the dearest that are held, as if none preferred the residual one.
        """
        mask, costs = held.cpu().numpy().astype(bool), self._costs
        dearest = np.sort(costs.modules[1] * mask, axis=1)[:, -self.modular.selector.top :]
        flops = costs.base[1] + float(dearest.sum())
        return flops, float(costs.base[0] + costs.modules[0][mask].sum())

    def train(self, job: Job, data: Samples, kept: Tree) -> Update:
        """Answer the question; or train the sub-model on what the device owns now."""
        return self._tell(job, data, kept) if asks(job.tree) else self._train(job, data, kept)

    def _tell(self, job: Job, data: Samples, kept: Tree) -> Update:
        """Importance (L, N), budgets (3,) and step: all that a device says of its data and itself, but for the number
        of its samples and its loss, which come with a trained sub-model."""
        selector = job.tree.get("selector", kept.get("selector"))
        importance = self.modular.importance(selector, self.task.inputs(data))
        budget = torch.from_numpy(self._spare(job.client))
        told = {"importance": importance, "budget": budget, "step": _step(job.client.step)}
        return Update(told, 1.0, {**kept, "selector": selector, "importance": importance})

    def _train(self, job: Job, data: Samples, kept: Tree) -> Update:
        anew = self._anew(job, kept)
        given = job.tree if anew else kept
        sent = {"layers": {}, **{name: given[name] for name in (*MODEL, "held") if name in given}}
        if self._without("local"):
            return Update({}, float(len(data)), {**kept, **sent})
        active = self.active(sent["held"], kept["importance"], job.client)

        def loss(params: Tree, batch: Samples) -> Tensor:
            x = self.task.inputs(batch)
            return F.cross_entropy(self.modular.logits(params, kept["selector"], x, active), labels_of(batch))

        begin = {name: sent[name] for name in MODEL if sent[name]}
        offset = anew and self.prototype.options.personal == "offset"
        moved = overlay(begin, kept["offset"], torch.add) if offset and _same_step(kept, job.client) else begin
        learned = descend(loss, moved, self.local, data, job.seed)
        back = {} if self._without("cloud") else learned.params
        # Of a sub-model before this one nothing stays, not even of layers in which this one has residual modules alone.
        others = {name: leaf for name, leaf in kept.items() if name not in MODEL}
        keeps = {**others, **learned.params, "held": sent["held"], "step": _step(job.client.step)}
        if offset:
            keeps["offset"] = tree_sub(learned.params, begin)
        return Update(back, float(len(data)), keeps, {"loss": learned.loss})

    def _anew(self, job: Job, kept: Tree) -> bool:
        """Whether the job begins with a sub-model that was sent, and not with the one that the device has: it may be
        sent one again when what it learned has not been merged yet."""
        if self._without("cloud"):
            return "base" not in kept
        own = self.prototype.options.personal == "whole" and _same_step(kept, job.client)
        return "base" in job.tree and not own

    def active(self, held: Tensor, importance: Tensor, client: Client) -> Tensor:
        """(L, N) bool: of the modules that the device holds those that fit what it can spare at this moment.

        Under load it shrinks, and swaps large modules for small ones, without the cloud; what it holds stays with it.
        """
        have, costs = held.cpu().numpy().astype(bool), self._costs
        # What it holds is on the device already: only memory and compute are short.
        limit = self._spare(client)[:2]
        return torch.from_numpy(derive(importance.double().cpu().numpy(), costs.modules[:2], limit, have))

    def merge(self, state: Tree, arrivals: Sequence[Arrival]) -> Tree:
        """Module by module, over those that hold it."""
        met = state["met"].clone()
        for arrival in arrivals:
            met[arrival.client.id] = arrival.client.step
        heard = [arrival for arrival in arrivals if "base" in arrival.update.tree]
        options = self.prototype.options
        moved = aggregate(state, heard, self.jobs, options.rate, options.power) if heard else state
        return {**moved, "met": met}

    def shown(self, state: Tree, client: Client) -> Tree:
        """What an answer is given from: the whole model, or the sub-model with which this device left the factory."""
        held = torch.ones(self.modular.body.shape, dtype=torch.uint8)
        if client.id != CLOUD:
            held = self._held(client, state["prior"])
        return {
            **self.modular.part(state, held),
            "held": held,
            "selector": state["selector"],
            "importance": state["prior"],
        }

    def model(self, tree: Tree, kept: Tree, client: Client) -> Tree:
        """The device's own sub-model where it has one."""
        mine = kept if "base" in kept else tree
        return {name: mine[name] for name in ANSWERS if name in mine}

    def scores(self, model: Tree, client: Client) -> Callable[[Samples], Tensor]:
        """Those of the sub-model, under the device's load at this moment."""
        held = model["held"]
        active = held.bool() if client.id == CLOUD else self.active(held, model["importance"], client)
        return lambda samples: self.modular.logits(model, model["selector"], self.task.inputs(samples), active)

    def predictor(self, tree: Tree, kept: Tree, client: Client) -> Predictor:
        return partial(classes, self.scores(self.model(tree, kept, client), client))


def asks(tree: Tree) -> bool:
    """Whether what was sent is a question."""
    return "held" not in tree


def _same_step(kept: Tree, client: Client) -> bool:
    """Whether the device has trained a sub-model since its environment shifted."""
    return "step" in kept and int(kept["step"]) == client.step


def _step(number: int) -> Tensor:
    return torch.tensor(number, dtype=torch.int64)
