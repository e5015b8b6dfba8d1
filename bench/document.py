"""The page of results: one section per case, each replaced by itself, so that cases can be run apart."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.case import Case
from bench.figures import figure_rows, target_rows
from bench.turns import SEEDS, Outcome
from mlecs_ray.errors import InputError

HEAD = """# Speed

Written by `mlecs bench`, which measures ours, a plain PyTorch loop and the peers on one machine in one go: every
measurement in a fresh process, the contenders in turns (A B A B), the same task, data, sampling and number of steps
for all. Figures are the median of the turns, with the least and the most behind it. A ratio is taken within each
turn, so that what slows the machine for a while slows both sides; its median counts. Each section says when, on
what and by which command it was measured, and is replaced whole when its case is run again.
"""
_BEFORE_HEADING = re.compile(r"^(?=## \w)", re.MULTILINE)


@dataclass(frozen=True)
class Facts:
    """What a section says of how it came about."""

    command: str
    date: str
    machine: str
    versions: str


def section(case: Case, outcome: Outcome, facts: Facts) -> str:
    """The case as Markdown, from its heading to its last line."""
    seeds = ", ".join(str(SEEDS[i % len(SEEDS)]) for i in range(len(outcome.turns)))
    parts = [f"## {case.name}", f"{case.title}.", case.about]
    parts.append(table(["contender", *(column.title for column in case.columns)], figure_rows(case, outcome.turns)))
    if case.targets:
        parts.append(table(["target", "bound", "reached", "yes or no"], target_rows(case, outcome.turns)))
    parts += [f"Left out: {name}: {reason}." for name, reason in outcome.left_out.items()]
    parts.append(
        f"`{facts.command}`, {facts.date}; {facts.machine}; {facts.versions}; "
        f"{len(outcome.turns)} turns, seeds {seeds}."
    )
    return "\n\n".join(parts) + "\n"


def obstructed(case: Case, reason: str) -> str:
    """A section that says why there are no figures."""
    return "\n\n".join([f"## {case.name}", f"{case.title}.", case.about, f"Not measured: {reason}."]) + "\n"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Markdown; all columns but the first are figures."""
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def sections(text: str) -> dict[str, str]:
    """The sections of a page by name, each with its heading."""
    _, *parts = _BEFORE_HEADING.split(text)
    return {part.removeprefix("## ").split()[0]: part.strip() + "\n" for part in parts}


def replaced(text: str, name: str, new: str, order: Sequence[str]) -> str:
    """The page with this section new and all others as they were, in this order; unknown ones come last."""
    found = {**sections(text), name: new}
    names = [*(one for one in order if one in found), *(one for one in found if one not in order)]
    return "\n".join([HEAD, *(found[one] for one in names)])


def write(path: Path, name: str, new: str, order: Sequence[str]) -> None:
    """Replace one section of the file; raises InputError where it cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        old = path.read_text() if path.exists() else ""
        path.write_text(replaced(old, name, new, order))
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}, so the results of {name} were not written") from error
