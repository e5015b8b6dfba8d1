"""What the methods move, and how long they take, as tables."""

from collections.abc import Callable, Sequence
from statistics import mean

from bench.document import table
from mlecs_ray.report.units import BYTES, number, size
from scenarios.reproduce import words
from scenarios.reproduce.found import Found
from scenarios.reproduce.measures import Result


def jobs(found: Found, group: str, setting: str) -> str:
    """A row per method: means over seeds."""
    header = [
        "",
        "edge jobs",
        "down a job",
        "up a job",
        "both, of the client's model",
        "both, of client's and cloud's",
        "virtual seconds",
        "merges",
        "staleness",
        "real seconds",
    ]
    rows = [
        [words.method(cell.name), *_row(list(found.results(cell).values()), len(header) - 1)]
        for cell in found.group(group, setting)
    ]
    return table(header, rows)


def _row(results: Sequence[Result], width: int) -> list[str]:
    if not results:
        return [words.NOT_RUN] * width

    def average(of: Callable[[Result], float]) -> float:
        return mean(of(result) for result in results)

    return [
        number(average(lambda one: one.traffic.jobs), 3),
        size(average(lambda one: sum(one.traffic.download.values())), BYTES),
        size(average(lambda one: sum(one.traffic.upload.values())), BYTES),
        f"{100 * average(lambda one: one.traffic.share):.3f} %",
        f"{100 * average(lambda one: one.traffic.share_of_all):.3f} %",
        number(average(lambda one: one.virtual_seconds), 4),
        number(average(lambda one: one.merges), 3),
        number(average(lambda one: one.staleness), 3),
        number(average(lambda one: one.real_seconds), 3),
    ]


def parts(found: Found, group: str, setting: str) -> str:
    """A row per method and part of its payload: means over seeds, bytes of an edge job."""
    rows = []
    for cell in found.group(group, setting):
        results = list(found.results(cell).values())
        names = dict.fromkeys(
            name for one in results for by in (one.traffic.download, one.traffic.upload) for name in by
        )
        for name in names:
            down = mean(one.traffic.download.get(name, 0) for one in results)
            up = mean(one.traffic.upload.get(name, 0) for one in results)
            share = mean(_of_model(one, name) for one in results)
            rows.append([words.method(cell.name), name, size(down, BYTES), size(up, BYTES), f"{100 * share:.3f} %"])
        if not names:
            rows.append([words.method(cell.name), *(["nothing" if results else words.NOT_RUN] + ["-"] * 3)])
    return table(["", "part", "down a job", "up a job", "both, of the client's model"], rows)


def _of_model(result: Result, name: str) -> float:
    traffic = result.traffic
    moved = traffic.download.get(name, 0) + traffic.upload.get(name, 0)
    return moved / traffic.client if traffic.client else 0.0


def models(found: Found, group: str) -> str:
    """How large the models are, over all runs of a group."""
    results = [result for cell in found.group(group) for result in found.results(cell).values()]
    if not results:
        return f"Models: {words.NOT_RUN}."
    clients = [result.traffic.client / 4e6 for result in results if result.traffic.client]
    clouds = [result.traffic.cloud / 4e6 for result in results if result.traffic.cloud]
    said = [
        f"{whose} {mean(sizes):.1f}" for whose, sizes in (("a client's", clients), ("the cloud's", clouds)) if sizes
    ]
    return f"Parameters in millions, frozen ones included: {', '.join(said) or 'not counted'}."
