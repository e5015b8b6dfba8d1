"""The tables of the document, each figure as it was measured or as not run."""

from statistics import mean

from bench.document import table
from mlecs_ray.report.units import BYTES, size
from scenarios.exporting import FLOAT32, INT8
from scenarios.exporting import WHOLE as WHOLE_STUDENT
from scenarios.reproduce import words
from scenarios.reproduce.found import Found
from scenarios.reproduce.reid.base import MAIN, PAIRS, SIDES, WITHIN, named
from scenarios.reproduce.reid.cells import ALONE, COSINE, WHOLE
from scenarios.reproduce.reid.teaching import NEEDED, beside
from scenarios.reproduce.reid.values import Pair, against_cosine, called, values
from scenarios.reproduce.statistics import Values, spread

MEASURES = {"map": "mAP", "rank1": "Rank-1", "rank5": "Rank-5", "rank10": "Rank-10", "minp": "mINP"}


def _at(found: Found, group: str, name: str, metric: str) -> str:
    return words.hundredths(spread(values(found, group, name, metric)), len(found.seeds))


def side_table(found: Found) -> str:
    """For each pair whose vectors find whom: the teacher's, the student's, and the student's in the teacher's gallery;
    beside them the student that was never taught."""
    rows = []
    for pair in (None, *PAIRS, *WITHIN):
        sides = [_at(found, "distillation", WHOLE, named("map", pair, side)) for side in reversed(SIDES)]
        alone = _at(found, "distillation", ALONE, named("map", pair))
        rows.append([called(pair), *sides, alone, _kept(found, pair)])
    header = ["mAP in %", *(SIDES[side] for side in reversed(SIDES)), "student alone", "student / teacher"]
    return table(header, rows)


def _kept(found: Found, pair: Pair | None) -> str:
    share = kept(found, pair)
    return words.NOT_RUN if share is None else f"{100 * share:.1f} %"


def kept(found: Found, pair: Pair | None, side: str = "") -> float | None:
    """What of the teacher's mAP the whole student has, or has in the teacher's gallery; None where it was not run."""
    own = spread(values(found, "distillation", WHOLE, named("map", pair, side)))
    teacher = spread(values(found, "distillation", WHOLE, named("map", pair, "_cloud")))
    return own.mean / teacher.mean if own and teacher and teacher.mean else None


def measure_table(found: Found) -> str:
    """The paper's three searches by every measure."""
    rows = []
    for pair in MAIN:
        for side, said in SIDES.items():
            cells = [_at(found, "distillation", WHOLE, named(measure, pair, side)) for measure in MEASURES]
            rows.append([f"{called(pair)}, {said}", *cells])
    return table(["in %", *MEASURES.values()], rows)


def rule_table(found: Found, group: str, side: str = "") -> str:
    """A row for each variant of a group: the mean over pairs, and the paper's three searches."""
    rows = []
    for name in found.names(group):
        metrics = [named("map", pair, side) for pair in (None, *MAIN)]
        cells = [_at(found, group, name, metric) for metric in metrics]
        rows.append([words.method(name), *cells, _at(found, group, name, named("rank1", None, side))])
    header = ["mAP in %", *(called(pair) for pair in (None, *MAIN)), "Rank-1, mean over pairs"]
    return table(header, rows)


def cosine_table(found: Found) -> str:
    """All three losses against cosine matching alone, for every pair."""
    tests, rows = against_cosine(found), []
    for pair in (None, *PAIRS):
        sides = [_at(found, "distillation", name, named("map", pair)) for name in (WHOLE, COSINE)]
        one = tests.get(pair)
        told = [words.points(one.pair.difference), words.test(one.pair, one.corrected)] if one else [words.NOT_RUN] * 2
        rows.append([called(pair), *sides, *told])
    return table(["mAP in %", WHOLE, COSINE, "difference", "paired t test by seed"], rows)


def fleet_table(found: Found) -> str:
    """Before any camera has learned, and at the end."""
    rows = []
    for name in found.names("fleet"):
        metrics = [named("map", pair) for pair in (None, *MAIN)]
        first = spread(values(found, "fleet", name, metrics[0], first=True))
        moved = [result.traffic.moved for result in found.results(found.cell("fleet", name, _setting(found))).values()]
        told = size(mean(moved), BYTES) if moved else words.NOT_RUN
        ends = [_at(found, "fleet", name, metric) for metric in metrics]
        edge = _at(found, "fleet", name, named("map", None, "_edgecloud"))
        rows.append([words.method(name), words.hundredths(first, len(found.seeds)), *ends, edge, told])
    header = ["mAP in %", "at first", *(f"at the end, {called(pair)}" for pair in (None, *MAIN))]
    return table([*header, "student in teacher", "bytes of a job"], rows)


def _setting(found: Found) -> str:
    return found.settings("fleet")[0]


def export_table(found: Found) -> str:
    """What the student loses as edge devices run it, and what it weighs."""
    by = beside(found, "export")
    if not by:
        return f"Export: {words.NOT_RUN}."
    metrics = [named("map", pair) for pair in (None, *MAIN)] + [named("rank1")]
    rows = []
    for name in (WHOLE_STUDENT, FLOAT32, INT8):
        cells = [words.hundredths(spread(_of(found, name, metric)), len(found.seeds)) for metric in metrics]
        weights = [floors[name]["bytes"] for floors in by.values() if "bytes" in floors[name]]
        rows.append([name, *cells, size(mean(weights), BYTES) if weights else "-"])
    header = ["mAP in %", *(called(pair) for pair in (None, *MAIN)), "Rank-1, mean over pairs", "bytes"]
    return table(header, rows)


def _of(found: Found, name: str, metric: str) -> Values:
    return {(seed, name): floors[name][metric] for seed, floors in beside(found, "export").items()}


def spectrum_table(found: Found) -> str:
    """How many directions hold how much of the teacher's features."""
    by = beside(found, "spectrum")
    if not by:
        return f"Spectrum: {words.NOT_RUN}."
    percents = ("50", "90", "95", "99")
    rows = [
        [
            f"seed {seed}",
            *(f"{floors[NEEDED][percent]:.0f}" for percent in percents),
            f"{floors[NEEDED]['dimensions']:.1f}",
            f"{100 * floors['energy']['50']:.1f} %",
            f"{100 * floors['importance']['50']:.1f} %",
            f"{floors[NEEDED]['samples']:.0f}",
        ]
        for seed, floors in sorted(by.items())
    ]
    header = ["directions that hold", *(f"{percent} %" for percent in percents), "effective dimensions"]
    return table([*header, "energy of the first 50", "energy of the 50 largest dimensions", "samples"], rows)


def adapter_table(found: Found) -> str:
    """The teacher by which of its layers adapt in their MLP."""
    rows = []
    for name in found.names("adapters"):
        metrics = [named("map", pair, "_cloud") for pair in (None, *MAIN)]
        rows.append([f"`{name}`", *(_at(found, "adapters", name, metric) for metric in metrics)])
    return table(["teacher's mAP in %", *(called(pair) for pair in (None, *MAIN))], rows)
