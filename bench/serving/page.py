"""The page of serving's results."""

from collections.abc import Sequence
from datetime import date

from bench import machine
from bench.document import table
from bench.serving.figures import Found

HEAD = """# Serving

Written by `{command}` on {day}: {machine}; {versions}; {source}. One run, all of it on one machine, asker, server and
Ray among them; targets are ratios where they can be. Figures of several measurements are medians, with the least and
the most behind them. The models are those of `{run}`, version {version}.
"""


def page(command: str, run: str, version: str, found: Sequence[Found]) -> str:
    """All of it, as Markdown."""
    head = HEAD.format(
        command=command,
        day=date.today().isoformat(),
        machine=machine.describe(),
        versions=machine.versions(()),
        source=machine.source(),
        run=run,
        version=version,
    )
    goals = [
        [one.title, goal.says, goal.found, "yes" if goal.reached else "**no**"] for one in found for goal in one.goals
    ]
    parts = [head, table(["case", "target", "found", "reached"], goals), *(_section(one) for one in found)]
    return "\n".join(parts)


def _section(one: Found) -> str:
    rows = [[figure.name, figure.shown(), str(figure.times)] for figure in one.figures]
    return "\n".join([f"\n## {one.title}\n", f"{one.about}\n", table(["figure", "value", "measured"], rows)])
