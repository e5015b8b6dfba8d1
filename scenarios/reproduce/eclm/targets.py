"""What the paper claims beside what was measured here."""

from collections.abc import Callable, Iterator, Sequence
from statistics import mean

from scenarios.reproduce import words
from scenarios.reproduce.eclm import steps, timings
from scenarios.reproduce.eclm.cost import PEAK, STEP
from scenarios.reproduce.eclm.gains import SURE, accuracy, against_others, best_other, hardest, pooled
from scenarios.reproduce.eclm.rows import COLLABORATIVE, ON_DEVICE, OURS, SHIFTING
from scenarios.reproduce.eclm.tables import nearest, smallest
from scenarios.reproduce.eclm.traffic import REFERENCE, ratios
from scenarios.reproduce.found import Found
from scenarios.reproduce.statistics import Paired, paired
from scenarios.reproduce.target import Target

Take = Callable[[Sequence[float]], float]
WITHIN = "within noise"
NOISE = "less than 1 point behind, and no significant difference"
GAINS = {"the on-device baselines": (ON_DEVICE, 0.0906), "the collaborative baselines": (COLLABORATIVE, 0.1107)}
"""Points over the mean of these, averaged over the rows."""
HARDEST = 0.1889
"""Points over no adaptation, where that does worst."""
SAVED = {"fedavg": 4.6, "heterofl": 2.76}
"""How many times less is moved than by these, averaged over the rows."""
SAVED_BEST = 7.12
"""The same against FedAvg, in the best row."""
MEMORY, LATENCY = 1 / 9.28, 1 / 11.64
"""Of a sub-model, as shares of the whole network's."""
SMALL, MIDDLE, LOSS = 0.2, 0.5, 0.0365
"""Shares of the parameters, and how much worse the smaller sub-models may be than the middle ones."""
NEAR = 0.07
"""What devices hold must be so close to these shares, or it says nothing of them."""
_ROUNDING = 1e-9
BEHIND = 0.01
"""Who is farther behind the best is worse, whatever a test over so few seeds can tell."""


def targets(found: Found) -> list[Target]:
    """Every claim that this table can answer."""
    return [
        *_best(found),
        *_gains(found),
        *_traffic(found),
        *_sizes(found),
        *(one for setting in found.settings(steps.GROUP) for one in _adapting(found, setting)),
    ]


def _best(found: Found) -> Iterator[Target]:
    tests = against_others(found)
    for row in found.settings("table"):
        claim, one = f"{row}: best, or within noise: {NOISE}", tests.get((row, best_other(found, row) or ""))
        if one is None:
            yield Target(claim, words.NOT_RUN, None)
            continue
        pair, sure = one.pair, one.corrected is not None and one.corrected < SURE
        noise = -BEHIND < pair.difference < 0 and not sure and one.corrected is not None
        said = f"{words.points(pair.difference)}, {words.test(pair, one.corrected)}, over {words.method(one.other)}"
        whole = found.whole(*(found.cell("table", name, row) for name in found.names("table")))
        if noise:
            yield Target(claim, said, None, unknown=WITHIN if whole else f"{WITHIN}, so far")
        else:
            yield Target(claim, said, pair.difference >= 0, whole, sure)


def _gains(found: Found) -> Iterator[Target]:
    rows, ours = found.settings("table"), pooled(found, [OURS])
    for title, (names, bound) in GAINS.items():
        pair = paired(ours, pooled(found, names))
        cells = [found.cell("table", name, row) for row in rows for name in (OURS, *names)]
        yield _gain(f"mean over the rows, over {title}: ≥ {words.points(bound)}", pair, bound, found.whole(*cells))
    row = hardest(found)
    claim = f"over no adaptation, where that does worst{f' ({row})' if row else ''}: ≥ {words.points(HARDEST)}"
    sides = [(name, row or "") for name in (OURS, "noadaptation")]
    pair = paired(*(accuracy(found, "table", *side) for side in sides))
    yield _gain(claim, pair, HARDEST, found.whole(*(found.cell("table", *side) for side in sides)))


def _gain(claim: str, pair: Paired | None, bound: float, whole: bool) -> Target:
    if pair is None:
        return Target(claim, words.NOT_RUN, None)
    return Target(claim, words.seeds_test(pair), pair.difference >= bound, whole, _sure(pair))


