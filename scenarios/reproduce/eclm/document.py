"""The page of results: everything that the paper reports, from what was measured and nothing else."""

from collections.abc import Iterator, Mapping

from scenarios.reproduce import clock, page, words
from scenarios.reproduce.eclm import prose, steps
from scenarios.reproduce.eclm.budgets import budget_table, load_lines
from scenarios.reproduce.eclm.figures import TITLE
from scenarios.reproduce.eclm.pooled import room_table
from scenarios.reproduce.eclm.setup import setup
from scenarios.reproduce.eclm.summary import summary
from scenarios.reproduce.eclm.tables import (
    clock_table,
    first_table,
    gain_table,
    main_table,
    schedule_table,
    size_table,
    strangers,
    submodel_table,
    variant_tables,
)
from scenarios.reproduce.eclm.targets import targets
from scenarios.reproduce.eclm.timings import timing_tables
from scenarios.reproduce.eclm.traffic import job_table, until_table
from scenarios.reproduce.found import Found
from scenarios.reproduce.study import Facts
from scenarios.reproduce.target import target_table

VARIED = {
    "personal": ("The paper's rule, and averages that are fine-tuned", prose.PERSONAL),
    "ablations": ("Without its parts", prose.ABLATIONS),
    "overlap": ("Sets of classes that overlap", prose.OVERLAP),
}
"""Groups of variants: their titles, and what is said of them."""


def text(found: Found, facts: Facts, plots: Mapping[str, str]) -> str:
    """The page as Markdown; ``plots`` are file names by figure."""
    parts = [prose.HEAD.format(data=found.store.path.name), *summary(found), *_accuracy(found, plots)]
    parts += ["## Claims", prose.CLAIMS, target_table(targets(found))]
    for group, (title, said) in VARIED.items():
        parts += _variants(found, group, title, said, plots)
    parts += [*_continuous(found, plots), *_bytes(found), *_sizes(found, plots), *_times(found)]
    parts += [*_schedules(found, plots), *_tests(found), *setup(found)]
    return "\n\n".join([*parts, *page.runs(found, facts)]) + "\n"


def _figure(plots: Mapping[str, str], name: str) -> Iterator[str]:
    if name in plots:
        yield f"![{TITLE}]({plots[name]})"


def _fewer(found: Found, group: str) -> Iterator[str]:
    """Which cells of a group have fewer seeds than the study, for whatever is drawn or told of them."""
    by: dict[int, list[str]] = {}
    for cell in found.group(group):
        by.setdefault(len(found.results(cell)), []).append(f"{words.method(cell.name)} on {cell.setting}")
    every = len(found.seeds)
    fewer = {seeds: cells for seeds, cells in by.items() if 0 < seeds < every}
    if not fewer:
        return
    alone = len(fewer) == 1 and every not in by
    told = [
        f"{seeds} of {every}: {'all that was run' if alone else '; '.join(fewer[seeds])}" for seeds in sorted(fewer)
    ]
    yield f"Fewer seeds, here and in the plots: {'. '.join(told)}. One seed has no deviation, no test, no significance."


def _accuracy(found: Found, plots: Mapping[str, str]) -> Iterator[str]:
    yield "## Accuracy"
    yield prose.TABLE
    yield from _fewer(found, "table")
    if others := strangers(found):
        yield prose.STRANGERS.format(where="; ".join(others))
    yield from _figure(plots, "table")
    yield main_table(found)
    yield prose.ROOM
    yield room_table(found)
    yield prose.FIRST
    yield first_table(found)


def _tests(found: Found) -> Iterator[str]:
    yield "## Tests and clock"
    yield prose.TESTS
    yield gain_table(found)
    yield prose.CLOCK
    yield clock_table(found)


def _bytes(found: Found) -> Iterator[str]:
    yield "## Bytes"
    yield prose.BYTES_MOVED
    yield job_table(found)
    yield until_table(found)


def _sizes(found: Found, plots: Mapping[str, str]) -> Iterator[str]:
    yield "## Budgets"
    yield prose.BUDGETS
    yield budget_table(found)
    if lines := load_lines(found):
        yield prose.LOADED
        yield "\n".join(lines)
    yield "## Sub-models"
    yield prose.MEMORY
    yield submodel_table(found)
    if found.group("sizes"):
        yield prose.SIZES
        yield from _fewer(found, "sizes")
        yield from _figure(plots, "sizes")
        yield from (size_table(found, setting) for setting in found.settings("sizes"))


def _times(found: Found) -> Iterator[str]:
    yield "## On this machine"
    yield prose.TIMES
    yield from timing_tables(found)


def _variants(found: Found, group: str, title: str, said: str, plots: Mapping[str, str]) -> Iterator[str]:
    """A group whose first is what the others are held against."""
    if found.group(group):
        yield f"## {title}"
        yield said
        yield from _fewer(found, group)
        yield from _figure(plots, group)
        yield from variant_tables(found, group)


def _continuous(found: Found, plots: Mapping[str, str]) -> Iterator[str]:
    if found.group(steps.GROUP):
        yield "## Environments that shift"
        yield prose.CONTINUOUS
        yield from _fewer(found, steps.GROUP)
        for number, setting in enumerate(found.settings(steps.GROUP), 1):
            yield from _figure(plots, f"continuous-{number}")
            yield steps.step_table(found, setting)


def _schedules(found: Found, plots: Mapping[str, str]) -> Iterator[str]:
    if found.group("schedules"):
        yield "## Who waits"
        yield prose.SCHEDULES
        yield from _fewer(found, "schedules")
        for number, setting in enumerate(found.settings("schedules"), 1):
            yield from _figure(plots, f"schedules-{number}")
            yield schedule_table(found, setting)
            yield clock.times(found, "schedules", setting)
