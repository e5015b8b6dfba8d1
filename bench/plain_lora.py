"""The loop that one writes by hand for LoRA: one thread, PEFT's modules in place, ``torch.optim``."""

import time

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.nn.utils import clip_grad_norm_

from bench.captions import caption_task, captioner, nll
from bench.order import Order, answer
from bench.start import start
from mlecs_ray.methods.local import LocalTraining, batches
from mlecs_ray.models.fusion import soft_tokens
from mlecs_ray.models.lora import backbone
from mlecs_ray.models.targets import targets, tokens
from mlecs_ray.samples import Samples
from mlecs_ray.scenario.build import Built, build
from mlecs_ray.scenario.compose import make_local
from mlecs_ray.scenario.overrides import apply, validate
from mlecs_ray.tree import Tree, from_leaves, leaves


class Captioner:
    """The model with its trainable tensors in place: LoRA as PEFT's own parameters, the rest as free tensors.

    Encoders, fusion and soft prompt are the same functions as ours; the language model is called as PEFT has it,
    without ``functional_call``.
    """

    def __init__(self, built: Built, state: Tree) -> None:
        self.task, self.client = caption_task(built), captioner(built)
        self.lm = backbone(self.task.structure(self.client).slm, self.task.lora)
        self.tensors = {path: self._place(path, value) for path, value in leaves(self.task.part(state, self.client))}
        self.instruction = torch.tensor([tokens(self.lm, self.task.instruction)])
        self.lm.decoder.train()

    def _place(self, path: str, value: Tensor) -> Tensor:
        if not path.startswith("lora/"):
            return value.clone().requires_grad_()
        _, module, side = path.split("/")
        leaf = next(leaf for leaf in self.lm.leaves if (leaf.module, leaf.side) == (module, side))
        parameter: Tensor = self.lm.decoder.get_parameter(leaf.parameter)
        parameter.data.copy_(value)
        return parameter.requires_grad_()

    def loss(self, batch: Samples) -> Tensor:
        """Mean nats per word token."""
        free = from_leaves((path, value) for path, value in self.tensors.items() if not path.startswith("lora/"))
        fused = self.task.fused(free, batch, self.client)
        soft = soft_tokens(free["prompt"][str(self.lm.hidden)], fused, self.lm.hidden, True)
        goal = targets(self.lm, batch.texts, self.task.max_tokens)
        words = self.lm.embed(self.instruction).expand(len(soft), -1, -1)
        prompts = torch.cat([soft, words], dim=1)
        embeds = torch.cat([prompts, self.lm.embed(goal.ids[:, :-1])], dim=1)
        states = self.lm.decoder(inputs_embeds=embeds, use_cache=False).last_hidden_state
        picked = states[:, prompts.shape[1] - 1 :].flatten(0, 1)[goal.places]
        return F.cross_entropy(self.lm.logits(picked), goal.ids.flatten()[goal.places])

    @torch.no_grad()
    def load(self, values: list[Tensor]) -> None:
        """Take these values."""
        for tensor, value in zip(self.tensors.values(), values, strict=True):
            tensor.copy_(value)


def learn(model: Captioner, local: LocalTraining, data: Samples, rate: float, seed: int) -> None:
    """One client's steps."""
    free = list(model.tensors.values())
    optimizer = torch.optim.SGD(free, lr=rate)
    for rows in batches(local, len(data), seed):
        optimizer.zero_grad()
        model.loss(data.take(rows)).backward()  # type: ignore[no-untyped-call]  # torch types it not
        clip_grad_norm_(free, local.clip or 1.0)
        optimizer.step()


def rounds(built: Built, model: Captioner, values: list[Tensor]) -> tuple[float, list[Tensor]]:
    """Seconds of all rounds but the first, and the last mean."""
    scenario = built.scenario
    local, draw = make_local(scenario.local), np.random.default_rng(scenario.seed)
    began = 0.0
    for number in range(scenario.merges or 1):
        total, samples = [torch.zeros_like(value) for value in values], 0
        for client in draw.choice(scenario.clients.count, scenario.schedule.buffer, replace=False).tolist():
            data = built.hand.shard(built.world.client(client, 0.0))
            model.load(values)
            learn(model, local, data, scenario.local.lr, number * scenario.clients.count + client)
            for place, tensor in enumerate(model.tensors.values()):
                total[place] += tensor.detach() * len(data)
            samples += len(data)
        values = [value / samples for value in total]
        if number == 0:
            began = time.perf_counter()
    return time.perf_counter() - began, values


def measure(order: Order) -> dict[str, float]:
    """Time the loop and judge what it has learned."""
    torch.set_num_threads(1)
    scenario = apply(validate(order["scenario"]), {"seed": order["seed"]})
    torch.manual_seed(scenario.seed)
    built = build(scenario)
    state = start(built)
    model = Captioner(built, state)
    first = [tensor.detach().clone() for tensor in model.tensors.values()]
    seconds, values = rounds(built, model, first)
    merges = scenario.merges or 1
    ended = from_leaves(zip(model.tensors, values, strict=True))
    timed = max(1, merges - 1) * scenario.schedule.buffer
    return {"ms_per_update": seconds * 1000 / timed, "nll": nll(built, ended), "rounds": merges}


if __name__ == "__main__":
    answer(measure)
