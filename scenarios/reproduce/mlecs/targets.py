"""What the paper claims beside what was measured here."""

from collections.abc import Iterator
from statistics import mean

import torch

from mlecs_ray.methods.exchange import WIRE
from scenarios.reproduce import words
from scenarios.reproduce.comparison import Comparison, together
from scenarios.reproduce.found import Found
from scenarios.reproduce.mlecs.cells import OURS
from scenarios.reproduce.mlecs.comparisons import comparisons
from scenarios.reproduce.mlecs.scopes import CLIENTS, CLOUD, SIDES
from scenarios.reproduce.statistics import Paired, paired, relative
from scenarios.reproduce.target import Target

CLIENT_CLAIMS = {"rouge_lsum": 0.0544, "bertscore_minilm": 0.0072, "macro_f1": 0.0299}
"""The least gain over a baseline that the paper reports (arXiv 2602.14107)."""
CLOUD_CLAIMS = {"rouge_lsum": 0.0167, "bertscore_minilm": 0.0131, "macro_f1": 0.0065}
"""The same on the server, against baselines whose cloud learns."""
LOSS = 0.02
"""How much worse 20 clients may be than 3."""
TRAFFIC = 0.0065
"""Share of the parameter volume that travels."""
SURE = 0.05
"""A gain whose p is not below this may be none."""
BEST = "the best other"
SERVERS = ("standalone", "coplms")
"""Whose cloud the paper's server is held against."""


def targets(found: Found) -> list[Target]:
    """Every claim that this table can answer."""
    gains = [one for group in ("rates", "unlike", "classes") for one in _gains(found, group)]
    return [*gains, *_flat(found), *_traffic(found)]


def _gains(found: Found, group: str) -> Iterator[Target]:
    tests = {(one.setting, one.scope, one.metric): one for one in comparisons(found, group)}
    servers = {(one.setting, one.metric, one.other): one for one in _servers(found, group)}
    for scope, claims in ((CLIENTS, CLIENT_CLAIMS), (CLOUD, CLOUD_CLAIMS)):
        for metric, bound in claims.items():
            # The paper's F1 is a claim on classes, its texts are not classified.
            if (metric == "macro_f1") != (group == "classes"):
                continue
            for setting in found.settings(group):
                start = f"{words.metric(metric)}, {SIDES[scope]}, {setting}: ≥ {words.percent(bound)} over "
                held = {BEST: tests.get((setting, scope, metric))}
                if scope == CLOUD:
                    held |= {words.method(other): servers.get((setting, metric, other)) for other in SERVERS}
                absent = words.NOT_RUN if metric in found.metrics(group) else "not recorded"
                yield from (_gain(found, start, other, one, bound, absent) for other, one in held.items())


def _gain(found: Found, start: str, other: str, one: Comparison | None, bound: float, absent: str) -> Target:
    claim = start + other
    if one is None or one.pair.relative is None:
        return Target(claim, absent, None)
    over = f" over {words.method(one.other)}" if other == BEST else ""
    said = f"{words.percent(one.pair.relative)}{over}, {words.test(one.pair, one.corrected)}"
    return Target(claim, said, one.pair.relative >= bound, _whole(found, one), _sure(one.pair, one.corrected))


def _sure(pair: Paired, corrected: float | None) -> bool:
    """By the corrected test over pairs, and by that over seeds, which are fewer and independent."""
    return all(p is not None and p < SURE for p in (corrected, pair.p_seeds))


def _whole(found: Found, one: Comparison) -> bool:
    """Whether both sides were run with all seeds."""
    return found.whole(*(found.cell(one.group, name, one.setting) for name in (one.name, one.other)))


def _servers(found: Found, group: str) -> list[Comparison]:
    """The cloud against each of ``SERVERS``, corrected together."""
    drawn = [
        (setting, CLOUD, metric, OURS, other, pair)
        for setting in found.settings(group)
        for metric in found.metrics(group)
        for other in SERVERS
        if metric in CLOUD_CLAIMS and (pair := _clouds(found, group, setting, metric, other)) is not None
    ]
    return together(group, drawn)


def _clouds(found: Found, group: str, setting: str, metric: str, other: str) -> Paired | None:
    return paired(*(found.values(found.cell(group, name, setting), CLOUD, metric) for name in (OURS, other)))


def _flat(found: Found) -> Iterator[Target]:
    cells = found.group("scale")
    if not cells:
        return
    few, many, metric = cells[0], cells[-1], found.metrics("scale")[0]
    for scope in (CLIENTS, CLOUD):
        claim = f"{words.metric(metric)}, {SIDES[scope]}, {few.name} to {many.name}: less than {100 * LOSS:g} % worse"
        change = relative(found.values(many, scope, metric), found.values(few, scope, metric))
        whole = found.whole(few, many)
        said, enough = (words.NOT_RUN, None) if change is None else (words.percent(change), change > -LOSS)
        yield Target(claim, said, enough, whole)


def _traffic(found: Found) -> Iterator[Target]:
    cells = [cell for cell in found.group("rates") if cell.name == OURS]
    results = [result for cell in cells for result in found.results(cell).values()]
    own, both = [one.traffic.share for one in results], [one.traffic.share_of_all for one in results]
    for what, factor in (("bytes", 1.0), ("numbers", torch.float32.itemsize / WIRE.itemsize)):
        for of, shares in (("the client's own model", own), ("the client's and the cloud's models", both)):
            claim = f"{what} of a job, both ways, of {of}: ≤ {100 * TRAFFIC:g} %"
            share = factor * mean(shares) if shares else None
            said = words.NOT_RUN if share is None else f"{100 * share:.3f} %"
            yield Target(claim, said, None if share is None else share <= TRAFFIC)
