"""The offline stage of ECLM: modules and selector learn from proxy data, then their abilities are enhanced."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional as F

from mlecs_ray.methods.eclm.enhance import SubTasks, loads, mismatch, targets
from mlecs_ray.methods.eclm.options import ECLM
from mlecs_ray.methods.local import descend
from mlecs_ray.methods.pretrained import Offline, described, remembered
from mlecs_ray.models.classifier import ClassifierTask, labels_of
from mlecs_ray.models.modular import Modular
from mlecs_ray.models.selector import balance
from mlecs_ray.samples import Samples
from mlecs_ray.seeds import derive
from mlecs_ray.tree import Tree


@dataclass(frozen=True, eq=False)
class Prototype:
    """What the cloud has before the first device is switched on: ``base``, ``layers``, ``selector`` and ``prior``."""

    task: ClassifierTask
    model: Modular
    offline: Offline
    subtasks: SubTasks
    options: ECLM

    def outline(self) -> Tree:
        """The shapes of ``make``, untrained."""
        return {**self.model.init(0), "prior": torch.full(self.model.body.shape, 1 / self.model.grain.modules)}

    def make(self, seed: int) -> Tree:
        """Both stages; ``prior`` (L, N) is the importance of modules on the proxy data. Kept in the cache."""
        o = self.options
        recipe = {
            "network": described(self.task),
            "grain": repr(o.grain),
            "top": o.top,
            "stages": [o.balance, *(() if "enhancing" in o.without else (o.match, o.enhance_epochs, o.spread, o.few))],
            "subtasks": repr(self.subtasks) if "enhancing" not in o.without else "",
            "seed": seed,
            **self.offline.recipe(),
        }
        return remembered("eclm", recipe, lambda: self._make(seed))

    def _make(self, seed: int) -> Tree:
        public, local = self.offline.public, self.offline.local
        state = descend(self._joint, self.model.init(seed), local, public, derive(seed, "offline")).params
        if "enhancing" not in self.options.without:
            state = self._enhanced(state, seed)
        return {**state, "prior": self.model.importance(state["selector"], self._inputs(public))}

    def _joint(self, params: Tree, batch: Samples) -> Tensor:
        """``CE + lambda balance``, with noisy gates."""
        x = self._inputs(batch)
        _, noisy = self.model.selector.noisy(params["selector"], x)
        gates = self.model.selector.gates(noisy)
        found = F.cross_entropy(self.model.body.forward(params, x, gates), labels_of(batch))
        return found + self.options.balance * balance(gates)

    def _enhanced(self, state: Tree, seed: int) -> Tree:
        """``CE + lambda KL`` towards the gates that the linear programme gives each sub-task."""
        wanted = self.wanted(state)
        local = replace(self.offline.local, epochs=self.options.enhance_epochs)

        def loss(params: Tree, batch: Samples) -> Tensor:
            x = self._inputs(batch)
            plain, noisy = self.model.selector.noisy(params["selector"], x)
            logits = self.model.body.forward(params, x, self.model.selector.gates(noisy))
            task = self.subtasks.draw(batch)
            known = task >= 0
            far = mismatch(plain[known], wanted[task[known]]) if known.any() else torch.zeros(())
            return F.cross_entropy(logits, labels_of(batch)) + self.options.match * far

        return descend(loss, state, local, self.offline.public, derive(seed, "enhance")).params

    @torch.no_grad()
    def wanted(self, state: Tree) -> Tensor:
        """(T, L, N): the target gates of each sub-task."""
        selector = self.model.selector
        gates = selector.gates(selector.scores(state["selector"], self._inputs(self.offline.public)))
        load = loads(gates, self.subtasks.members(self.offline.public))
        return targets(load, self.options.spread, self.options.few)

    def _inputs(self, samples: Samples) -> Tensor:
        return self.task.inputs(samples)
