"""What was set out for, and what the paper claims, beside what was measured here."""

from collections.abc import Iterator

from scenarios.reproduce import words
from scenarios.reproduce.found import Found
from scenarios.reproduce.reid.base import MAIN, PAIRS, named
from scenarios.reproduce.reid.cells import ALONE, SETTING, WHOLE
from scenarios.reproduce.reid.models import PARAMETERS, PICTURE, SENTENCE, ratio
from scenarios.reproduce.reid.tables import kept
from scenarios.reproduce.reid.teaching import NEEDED, beside
from scenarios.reproduce.reid.values import SURE, against_cosine, called, values
from scenarios.reproduce.statistics import paired, spread
from scenarios.reproduce.target import Target

FIFTH, MOST_LOST, LEAST_KEPT = 0.2, 0.05, 0.95


def targets(found: Found) -> list[Target]:
    """Line by line."""
    makers = (_low_rank, _cosine, _kept, _met, _parameters, _latency, _edge_cloud, _taught)
    return [target for make in makers for target in make(found)]


def _whole(found: Found) -> bool:
    return found.whole(found.cell("distillation", WHOLE, SETTING))


def _low_rank(found: Found) -> Iterator[Target]:
    by = beside(found, "spectrum")
    needed = [floors[NEEDED]["95"] for floors in by.values()]
    claim = "the teacher's features have low rank: 50 directions of them hold most of their energy"
    if needed:
        held = [floors["energy"]["50"] for floors in by.values()]
        most = f"50 hold {100 * min(held):.1f} to {100 * max(held):.1f} %"
        told = f"{most}; 95 % takes {min(needed):.0f} to {max(needed):.0f}"
        yield Target(claim, told, min(held) > 0.5, len(by) == len(found.seeds))
    else:
        yield Target(claim, words.NOT_RUN, None)


def _cosine(found: Found) -> Iterator[Target]:
    tests = {pair: one for pair, one in against_cosine(found).items() if pair is not None}
    claim = "PCM + FR + CM beats cosine alone on every pair, beyond noise"
    if not tests:
        yield Target(claim, words.NOT_RUN, None)
        return
    ahead = [one for one in tests.values() if one.pair.difference > 0]
    sure = [one for one in ahead if one.corrected is not None and one.corrected < SURE]
    mean = against_cosine(found)[None].pair
    told = (
        f"ahead on {len(ahead)} of {len(PAIRS)} pairs, significantly (Holm) on {len(sure)}; mean over pairs "
        f"{words.seeds_test(mean)}"
    )
    yield Target(claim, told, len(ahead) == len(PAIRS), _whole(found), len(sure) == len(PAIRS))


def _kept(found: Found) -> Iterator[Target]:
    share = kept(found, None)
    claim = "the student keeps 95 % of the teacher's mAP or more"
    told = words.NOT_RUN if share is None else f"{100 * share:.1f} % of the mean over pairs"
    yield Target(claim, told, None if share is None else share >= LEAST_KEPT, _whole(found))


def _met(found: Found) -> Iterator[Target]:
    shares = {pair: share for pair in PAIRS if (share := kept(found, pair)) is not None}
    claim = "it meets the teacher on one pair or more"
    met = [called(pair) for pair, share in shares.items() if share >= 1]
    told = (f"on {len(met)} of {len(shares)}" + (f": {', '.join(met)}" if met else "")) if shares else words.NOT_RUN
    yield Target(claim, told, bool(met) if shares else None, _whole(found))


def _parameters(found: Found) -> Iterator[Target]:
    share = ratio(found, PARAMETERS)
    told = words.NOT_RUN if share is None else f"{share:.3f} of them"
    yield Target("at a fifth of the teacher's parameters or fewer", told, None if share is None else share <= FIFTH)


def _latency(found: Found) -> Iterator[Target]:
    shares = [ratio(found, what) for what in (PICTURE, SENTENCE)]
    known = [share for share in shares if share is not None]
    told = f"a picture {shares[0]:.3f}, a sentence {shares[1]:.3f}" if len(known) == len(shares) else words.NOT_RUN
    yield Target("and a fifth of its latency or less", told, max(known) <= FIFTH if known else None)


def _edge_cloud(found: Found) -> Iterator[Target]:
    claim = "the student's queries in the teacher's gallery are within 5 % of the teacher's own"
    shares = [kept(found, pair, "_edgecloud") for pair in (None, *MAIN)]
    known = [share for share in shares if share is not None]
    if len(known) < len(shares):
        yield Target(claim, words.NOT_RUN, None)
        return
    listed = ", ".join(f"{called(pair)} {100 * share:.1f} %" for pair, share in zip((None, *MAIN), known, strict=True))
    yield Target(claim, f"{listed} of its mAP", known[0] >= 1 - MOST_LOST, _whole(found))


def _taught(found: Found) -> Iterator[Target]:
    """Beside the targets: whether teaching is worth it at all."""
    sides = [values(found, "distillation", name, named("map")) for name in (WHOLE, ALONE)]
    pair, claim = paired(*sides), "a student that was taught finds more than one that learned as long alone"
    if pair is None or not all(map(spread, sides)):
        yield Target(claim, words.NOT_RUN, None)
        return
    sure = pair.p_seeds is not None and pair.p_seeds < SURE
    yield Target(claim, f"mean over pairs {words.seeds_test(pair)}", pair.difference > 0, _whole(found), sure)
