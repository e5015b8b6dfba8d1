"""The page of a study beside its results, and its last section, which says how these came about."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from mlecs_ray.run.records import write_whole
from scenarios.reproduce import words
from scenarios.reproduce.found import Found
from scenarios.reproduce.store import Record
from scenarios.reproduce.study import Facts, Study

FEW = 4
"""Of more ways in which runs were made the rows are not told."""


def write(study: Study, found: Found, facts: Facts) -> Path:
    """The page beside its data, and its plots. Raises InputError when the disk refuses."""
    page, drawn = found.store.path.with_suffix(".md"), study.figures(found)
    for name, svg in drawn.items():
        with write_whole(_beside(page, name)) as part:
            part.write_text(svg)
    with write_whole(page) as part:
        part.write_text(study.text(found, facts, {name: _beside(page, name).name for name in drawn}))
    return page


def _beside(page: Path, name: str) -> Path:
    return page.with_name(f"{page.stem}-{name}.svg")


def runs(found: Found, facts: Facts) -> Iterator[str]:
    """How many runs there are, what failed, and on what and by which code they were made."""
    wanted = {key: cell for cell in found.cells for key in found.digests(cell).values()}
    records = [found.store.runs[key] for key in wanted if key in found.store.runs]
    done, failed = [one for one in records if one.result], [one for one in records if not one.result]
    yield "## Runs"
    yield (
        f"{len(done)} of {len(wanted)} runs, {sum(one.seconds for one in done) / 3600:.2f} hours of one core in all; "
        f"`{facts.command}`, {facts.date}."
    )
    counts = Counter(_how(one) for one in done)
    if len(counts) > FEW:
        yield from _by_place(done)
    else:
        for how, count in counts.items():
            yield f"{count} on {how}." if len(counts) == 1 else f"{count} on {how}: {_rows(found, how)}."
    yield from (f"Failed: {one.what}, seed {one.seed}: {one.error}" for one in failed)


def _how(one: Record) -> str:
    return f"{one.made.machine}; {one.made.versions}; {one.made.source}"


def _by_place(done: Sequence[Record]) -> Iterator[str]:
    """For each machine with its versions, how many runs, and in which states of the code."""
    places: dict[str, Counter[str]] = {}
    for one in done:
        places.setdefault(f"{one.made.machine}; {one.made.versions}", Counter())[one.made.source] += 1
    for place, sources in places.items():
        listed = ", ".join(f"{count} by {source}" for source, count in sources.items())
        yield f"{sum(sources.values())} on {place}; as the code changed in between, {listed}."


def _rows(found: Found, how: str) -> str:
    """The cells with a run made so, by group, by their names where they are not all of it."""
    there: dict[str, dict[str, None]] = {}
    for cell in found.cells:
        records = (found.store.runs.get(key) for key in found.digests(cell).values())
        if any(one is not None and one.result and _how(one) == how for one in records):
            there.setdefault(cell.group, {})[cell.name] = None
    return "; ".join(
        group if len(names) == len(found.names(group)) else f"{group} ({', '.join(map(words.method, names))})"
        for group, names in there.items()
    )
