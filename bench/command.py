"""``mlecs bench``: which cases, in which order, and what is printed."""

import difflib
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench import document, machine
from bench.case import Case
from bench.cases.catalogue import CASES
from bench.document import Facts
from bench.environments import PEERS, make
from bench.figures import figure_rows, target_rows
from bench.turns import Outcome, take_turns
from mlecs_ray.errors import InputError

OUT = Path("docs/results/speed.md")
MAKE_PEERS = "peers"
"""A name beside those of the cases: makes the peers' environments and measures nothing."""


def bench(
    console: Console, names: Sequence[str], repeats: int = 3, quick: bool = False, out: Path | None = None
) -> None:
    """Run these cases (none: all) and write their sections; raises InputError for what the user can mend.

    ``quick`` is one turn of a few rounds, which proves that it runs and nothing else: it writes no page unless told
    where.
    """
    _check(names, repeats)
    if MAKE_PEERS in names:
        _make_peers(console)
    chosen = [name for name in CASES if name in names or not names]
    for case in [CASES[name](quick) for name in chosen]:
        _case(console, case, 1 if quick else repeats, quick, out or (None if quick else OUT))


def _check(names: Sequence[str], repeats: int) -> None:
    known = [*CASES, MAKE_PEERS]
    for name in names:
        if name not in known:
            close = difflib.get_close_matches(name, known, 1)
            hint = f"; did you mean {close[0]}?" if close else f"; there are {', '.join(known)}"
            raise InputError(f"{name!r} is no case of the benchmark, so nothing was measured{hint}")
    if repeats < 1:
        raise InputError(f"repeats={repeats} must be at least 1, or nothing is measured")


def _make_peers(console: Console) -> None:
    for environment in PEERS:
        console.print(
            f"{environment.peer}: {make(environment).parents[1]}", soft_wrap=True, highlight=False, markup=False
        )


def _case(console: Console, case: Case, repeats: int, quick: bool, out: Path | None) -> None:
    console.rule(f"{case.name}: {case.title}")
    if reason := case.obstacle():
        console.print(f"not measured: {reason}")
        # What another machine has measured is worth more than that this one could not.
        if out is not None and case.name not in document.sections(out.read_text() if out.exists() else ""):
            document.write(out, case.name, document.obstructed(case, reason), list(CASES))
        return

    def tell(line: str) -> None:
        console.print(line, highlight=False, style="dim", markup=False)

    outcome = take_turns(case, repeats, tell, None if quick else make)
    _show(console, case, outcome)
    if out is not None:
        document.write(
            out, case.name, document.section(case, outcome, _facts(case, outcome, repeats, quick)), list(CASES)
        )
        console.print(f"written: {out}", soft_wrap=True)


def _show(console: Console, case: Case, outcome: Outcome) -> None:
    figures = Table("contender", *(column.title for column in case.columns))
    for row in figure_rows(case, outcome.turns):
        figures.add_row(*row)
    targets = Table("target", "bound", "reached", "")
    for row in target_rows(case, outcome.turns):
        targets.add_row(*row)
    console.print(figures)
    if case.targets:
        console.print(targets)
    for name, reason in outcome.left_out.items():
        console.print(f"left out: {name}: {reason}", soft_wrap=True, highlight=False, markup=False)


def _facts(case: Case, outcome: Outcome, repeats: int, quick: bool) -> Facts:
    took_part = [contender for contender in case.contenders if contender.name not in outcome.left_out]
    peers = list(dict.fromkeys(one.environment for one in took_part if one.environment is not None))
    command = f"mlecs bench {case.name} " + ("--quick" if quick else f"--repeats {repeats}")
    return Facts(command, date.today().isoformat(), machine.describe(), machine.versions(peers))
