"""What is looked for in what: the queries and the gallery of one search of a data set's protocol."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlecs_ray.samples import Samples

Rows = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Trial:
    """Every one of ``queries`` is looked for in ``gallery``; both are positions in the test samples."""

    name: str
    """What is averaged over: trials of one name are drawn anew, e.g. ``all-search, single-shot``."""
    asked: str
    """The modality of the queries."""
    searched: str
    """That of the gallery."""
    queries: Rows
    gallery: Rows
    apart: bool = False
    """Leave out of the gallery all that stood where the query's camera stands, not the query's identity alone."""
    once: bool = False
    """Matching counts each identity of the gallery once, by its best picture."""


def having(samples: Samples, modality: str) -> Rows:
    """The positions of the samples that have this modality; none where the data set has it not."""
    mask = samples.present.get(modality)
    return np.zeros(0, np.int64) if mask is None else mask.numpy().nonzero()[0]
