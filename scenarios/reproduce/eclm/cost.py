"""What sub-models cost on this machine beside what the device model says: time of a step, of an answer, and memory."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from mlecs_ray.methods.eclm.enhance import SubTasks
from mlecs_ray.methods.eclm.options import ECLM
from mlecs_ray.methods.eclm.prototype import Prototype
from mlecs_ray.methods.eclm.system import ModularCloud
from mlecs_ray.methods.local import LocalTraining, differentiated
from mlecs_ray.methods.optimizers import AdamW
from mlecs_ray.methods.pretrained import Offline, Pretrained
from mlecs_ray.models import flops
from mlecs_ray.models.classifier import ClassifierTask, Network, forward, params_of
from mlecs_ray.models.decompose import Grain
from mlecs_ray.models.modular import Modular, whole
from mlecs_ray.samples import Samples
from mlecs_ray.tree import Tree, tree_bytes, tree_map
from scenarios.reproduce.eclm.memory import peak

BATCH = 16
COUNTS = (1, 2, 4)
"""Modules with weights of each layer in a sub-model; with the residual one, as devices hold it."""
WHOLE = "whole network"
STEP, ANSWER, PEAK, MEMORY = "step_seconds", "answer_seconds", "peak_memory", "memory"
"""Of a batch: measured seconds of training on it and of answering it; bytes while it trains, as measured (parameters,
AdamW's moments and the most that a step allocates) and as counted (parameters, gradients, AdamW's moments and what
autograd saves)."""
FLOPS, MODEL_MEMORY = "model_flops", "model_memory"
"""FLOPs of training on a batch, and bytes, as the device model has them."""
MEASURES = (STEP, ANSWER, PEAK, MEMORY, FLOPS, MODEL_MEMORY)
REPEATS = 15
_RATE = 1e-3
_RESIDENT = 3
"""Copies of the parameters that are there between two steps: themselves and AdamW's two moments."""
RESNET18 = Network((3, 32, 32), 10, "resnet", (64, 64, 64, 128, 128, 256, 256, 512, 512))
"""As large as the paper's: a convolution and eight residual blocks."""
Costs = dict[str, dict[str, float]]
"""By sub-model and what was measured of it."""


@dataclass(frozen=True)
class Parts:
    """A model as parameters and what it answers with them."""

    params: Tree
    logits: Callable[[Tree, Tensor], Tensor]


def costs(network: Network, grain: Grain, top: int, repeats: int = REPEATS) -> Costs:
    """Of sub-models with 1, 2 and 4 modules a layer, and of the whole network; on one thread, as runs are made."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return _costs(network, grain, top, repeats)
    finally:
        torch.set_num_threads(threads)


def _costs(network: Network, grain: Grain, top: int, repeats: int) -> Costs:
    model = Modular(network, grain, top)
    found = {called(count): _of_submodel(model, count, repeats) for count in COUNTS if count < grain.modules}
    parts = Parts(params_of(network.module), lambda params, x: forward(network.module, params, x))
    modelled = whole(network, BATCH)
    said = {FLOPS: float(modelled[1]) * BATCH, MODEL_MEMORY: float(modelled[0])}
    return {**found, WHOLE: {**_measured(network, parts, repeats), **said}}


def called(count: int) -> str:
    """A sub-model, as tables name it."""
    return f"{count} module{'s' if count > 1 else ''} a layer"


def _of_submodel(model: Modular, count: int, repeats: int) -> dict[str, float]:
    held = torch.zeros(model.body.shape, dtype=torch.uint8)
    held[:, :count] = 1
    held[:, -1] = 1
    made = model.init(0)
    parts = Parts(model.part(made, held), lambda params, x: model.logits(params, made["selector"], x, held.bool()))
    flops_of_sample, memory = _cloud(model).cost(held)
    said = {FLOPS: float(flops_of_sample) * BATCH, MODEL_MEMORY: float(memory)}
    return {**_measured(model.network, parts, repeats), **said}


def _cloud(model: Modular) -> ModularCloud:
    """Who counts what devices are charged; its cloud knows nothing, which costs the same."""
    local = LocalTraining(AdamW(_RATE), BATCH)
    blank = Samples({"x": torch.zeros(2, 1)}, labels=torch.zeros(2, dtype=torch.int64))
    base = Pretrained(ClassifierTask(model.network), Offline(blank, local))
    return ModularCloud(Prototype(base, model, SubTasks(((0,),)), ECLM()), local, jobs=1, clients=1)


def _measured(network: Network, parts: Parts, repeats: int) -> dict[str, float]:
    draw = torch.Generator().manual_seed(0)
    x = torch.randn(BATCH, *network.form, generator=draw)
    labels = torch.randint(network.classes, (BATCH,), generator=draw)

    def loss(params: Tree) -> Tensor:
        return F.cross_entropy(parts.logits(params, x), labels)

    optimizer = AdamW(_RATE)
    state = optimizer.init(parts.params)

    def step() -> None:
        _, grads = differentiated(loss, parts.params)
        with torch.no_grad():
            optimizer.step(parts.params, grads, state)

    def answer() -> None:
        with torch.no_grad():
            parts.logits(parts.params, x)

    free = tree_map(lambda leaf: leaf.detach().clone().requires_grad_(), parts.params)
    saved = flops.saved_bytes(lambda: loss(free))
    counted = float(flops.trained_bytes(parts.params) + saved)
    times = {STEP: _seconds(step, repeats), ANSWER: _seconds(answer, repeats)}
    resident = _RESIDENT * tree_bytes(parts.params)
    return {**times, PEAK: float(resident + peak(step)), MEMORY: counted}


def _seconds(do: Callable[[], None], repeats: int) -> float:
    """The least of the repeats, after one that warms up: whatever else runs makes the others longer."""
    do()
    taken = []
    for _ in range(repeats):
        began = time.perf_counter()
        do()
        taken.append(time.perf_counter() - began)
    return round(min(taken), 7)
