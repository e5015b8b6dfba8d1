"""What a paper claims beside what was measured here, as lines of a table."""

from collections.abc import Sequence
from dataclasses import dataclass

from bench.document import table
from scenarios.reproduce import words


@dataclass(frozen=True)
class Target:
    """One line; ``reached`` is None where nothing was run that could tell."""

    claim: str
    measured: str
    reached: bool | None
    whole: bool = True
    """Whether all seeds were run."""
    sure: bool = True
    """Whether a test bears it out."""
    unknown: str = words.NOT_RUN
    """The verdict where ``reached`` is None."""

    @property
    def row(self) -> list[str]:
        """As text."""
        verdict = self.unknown if self.reached is None else "yes" if self.reached else "no"
        if self.reached is not None and not self.whole:
            verdict += ", so far"
        if self.reached and not self.sure:
            verdict += ", not significant"
        return [self.claim, self.measured, verdict]


def target_table(targets: Sequence[Target]) -> str:
    """All of them, as Markdown."""
    return table(["claim of the paper", "measured here", "reached"], [one.row for one in targets])
