"""What the paper claims beside what was measured here."""

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import mean

import torch

from bench.document import table
from mlecs_ray.methods.exchange import WIRE
from scenarios.reproduce import words
from scenarios.reproduce.cells import OURS
from scenarios.reproduce.found import CLIENTS, CLOUD, Comparison, Found
from scenarios.reproduce.statistics import paired, relative

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
SERVERS = ("standalone", "coplms")
"""Whose cloud the paper's server is held against."""


@dataclass(frozen=True)
class Target:
    """One line; ``reached`` is None where nothing was run."""

    claim: str
    measured: str
    reached: bool | None
    whole: bool = True
    """Whether all seeds were run."""
    sure: bool = True
    """Whether a test bears it out."""

    @property
    def row(self) -> list[str]:
        """As text."""
        verdict = words.NOT_RUN if self.reached is None else "yes" if self.reached else "no"
        if self.reached is not None and not self.whole:
            verdict += ", so far"
        if self.reached and not self.sure:
            verdict += ", not significant"
        return [self.claim, self.measured, verdict]


def targets(found: Found) -> list[Target]:
    """Every claim that this table can answer."""
    gains = [one for group in ("rates", "classes") for one in _gains(found, group)]
    return [*gains, *_flat(found), *_traffic(found)]


def target_table(found: Found) -> str:
    """All of them, as Markdown."""
    return table(["claim of the paper", "measured here", "reached"], [one.row for one in targets(found)])


def _gains(found: Found, group: str) -> Iterator[Target]:
    tests = found.comparisons(group)
    for scope, claims in ((CLIENTS, CLIENT_CLAIMS), (CLOUD, CLOUD_CLAIMS)):
        for metric, bound in claims.items():
            # The paper's F1 is a claim on classes, its texts are not classified.
            if (metric == "macro_f1") != (group == "classes"):
                continue
            for setting in found.settings(group):
                yield _gain(found, group, setting, scope, metric, bound, tests)
                if scope == CLOUD:
                    yield from (_over(found, group, setting, metric, other, bound) for other in SERVERS)


def _gain(
    found: Found, group: str, setting: str, scope: str, metric: str, bound: float, tests: list[Comparison]
) -> Target:
    claim = f"{words.metric(metric)}, {words.SIDES[scope]}, {setting}: ≥ {words.percent(bound)} over the best other"
    if metric not in found.metrics(group):
        return Target(claim, "not recorded", None)
    one = next((one for one in tests if (one.setting, one.scope, one.metric) == (setting, scope, metric)), None)
    if one is None or one.pair.relative is None:
        return Target(claim, words.NOT_RUN, None)
    said = f"{words.percent(one.pair.relative)} over {words.method(one.other)}, {words.test(one)}"
    whole = _whole(found, group, setting, one.other)
    return Target(claim, said, one.pair.relative >= bound, whole, _sure(one.corrected))


def _sure(p: float | None) -> bool:
    return p is not None and p < SURE


def _whole(found: Found, group: str, setting: str, other: str) -> bool:
    """Whether ours and the other were run with all seeds."""
    cells = [found.cell(group, name, setting) for name in (OURS, other)]
    return all(cell is not None and len(found.results(cell)) == len(found.seeds) for cell in cells)


def _over(found: Found, group: str, setting: str, metric: str, other: str, bound: float) -> Target:
    name = words.method(other)
    claim = f"{words.metric(metric)}, {words.SIDES[CLOUD]}, {setting}: ≥ {words.percent(bound)} over {name}"
    ours, theirs = (found.values(found.cell(group, one, setting), CLOUD, metric) for one in (OURS, other))
    pair = paired(ours, theirs)
    if pair is None or pair.relative is None:
        return Target(claim, words.NOT_RUN, None)
    said = f"{words.percent(pair.relative)}, {words.chance(pair.p)}, uncorrected (n = {pair.n})"
    return Target(claim, said, pair.relative >= bound, _whole(found, group, setting, other), _sure(pair.p))


def _flat(found: Found) -> Iterator[Target]:
    cells = found.group("scale")
    if not cells:
        return
    few, many, metric = cells[0], cells[-1], found.metrics("scale")[0]
    for scope in (CLIENTS, CLOUD):
        claim = (
            f"{words.metric(metric)}, {words.SIDES[scope]}, {few.name} to {many.name}: less than {100 * LOSS:g} % worse"
        )
        change = relative(found.values(many, scope, metric), found.values(few, scope, metric))
        whole = all(len(found.results(cell)) == len(found.seeds) for cell in (few, many))
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
