"""What the page comes to, in a few lines that are counted from its tables."""

from collections.abc import Iterator, Sequence
from statistics import mean

from scenarios.reproduce import words
from scenarios.reproduce.eclm.cells import PAPERS, TUNED
from scenarios.reproduce.eclm.gains import SURE, against_others, best_other, pooled
from scenarios.reproduce.eclm.pooled import room_of
from scenarios.reproduce.eclm.rows import COLLABORATIVE, ON_DEVICE, OURS
from scenarios.reproduce.eclm.steps import LOCAL
from scenarios.reproduce.eclm.targets import GAINS
from scenarios.reproduce.eclm.traffic import REFERENCE, ratios
from scenarios.reproduce.found import Found
from scenarios.reproduce.statistics import Paired, Values, paired

CHOSEN = 0
"""The seed whose runs were looked at when options were chosen."""
_ALONE, _TOGETHER = (f"{100 * bound:+.2f}" for _, bound in GAINS.values())
PAPER = (
    f"The paper has {_ALONE} points over the mean of the on-device methods and {_TOGETHER} over that of the "
    "collaborative ones."
)
OTHERS = (*ON_DEVICE, *COLLABORATIVE, "noadaptation")


def summary(found: Found) -> Iterator[str]:
    """A list; nothing where ours was not run."""
    lines = [line for part in (_gains, _best, _chosen, _room, _own, _bytes) for line in part(found)]
    if lines:
        yield "## In short"
        yield "\n".join(f"- {line}" for line in lines)


def over(found: Found, group: str, names: Sequence[str], seeds: Sequence[int] | None = None) -> Paired | None:
    """Ours less the mean of these, over rows and seeds that have all."""
    ours, theirs = pooled(found, [OURS], group), pooled(found, names, group)
    kept = found.seeds if seeds is None else seeds
    return paired(_of(ours, kept), _of(theirs, kept))


def _of(values: Values, seeds: Sequence[int]) -> Values:
    return {pair: value for pair, value in values.items() if pair[0] in seeds}


def _gains(found: Found) -> Iterator[str]:
    gains = {name: pair for name in OTHERS if (pair := over(found, "table", [name])) is not None}
    if gains:
        listed = ", ".join(f"{words.seeds_test(pair)} over {words.method(name)}" for name, pair in gains.items())
        yield f"Mean over the rows of the table: ECLM has {listed}; p by seed. {PAPER}"


def _best(found: Found) -> Iterator[str]:
    tests, rows = against_others(found), found.settings("table")
    ones = [tests[row, other] for row in rows if (other := best_other(found, row)) and (row, other) in tests]
    ahead = [one for one in ones if one.pair.difference >= 0]
    if not ones:
        return
    sure = [one for one in ahead if one.corrected is not None and one.corrected < SURE]
    line = f"It is the best in {len(ahead)} of {len(ones)} rows, significantly (Holm) in {len(sure) or 'none'}"
    behind = [-one.pair.difference for one in ones if one.pair.difference < 0]
    yield line + (f"; elsewhere the best is ahead by at most {100 * max(behind):.2f} points." if behind else ".")


def _chosen(found: Found) -> Iterator[str]:
    others = [seed for seed in found.seeds if seed != CHOSEN]
    pairs = {name: over(found, "table", [name], others) for name in (LOCAL, "fedavg")}
    listed = " and ".join(f"{words.seeds_test(pair)} over {words.method(name)}" for name, pair in pairs.items() if pair)
    if listed:
        yield f"Its options were chosen by looking at seed {CHOSEN}; over the other seeds alone it has {listed}."


def _own(found: Found) -> Iterator[str]:
    """How much of it is that devices answer with models of their own."""
    alone = paired(pooled(found, [LOCAL]), pooled(found, [REFERENCE]))
    if alone:
        line = (
            f"Devices that train alone have {words.seeds_test(alone)} over FedAvg, which answers with the shared model"
        )
        tuned = {name: over(found, "personal", [name]) for name in (*TUNED, PAPERS)}
        known = [f"{words.seeds_test(pair)} over {words.method(name)}" for name, pair in tuned.items() if pair]
        yield line + (f"; with 100 devices, below, ECLM has {', '.join(known)}." if known else ".")


def _room(found: Found) -> Iterator[str]:
    """How much could be gained at all."""
    rooms = [room for row in found.settings("table") if (room := room_of(found, row)) is not None]
    if rooms:
        most, ours = mean(one.most for one in rooms), mean(one.ours for one in rooms)
        rows = f"{len(rooms)} of {len(found.settings('table'))} rows"
        told = "One network that learns from everybody's samples, and is told each device's classes, has"
        line = f"{told} {words.points(most)} over the best on-device method, mean over {rows}; ECLM, by the same seeds,"
        yield f"{line} {words.points(ours)}. More than that hardly any collaboration could bring on this data."


def _bytes(found: Found) -> Iterator[str]:
    if saved := ratios(found, REFERENCE):
        yield f"A job moves {mean(saved):.2f} times fewer bytes than FedAvg's, mean over the rows."
