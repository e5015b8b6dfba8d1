"""The offline stage of ECLM: modules and selector learn from proxy data, then their abilities are enhanced."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional as F

from mlecs_ray.methods.eclm.enhance import SubTasks, loads, mismatch, targets
from mlecs_ray.methods.eclm.options import ECLM
from mlecs_ray.methods.local import descend
from mlecs_ray.methods.pretrained import Offline, Pretrained, described, remembered
from mlecs_ray.models.classifier import ClassifierTask, labels_of
from mlecs_ray.models.modular import Modular
from mlecs_ray.models.selector import balance
from mlecs_ray.samples import Samples
from mlecs_ray.seeds import derive
from mlecs_ray.tree import Tree, tree_digest

_EDITION = 8
"""Changed whenever the stages are."""
_SOFT = 2.0
_ALONE = 0.5


@dataclass(frozen=True, eq=False)
class Prototype:
    """What the cloud has before the first device is switched on: ``base``, ``layers``, ``selector`` and ``prior``."""

    base: Pretrained
    """The cloud's model before it is decomposed."""
    model: Modular
    subtasks: SubTasks
    options: ECLM

    @property
    def task(self) -> ClassifierTask:
        """What is learned."""
        return self.base.task

    @property
    def offline(self) -> Offline:
        """How and from what the cloud learns."""
        return self.base.offline

    def outline(self) -> Tree:
        """The shapes of ``make``, untrained."""
        return {**self.model.init(0), "prior": torch.full(self.model.body.shape, 1 / self.model.grain.modules)}

    def make(self, seed: int) -> Tree:
        """Both stages; ``prior`` (L, N) is the importance of modules on the proxy data. Kept in the cache."""
        o = self.options
        recipe = {
            "network": described(self.task),
            "grain": repr(o.grain),
            # Rules of a user's own say what modules are, and what they begin with.
            "modules": tree_digest(self.model.init(0)),
            "top": (o.top, o.varied),
            "edition": _EDITION,
            "stages": [
                o.balance,
                o.distil,
                *(() if "enhancing" in o.without else (o.match, o.enhance_epochs, o.spread, o.few)),
            ],
            "subtasks": repr(self.subtasks) if "enhancing" not in o.without else "",
            "seed": seed,
            **self.offline.recipe(),
        }
        return remembered("eclm", recipe, lambda: self._make(seed))

    def _make(self, seed: int) -> Tree:
        public, whole = self.offline.public, self.base.init(seed)
        state = self.model.init(seed, whole)
        for number, (most, epochs) in enumerate(self._phases()):
            local = replace(self.offline.local, epochs=epochs)
            state = descend(self._joint(whole, most), state, local, public, derive(seed, "offline", number)).params
        if "enhancing" not in self.options.without:
            state = self._enhanced(state, whole, seed)
        return {**state, "prior": self.model.importance(state["selector"], self._inputs(public))}

    def _phases(self) -> list[tuple[int, int]]:
        """How many modules of a layer a sample passes at most, and for how many epochs: first all, then half as many
        again and again down to ``top``, which has half of the epochs; so what was inherited comes apart slowly [ours].
        """
        top, epochs = self.model.selector.top, self.offline.local.epochs
        most = [self.model.grain.modules >> halved for halved in range(16) if self.model.grain.modules >> halved > top]
        each = epochs // 2 // len(most) if self.options.varied and most else 0
        return [(many, each) for many in most if each] + [(top, epochs - each * len(most))]

    def _joint(self, whole: Tree, most: int) -> Callable[[Tree, Samples], Tensor]:
        """``CE + mu KD + lambda balance``, with noisy gates."""

        def loss(params: Tree, batch: Samples) -> Tensor:
            x = self._inputs(batch)
            gates = self._noisy(params, x, most)[1]
            told = self._told(self.model.body.forward(params, x, gates), batch, whole)
            return told + self.options.balance * balance(gates)

        return loss

    def _noisy(self, params: Tree, x: Tensor, most: int, held: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Scores without noise, and gates with it, for ``most`` modules of a layer.

        Or for any number up to that: a module that was never alone cannot answer in a small sub-model [ours].
        """
        plain, noisy = self.model.selector.noisy(params["selector"], x)
        passed = int(torch.randint(1, most + 1, ())) if self.options.varied else most
        return plain, self.model.selector.gates(noisy, held, passed)

    def _told(self, logits: Tensor, batch: Samples, whole: Tree) -> Tensor:
        """Cross-entropy, and what the network says that was decomposed (KL at a temperature of 2) [ours]."""
        found = F.cross_entropy(logits, labels_of(batch))
        if not self.options.distil:
            return found
        with torch.no_grad():
            said = (self.task.logits(whole, batch) / _SOFT).softmax(1)
        taught = F.kl_div((logits / _SOFT).log_softmax(1), said, reduction="batchmean") * _SOFT**2
        return found + self.options.distil * taught

    def _enhanced(self, state: Tree, whole: Tree, seed: int) -> Tree:
        """``CE + mu KD + lambda KL`` towards the gates that the linear programme gives each sub-task; half of the
        batches pass the sub-task's modules alone, as they will on a device [ours]."""
        wanted = self.wanted(state)
        local = replace(self.offline.local, epochs=self.options.enhance_epochs)

        def loss(params: Tree, batch: Samples) -> Tensor:
            x, task = self._inputs(batch), self.subtasks.draw(batch)
            goal, known = wanted[task], task >= 0
            alone = (goal > 0) | ~known.view(-1, 1, 1) if torch.rand(()) < _ALONE else None
            plain, gates = self._noisy(params, x, self.model.selector.top, alone)
            far = mismatch(plain[known], goal[known]) if known.any() else torch.zeros(())
            return self._told(self.model.body.forward(params, x, gates), batch, whole) + self.options.match * far

        return descend(loss, state, local, self.offline.public, derive(seed, "enhance")).params

    @torch.no_grad()
    def wanted(self, state: Tree) -> Tensor:
        """(T, L, N): the target gates of each sub-task. Loads are gates before any is left out: or a sub-task could
        get no module but those that all others have too [ours]."""
        scores = self.model.selector.scores(state["selector"], self._inputs(self.offline.public))
        load = loads(scores.softmax(-1), self.subtasks.members(self.offline.public))
        return targets(load, self.options.spread, self.options.few)

    def _inputs(self, samples: Samples) -> Tensor:
        return self.task.inputs(samples)