def _sure(pair: Paired) -> bool:
    """By the seeds, which are fewer than pairs and independent."""
    return pair.p_seeds is not None and pair.p_seeds < SURE


def _traffic(found: Found) -> Iterator[Target]:
    for name, bound in SAVED.items():
        claim = f"bytes of a job, mean over the rows: ≥ {bound:g} times less than {words.method(name)}"
        yield _times(found, claim, name, ratios(found, name), mean, bound)
    claim = f"bytes of a job, best row: ≥ {SAVED_BEST:g} times less than {words.method(REFERENCE)}"
    yield _times(found, claim, REFERENCE, ratios(found, REFERENCE), max, SAVED_BEST)


def _times(found: Found, claim: str, name: str, ones: Sequence[float], take: Take, bound: float) -> Target:
    if not ones:
        return Target(claim, words.NOT_RUN, None)
    cells = [found.cell("table", side, row) for row in found.settings("table") for side in (OURS, name)]
    return Target(claim, f"{take(ones):.2f} times", take(ones) >= bound, found.whole(*cells))


def _sizes(found: Found) -> Iterator[Target]:
    least = smallest(found)
    whole, every = (
        found.whole(*(found.cell("table", OURS, row) for row in found.settings("table"))),
        timings.complete(found),
    )
    yield _least("memory of a sub-model, by the device model", [*least.values()], MEMORY, whole)
    yield _least("memory of a training step, measured", timings.shares(found, PEAK), MEMORY, every)
    yield _least("time of a training step on this machine", timings.shares(found, STEP), LATENCY, every)
    yield from (_lost(found, setting) for setting in found.settings("sizes"))


def _least(what: str, shares: Sequence[float], bound: float, whole: bool) -> Target:
    claim = f"{what}: down to 1/{1 / bound:.4g} of the network's"
    if not shares:
        return Target(claim, words.NOT_RUN, None)
    return Target(claim, f"1/{1 / min(shares):.2f}", min(shares) <= bound, whole)


def _lost(found: Found, setting: str) -> Target:
    """Between the two sizes at which devices really hold closest to what is claimed of."""
    sizes = [f"{100 * share:g} %" for share in (SMALL, MIDDLE)]
    claim = f"{setting}: sub-models of {sizes[0]} of the parameters lose ≤ {100 * LOSS:g} points against {sizes[1]}"
    small, middle = (nearest(found, setting, share) for share in (SMALL, MIDDLE))
    if small is None or middle is None:
        return Target(claim, words.NOT_RUN, None)
    if not all(abs(held - share) <= NEAR + _ROUNDING for (_, held), share in ((small, SMALL), (middle, MIDDLE))):
        return Target(claim, f"not measured: the nearest are {_held(small)} and {_held(middle)}", None, unknown="-")
    pair = paired(*(accuracy(found, "sizes", name, setting) for name, _ in (small, middle)))
    if pair is None:
        return Target(claim, words.NOT_RUN, None)
    between = " against ".join(f"size {one[0]}, {_held(one)} of the parameters" for one in (small, middle))
    whole = found.whole(*found.group("sizes", setting))
    return Target(claim, f"{words.seeds_test(pair)}: {between}", pair.difference >= -LOSS, whole)


def _held(size: tuple[str, float]) -> str:
    return f"{100 * size[1]:.1f} %"


def _adapting(found: Found, setting: str) -> Iterator[Target]:
    whole = found.whole(*(found.cell(steps.GROUP, name, setting) for name in (OURS, steps.LOCAL)))
    bound = SHIFTING[setting].gain / 100
    start = f"{setting}, environments that shift"
    yield _gain(
        f"{start}: ≥ {words.points(bound)} over local adaptation, mean over the steps",
        steps.gain(found, setting),
        bound,
        whole,
    )
    claim, pair = f"{start}: adaptation takes less time than local adaptation", steps.duration(found, setting)
    if pair is None or pair.relative is None:
        yield Target(claim, words.NOT_RUN, None)
        return
    took = f"{1 + pair.relative:.2f} times as long ({words.chance(pair.p_seeds)}, n = {pair.seeds})"
    said = f"{took}; paper {1 - SHIFTING[setting].shorter:.3g} times"
    yield Target(claim, said, pair.difference < 0, whole, _sure(pair))
