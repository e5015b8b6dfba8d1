"""Metrics of searching: how well people are found across modalities, by the edge, by the cloud, and by both together.

A name is a measure, a pair of modalities where one alone is meant, and whose vectors are compared:
``map``, ``rank1_text_rgb``, ``map_edgecloud``, ``minp_ir_rgb_cloud``. Without a pair it is the mean over all ordered
pairs of different modalities.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from mlecs_ray.data.reid.trials import Trial, having
from mlecs_ray.errors import InputError
from mlecs_ray.metrics.ranking import RANKS, Marks, Ranking, Rules, cosines, rank
from mlecs_ray.models.reid.kinds import MODALITIES, PICTURES
from mlecs_ray.samples import Samples

Floats = NDArray[np.float32]
Vectors = Mapping[str, Floats]
"""What a sample is to a searcher: by modality, (d,)."""
Side = Literal["edge", "edgecloud", "cloud"]
"""The edge's queries in its own gallery, those in the cloud's, or the cloud's in its own."""
_SIDES: Mapping[str | None, Side] = {None: "edge", "edgecloud": "edgecloud", "cloud": "cloud"}
MEASURES = ("map", "minp", *(f"rank{k}" for k in RANKS))
_ANY = "|".join(MODALITIES)
_NAME = re.compile(rf"({'|'.join(MEASURES)})(?:_({_ANY})_({_ANY}))?(?:_(edgecloud|cloud))?")
_COARSE = 8
# Of these a row has what its camera saw; sketches and sentences are nobody's.
_SENSED = frozenset(PICTURES) - {"sketch"}


@dataclass(frozen=True)
class Asked:
    """What a metric's name means."""

    measure: str
    pair: tuple[str, str] | None
    side: Side


def is_search(name: str) -> bool:
    """Whether the metric is one of searching."""
    return _NAME.fullmatch(name) is not None


def asked(name: str) -> Asked:
    """What the name means. Raises InputError for another's."""
    match = _NAME.fullmatch(name)
    if match is None:
        raise InputError(f"metric {name!r} is none of searching: {__doc__.splitlines()[3]}")
    measure, query, gallery, side = match.groups()
    return Asked(measure, (query, gallery) if query else None, _SIDES[side])


def needs_cloud(name: str) -> bool:
    """Whether a teacher must have seen the test for it."""
    return is_search(name) and asked(name).side != "edge"


def searched(
    names: Iterable[str],
    answers: Sequence[Vectors],
    samples: Samples,
    cloud: Mapping[str, Floats] | None = None,
    trials: Sequence[Trial] = (),
) -> dict[str, float]:
    """Each named metric of what a searcher made of ``samples``; those left out for which it lacks a modality.

    ``cloud`` (n, d) by modality is what the cloud's teacher made of them. A pair is searched as ``trials`` have it, the
    mean over those of the first name for the pair; where none has it, all of one modality in all of the other. Raises
    InputError where a metric needs a cloud and there is none.
    """
    wanted = {name: asked(name) for name in names}
    found: dict[tuple[Side, tuple[str, str]], list[Ranking]] = {}
    values = {}
    for name, one in wanted.items():
        if one.side != "edge" and cloud is None:
            raise InputError(f"metric {name!r} needs what a teacher in the cloud makes of the test, and there is none")
        seen = _seen(answers, samples) if one.side != "cloud" else sorted(samples.inputs)
        pairs = [one.pair] if one.pair else list(permutations(seen, 2))
        pairs = [(a, b) for a, b in pairs if a in seen and b in (seen if one.side == "edge" else samples.inputs)]
        for pair in pairs:
            if (one.side, pair) not in found:
                how = _trials(pair, samples, trials)
                found[one.side, pair] = [ranked(trial, answers, samples, one.side, cloud) for trial in how]
        if pairs:
            values[name] = float(np.mean([_value(found[one.side, pair], one.measure) for pair in pairs]))
    return values


def _trials(pair: tuple[str, str], samples: Samples, trials: Sequence[Trial]) -> Sequence[Trial]:
    mine = [trial for trial in trials if (trial.asked, trial.searched) == pair]
    if not mine:
        return (Trial("", *pair, having(samples, pair[0]), having(samples, pair[1])),)
    return [trial for trial in mine if trial.name == mine[0].name]


def ranked(
    trial: Trial, answers: Sequence[Vectors], samples: Samples, side: Side, cloud: Mapping[str, Floats] | None
) -> Ranking:
    """One search, by these vectors."""
    own = {
        modality: np.stack([answers[row][modality] for row in rows.tolist()])
        for modality, rows, whose in (
            (trial.asked, trial.queries, side != "cloud"),
            (trial.searched, trial.gallery, side == "edge"),
        )
        if whose
    }
    theirs = cloud or {}
    query = own[trial.asked] if side != "cloud" else theirs[trial.asked][trial.queries]
    gallery = own[trial.searched] if side == "edge" else theirs[trial.searched][trial.gallery]
    return rank(
        cosines(query, gallery),
        marks(samples, trial.asked, trial.queries),
        marks(samples, trial.searched, trial.gallery),
        Rules(trial.apart, trial.once),
    )


def marks(samples: Samples, modality: str, rows: NDArray[np.int64]) -> Marks:
    """Who is on these rows, and where the camera stands that saw them in this modality."""
    if samples.labels is None:
        raise InputError("samples have no identities, so nobody is right or wrong; use a data set of people")
    places = [place(samples.domains[row]) if modality in _SENSED else "" for row in rows.tolist()]
    return Marks(samples.labels.numpy()[rows], np.array(places, dtype=np.str_))


def place(camera: str) -> str:
    """Where a camera stands: ``c3@c2`` stands where c2 does."""
    return camera.rpartition("@")[2]


def _seen(answers: Sequence[Vectors], samples: Samples) -> list[str]:
    """The modalities in which every sample that has them was answered."""
    return [
        modality
        for modality in sorted(samples.inputs)
        if all(modality in answers[row] for row in having(samples, modality).tolist())
    ]


def _value(found: Sequence[Ranking], measure: str) -> float:
    if measure.startswith("rank"):
        return float(np.mean([one.cmc[int(measure[4:])] for one in found]))
    return float(np.mean([one.map if measure == "map" else one.minp for one in found]))


def looks(samples: Samples) -> Sequence[tuple[str, Sequence[Vectors]]]:
    """What simple rules see in people, by rule: nothing, so that chance decides; and pictures as they are, grey and
    ``_COARSE`` pixels each way, less what all of their modality show."""
    chance = np.random.default_rng(0)
    by_chance: list[Vectors] = [
        {m: chance.standard_normal(_COARSE, np.float32) for m in samples.inputs if samples.present[m][i]}
        for i in range(len(samples))
    ]
    pixels = {m: _coarse(samples, m) for m in samples.inputs if m in PICTURES}
    as_they_are: list[Vectors] = [
        {m: x[i] for m, x in pixels.items() if samples.present[m][i]} for i in range(len(samples))
    ]
    return [("chance", by_chance), ("pixels", as_they_are)]


def _coarse(samples: Samples, modality: str) -> Floats:
    there = samples.present[modality]
    grey = samples.inputs[modality].float().mean(1, keepdim=True)
    small = torch.nn.functional.adaptive_avg_pool2d(grey, _COARSE).flatten(1)
    found: Floats = ((small - small[there].mean(0)) * there[:, None]).numpy()
    return found
