"""Which version answers: a new one on a share of the traffic first, beside the old one; then it stays, or goes."""

import math
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from mlecs_ray.errors import InputError

Step = Literal["promote", "roll back"]
_SURE = 10
"""How many answers that could have a confidence show whether a version is ever sure."""


@dataclass(frozen=True)
class Rules:
    """When a new version is judged, and by what."""

    share: float = 0.1
    """Of the traffic that it gets while it is judged."""
    answers: int = 50
    """How many of its answers are waited for."""
    failures: float = 0.01
    """How much more often it may fail than the old one."""
    confidence: float = 0.05
    """How much less sure it may be on average, in calibrated confidence."""
    slower: float = 1.5
    """How many times as long it may take on average."""
    seconds: float = 900.0
    """A trial that has lasted so long is judged by the answers that there are, so that a newer version can follow."""

    def __post_init__(self) -> None:
        if not 0 < self.share < 1:
            raise InputError(f"share={self.share} must lie between 0 and 1, or there is nothing to compare it with")
        if self.answers < 1 or self.failures < 0 or self.confidence < 0 or self.slower < 1 or not self.seconds > 0:
            raise InputError(f"{self} must have answers and slower of 1 or more, no negative margin, and some seconds")


@dataclass
class Tally:
    """What one version has shown: running sums, so that it is as small after a million answers."""

    answers: int = 0
    failed: int = 0
    seconds: float = 0.0
    confidence: float = 0.0
    judged: int = 0
    """Questions of which it is known how sure its edge was, whoever answered in the end."""
    judgeable: int = 0
    """Questions of which it could be, as thresholds are fitted for such."""

    def add(self, ok: bool, seconds: float, confidence: float | None, judgeable: bool = True) -> None:
        """One answer, or one failure."""
        self.answers += 1
        self.failed += not ok
        self.seconds += seconds
        self.judgeable += ok and judgeable
        if confidence is not None and ok:
            self.confidence, self.judged = self.confidence + confidence, self.judged + 1

    @property
    def failure_rate(self) -> float:
        return self.failed / self.answers if self.answers else 0.0

    @property
    def mean_seconds(self) -> float:
        return self.seconds / self.answers if self.answers else math.nan

    @property
    def mean_confidence(self) -> float:
        return self.confidence / self.judged if self.judged else math.nan


@dataclass
class Rollout:
    """The version that answers, and the one on trial. Whoever has chosen a version answers with it to the end."""

    stable: str
    rules: Rules = field(default_factory=Rules)
    canary: str | None = None
    previous: str | None = None
    """What ``stable`` was before: where to go back to."""
    tallies: dict[str, Tally] = field(default_factory=dict)
    history: list[str] = field(default_factory=list)
    draw: Callable[[], float] = random.Random().random
    """In [0, 1): no asker can choose who answers."""
    clock: Callable[[], float] = time.monotonic
    _since: float = 0.0
    """When the trial began."""

    def begin(self, version: str) -> None:
        """Put a new version on trial; one that is on trial already goes. Raises InputError for the one that answers."""
        if version == self.stable:
            raise InputError(f"version {version} answers already, so there is nothing to roll in")
        if self.canary:
            self.roll_back("a newer one came")
        self.canary = version
        self.tallies, self._since = {self.stable: Tally(), version: Tally()}, self.clock()
        self._note(f"{version} on trial with {self.rules.share:.0%} of the traffic")

    def choose(self) -> str:
        """The version for a request: the one on trial for its share of all."""
        return self.canary if self.canary is not None and self.draw() < self.rules.share else self.stable

    def record(
        self, version: str, ok: bool, seconds: float, confidence: float | None = None, judgeable: bool = True
    ) -> Step | None:
        """What came of an answer; carries out and returns what follows from it, if something does."""
        if version not in self.tallies or self.canary is None:
            return None
        self.tallies[version].add(ok, seconds, confidence, judgeable)
        return self.settle()

    def settle(self) -> Step | None:
        """Judge the trial, if there is one and it may be judged by now; carries out and returns what follows."""
        if self.canary is None:
            return None
        step, why = self._verdict()
        if step == "promote":
            self.promote(why)
        elif step == "roll back":
            self.roll_back(why)
        return step

    def _verdict(self) -> tuple[Step | None, str]:
        assert self.canary is not None
        new, old = self.tallies[self.canary], self.tallies[self.stable]
        # A version that cannot answer at all need not fail so many people before it goes.
        if new.failed >= 3 and new.failure_rate > old.failure_rate + max(self.rules.failures, 0.5):
            return "roll back", f"{new.failed} of {new.answers} answers failed"
        few = new.answers < self.rules.answers or not old.answers
        if few and self.clock() - self._since <= self.rules.seconds:
            return None, ""
        if new.failure_rate > old.failure_rate + self.rules.failures:
            return "roll back", f"fails {new.failure_rate:.1%}, the old one {old.failure_rate:.1%}"
        if few:
            # Means over so few say nothing yet.
            return "promote", f"no failure in {new.answers} answers speaks against it, and others may wait"
        if old.judged and not new.judged and new.judgeable >= min(_SURE, self.rules.answers):
            return "roll back", "it was never sure of an answer, the old one was"
        if new.mean_confidence < old.mean_confidence - self.rules.confidence:
            return "roll back", f"confidence {new.mean_confidence:.3f}, the old one {old.mean_confidence:.3f}"
        if new.mean_seconds > old.mean_seconds * self.rules.slower:
            return "roll back", f"{new.mean_seconds:.3f} s an answer, the old one {old.mean_seconds:.3f}"
        return "promote", f"as good in {new.answers} answers"

    def promote(self, why: str = "asked to") -> None:
        """The version on trial answers from now on. Raises InputError where none is."""
        canary = self._on_trial()
        self.previous, self.stable, self.canary = self.stable, canary, None
        self._note(f"{canary} promoted: {why}")

    def roll_back(self, why: str = "asked to") -> None:
        """The version on trial goes; without one, the version before the present one comes back."""
        if self.canary is None:
            if self.previous is None:
                raise InputError("no version is on trial and none came before, so there is nothing to go back to")
            self.stable, self.previous = self.previous, None
            self._note(f"back to {self.stable}: {why}")
            return
        self._note(f"{self.canary} rolled back: {why}")
        self.canary = None

    def _on_trial(self) -> str:
        if self.canary is None:
            raise InputError("no version is on trial, so there is none to promote")
        return self.canary

    def _note(self, line: str) -> None:
        self.history = [*self.history[-49:], line]
