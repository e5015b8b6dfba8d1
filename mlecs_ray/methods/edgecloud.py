"""The frame that ML-ECS and the methods it is compared with share, so that they differ in nothing but their parts.

[paper, arXiv 2602.14107] Edge clients own different senses, encoders, fusions and language models; these and the
connector stay private. Only adapters (LoRA) and fused representations of public samples travel. A job has two stages,
public and private; what goes up is of the public one, the personal result stays on the device. The cloud trains an LLM
on the public samples with all modalities. [ours] Encoders, which the paper freezes in the public stage and in the
cloud, are what made the features here; the two layers on top of them train like the connector. Uploads are merged as
the schedule says, one by one if it says so, and the cloud trains again after every merge, on the fleet and on the
virtual clock. Baselines that average what clients have learned send adapters as the private stage leaves them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor
from torch.nn import functional as F

from mlecs_ray.method import Arrival, Client, Job, Predictor, Update, Work
from mlecs_ray.methods.bridge import PROXY, TAUGHT, beside_proxy, train_pair, with_cloud
from mlecs_ray.methods.checks import check
from mlecs_ray.methods.exchange import WIRE, Parts, heard, matched, packed
from mlecs_ray.methods.local import LocalTraining, seen_of
from mlecs_ray.methods.lowrank import AVERAGES, empty, merge
from mlecs_ray.methods.mlecs.amt import TUNED, UNTUNED
from mlecs_ray.methods.mlecs.seccl import edge_view
from mlecs_ray.methods.parts import joined, without_lora
from mlecs_ray.methods.stages import Meeting, Stage, carry_out
from mlecs_ray.models.flops import trained_bytes
from mlecs_ray.samples import Samples
from mlecs_ray.task import FusingTask
from mlecs_ray.tree import Tree, overlay, tree_add, tree_map, tree_sub


@dataclass(frozen=True)
class EdgeCloud:
    """Final: a method is a value of it. ``cloud`` is the cloud as a client; ``public`` the samples that all may see.

    State: ``lora`` (merged adapters), ``cloud`` and ``receiver`` (the trainables of the LLM, and the connector of a
    client-compatible model on the server that carries the merged adapters), ``anchors`` and ``fused`` (n, d), the
    running mean of what clients make of the public samples, in the order of their arrival.
    """

    task: FusingTask
    local: LocalTraining
    public: Samples
    cloud: Client
    seed: int
    parts: Parts

    def __post_init__(self) -> None:
        check(
            len(self.public) >= 2,
            f"data.public_share leaves {len(self.public)} public samples; there must be 2 or more, or edge and cloud "
            "have nothing in common to meet on",
        )
        check(0 <= self.parts.memory < 1, f"memory={self.parts.memory} must lie in [0, 1), or no client is ever heard")
        check(
            self.parts.mutual is None or self.task.one_vocabulary,
            f"structures {self.task.structure_names} speak in different tokens, so none learns from another's words: "
            "choose models that were cut with one vocabulary, also for task.cloud_llm",
        )
        check(0 <= self.parts.pull <= 1, f"pull={self.parts.pull} must lie in [0, 1]: 0 takes up nothing, 1 all of it")

    @property
    def cloud_trains(self) -> bool:
        """Whether the cloud has a job after every merge."""
        return self.parts.cloud_trains

    @property
    def receiver(self) -> Client:
        """The client-compatible model on the server: the usual structure, with all modalities."""
        return replace(self.cloud, structure=self.task.structure_names[0], role="edge")

    @property
    def whole_structures(self) -> tuple[str, ...]:
        """The edge structures that the server can answer as, without any client."""
        return (self.receiver.structure,) if self.parts.cloud_trains and self.parts.lora else ()

    @cached_property
    def _factory(self) -> Tree:
        """What every device has when it is switched on for the first time."""
        return {**self.task.init(self.seed), **self._extra}

    @cached_property
    def _extra(self) -> Tree:
        """The parameters of the parts themselves, such as a temperature."""
        terms = (self.parts.edge, self.parts.private, self.parts.cloud)
        return {name: leaf for term in terms if term for name, leaf in term.init().items()}

    def part(self, params: Tree, client: Client) -> Tree:
        """What this client's structure and senses use."""
        return {**self.task.part(params, client), **{name: params[name] for name in self._extra}}

    def init(self, seed: int) -> Tree:
        """The factory's models. The first anchors are what the public captions say; without ``words``, what the cloud's
        own connector makes of the public samples."""
        cloud, receiver = self.part(self._factory, self.cloud), self.part(self._factory, self.receiver)
        anchors = self._words if self.parts.words else self._fused(cloud, self.cloud)
        return {
            "lora": empty(self._factory["lora"]) if self._stacks else self._factory["lora"],
            "cloud": cloud,
            "receiver": without_lora(receiver),
            "anchors": anchors,
            "fused": torch.zeros_like(anchors),
        }

    @torch.no_grad()
    def _fused(self, params: Tree, client: Client) -> Tensor:
        """``fused_repr`` of every public sample (n, d); zeros where the client senses nothing of it."""
        seen = self.public.only(client.modalities)
        return self.task.fused(params, seen, client).masked_fill(~seen.sensed[:, None], 0.0)

    def assign(self, state: Tree, client: Client) -> Tree:
        """To a client: adapters cut to its rank, and anchors. To the cloud, and to whoever asks it: what it has."""
        if client.role == "cloud":
            return {**state, "lora": self._adapters(state, self.receiver)}
        if client.id == self.cloud.id:
            return {"lora": self._adapters(state, client), "connector": state["receiver"]}
        sent: dict[str, Tree | Tensor] = {}
        if self.parts.lora:
            sent["lora"] = packed(self._adapters(state, client))
        if self.parts.reps:
            sent["anchors"] = state["anchors"].to(WIRE)
        return sent

    def _adapters(self, state: Tree, client: Client) -> Tree:
        """Of the merged adapters those of the client's layers: cut to its rank, or whole where they are stacked."""
        mine = self.task.adapters(state["lora"], client)
        return {module: state["lora"][module] for module in mine} if self._stacks else mine

    def work(self, client: Client, tree: Tree) -> Work:
        """Both stages forward and backward; back come adapters and fused. What contrast costs is left out: it runs no
        language model, and 64 samples are a seventieth of a step of 8 with the smallest one."""
        cost, public = self.task.cost(client, self.local.batch), seen_of(self.local, len(self.public))
        if client.role == "cloud":
            receiver = self.task.cost(self.receiver, self.local.batch)
            flops = public * (cost.flops_per_sample + (receiver.flops_per_sample if self.whole_structures else 0.0))
            back = {name: tree["lora" if name == TAUGHT else name] for name in self._cloud_writes}
            return Work(flops, back, cost.memory_bytes + receiver.memory_bytes, cost.shared_bytes)
        private = seen_of(self.local, client.samples)
        public *= 2 if self.parts.mutual else 1
        back = {}
        if self.parts.lora:
            fresh = self.task.adapters(self._factory["lora"], client) if self._stacks else tree["lora"]
            back["lora"] = packed(fresh)
        if self.parts.reps:
            back["fused"] = tree["anchors"]
        # A proxy is a second set of adapters that learn.
        proxy = trained_bytes(self.task.adapters(self._factory["lora"], client)) if self.parts.mutual else 0
        flops = cost.flops_per_sample * (public + private)
        return Work(flops, back, cost.memory_bytes + proxy, cost.shared_bytes)

    @property
    def _cloud_writes(self) -> tuple[str, ...]:
        if self.parts.mutual:
            return ("cloud", "receiver", TAUGHT)
        return ("cloud", "receiver", "anchors") if self.whole_structures else ("cloud", "anchors")

    def train(self, job: Job, data: Samples, kept: Tree) -> Update:
        """A client's two stages, or the cloud's."""
        return self._train_cloud(job) if job.client.role == "cloud" else self._train_edge(job, data, kept)

    def _train_edge(self, job: Job, data: Samples, kept: Tree) -> Update:
        sent = tree_map(Tensor.float, job.tree)
        start, folded = self._start(job.client, sent, kept)
        samples = self.public.only(job.client.modalities)
        meeting = Meeting(self.task, job.client, samples, sent.get("anchors"), start, folded)
        pair = beside_proxy(self.task, job.client, self.parts.mutual) if self.parts.mutual else None
        stage = Stage("public", self.local, meeting.samples, self.parts.edge, loss=pair)
        shared = carry_out(stage, meeting, {**start, PROXY: sent["lora"]} if pair else start, job.seed)
        moves = TUNED if self.parts.tuning else UNTUNED
        stage = Stage("private", self.local, data, self.parts.private, moves)
        params = {name: tree for name, tree in shared.params.items() if name != PROXY}
        own = carry_out(stage, self._alone(meeting, data), params, job.seed)
        back: dict[str, Tree | Tensor] = {}
        if self.parts.lora:
            learned = own.params["lora"] if self.parts.private_travels else shared.params[PROXY if pair else "lora"]
            back["lora"] = packed(self.parts.edit(sent["lora"], learned) if self.parts.edit else learned)
        if self.parts.reps:
            back["fused"] = self._fused(shared.params, job.client).to(WIRE)
        keeps = joined(without_lora(kept), meeting.whole(own.params))
        return Update(back, float(len(data)), keeps, {"loss": own.loss, "public_loss": shared.loss})

    def _alone(self, meeting: Meeting, data: Samples) -> Meeting:
        """The client's private samples, and what their captions say."""
        said = self.said(data.texts) if self.parts.words and data.texts else None
        return replace(meeting, samples=data, anchors=said)

    def _start(self, client: Client, sent: Tree, kept: Tree) -> tuple[Tree, Tree | None]:
        """Where a client starts from, and the adapters that it only stands on."""
        own = self._own(client, kept)
        if not self.parts.lora or self.parts.mutual:
            return own, None
        if self._stacks:
            return {**own, "lora": self.task.adapters(self._factory["lora"], client)}, sent["lora"]
        return {**own, "lora": self._pulled(sent["lora"], kept)}, None

    def _pulled(self, sent: Tree, kept: Tree) -> Tree:
        """``own + pull (sent - own)``; what was sent where factors of a merge do not keep their places."""
        if self.parts.pull == 1 or "lora" not in kept or self.parts.mixing.rule not in AVERAGES:
            return sent
        return tree_add(kept["lora"], tree_sub(sent, kept["lora"]), self.parts.pull)

    def _own(self, client: Client, kept: Tree) -> Tree:
        """What this client uses of what it kept, else of the factory's."""
        own = self.part(overlay(self._factory, without_lora(kept)), client)
        return {**own, "lora": kept["lora"]} if "lora" in kept else own

    @property
    def _stacks(self) -> bool:
        """Whether what clients learn is added to what there was, as in FLoRA, and not mixed with it."""
        return self.parts.mixing.rule == "flora"

    def _train_cloud(self, job: Job) -> Update:
        if self.parts.mutual:
            found, loss = train_pair(self.task, self.local, self.public, self.parts.mutual, job, self.receiver)
            return Update(found, float(len(self.public)), metrics={"loss": loss})
        tree = job.tree
        receiver: Tree = {**tree["receiver"], "lora": tree["lora"]}
        target = tree["fused"]
        back: dict[str, Tree | Tensor] = {}
        if self.whole_structures:
            meeting = Meeting(self.task, self.receiver, self.public, None, receiver)
            connector = tuple(name for name in receiver if name != "lora")
            stage = Stage("receiver", self.local, self.public, None, connector)
            receiver = carry_out(stage, meeting, receiver, job.seed).params
            back["receiver"] = without_lora(receiver)
            target = self._target(receiver, tree["fused"])
        meeting = Meeting(self.task, job.client, self.public, target, tree["cloud"])
        stage = Stage("cloud", self.local, self.public, self.parts.cloud)
        learned = carry_out(stage, meeting, tree["cloud"], job.seed)
        back |= {"cloud": learned.params, "anchors": self._fused(learned.params, job.client)}
        return Update(back, float(len(self.public)), metrics={"loss": learned.loss})

    def _target(self, receiver: Tree, fused: Tensor) -> Tensor:
        """What the edge makes of each public sample (n, d): the receiver, the clients heard so far, and its caption."""
        views = [self._fused(receiver, self.receiver)]
        if self.parts.reps:
            views.append(fused)
        if self.parts.words:
            views.append(self._words)
        return edge_view(*views)

    def said(self, texts: Sequence[str]) -> Tensor:
        """What texts say, where ``fused_repr`` is (n, 256), beyond what all public ones do: the names of classes may
        have most in common, and anchors are there to tell samples apart.

        By the words of the cloud's language model wherever it is asked: a device that went by another model's would
        be drawn to two places at once.
        """
        return self.task.words(texts, self.cloud) - self.usual_words

    @cached_property
    def usual_words(self) -> Tensor:
        """(d,): what all public captions say on average."""
        return self._public_words.mean(0)

    @cached_property
    def _public_words(self) -> Tensor:
        return self.task.words(self.public.texts, self.cloud)

    @cached_property
    def _words(self) -> Tensor:
        return self._public_words - self.usual_words

    def merge(self, state: Tree, arrivals: Sequence[Arrival]) -> Tree:
        """The cloud's own job replaces what it was given; clients' adapters and representations are mixed in."""
        for arrival in arrivals:
            if arrival.client.role == "cloud":
                state = with_cloud(state, arrival.update.tree)
        edges = [arrival for arrival in arrivals if arrival.client.role != "cloud"]
        if edges and self.parts.lora:
            uploads = [tree_map(Tensor.float, arrival.update.tree["lora"]) for arrival in edges]
            mixed = list(zip(uploads, self.parts.mixing.shares(edges), strict=True))
            state = {**state, "lora": merge(self.parts.mixing.rule, state["lora"], mixed)}
        if edges and self.parts.reps:
            told = [F.normalize(arrival.update.tree["fused"].float(), dim=-1) for arrival in edges]
            for fused in [matched(state["anchors"], told)] if self.parts.matched else told:
                state = {**state, "fused": heard(state["fused"], fused, self.parts.memory)}
        return state

    def model(self, tree: Tree, kept: Tree, client: Client) -> Tree:
        """The task's parameters that this client answers with: those it kept, else the factory's with the adapters
        it is sent."""
        if client.role == "cloud":
            return self.task.part(tree["cloud"], client)
        if "connector" in tree:
            return {**self._own(client, tree["connector"]), "lora": tree["lora"]}
        own = self._own(client, kept)
        return {**own, "lora": tree_map(Tensor.float, tree["lora"])} if "lora" in tree and "lora" not in kept else own

    def predictor(self, tree: Tree, kept: Tree, client: Client) -> Predictor:
        """The task's answers with ``model``."""
        return self.task.predictor(self.model(tree, kept, client), client)
