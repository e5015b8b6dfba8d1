"""Galleries that are drawn anew for each trial: some pictures of each identity by each camera."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from hashlib import blake2b

import numpy as np

from mlecs_ray.data.reid.trials import Rows, having
from mlecs_ray.samples import Samples
from mlecs_ray.seeds import uniform

TRIALS = range(10)
"""Their numbers, which are the seeds of the draws."""
Picture = tuple[str, int]
"""What tells it from others wherever it stands (a digest of its pixels), and its position in the samples."""
Groups = Mapping[tuple[str, str], Sequence[Picture]]


def grouped(test: Samples, modality: str) -> Groups:
    """The pictures of this modality by identity and camera."""
    groups: defaultdict[tuple[str, str], list[Picture]] = defaultdict(list)
    for i in having(test, modality).tolist():
        pixels = test.inputs[modality][i].numpy().tobytes()
        groups[test.ids[i], test.domains[i]].append((blake2b(pixels, digest_size=8).hexdigest(), i))
    return groups


def drawn(groups: Groups, trial: int, shots: int = 1, cameras: Collection[str] | None = None) -> Rows:
    """Positions of ``shots`` pictures of each identity by each of these cameras (None: by all), fewer where there are
    fewer.

    Which ones depends on trial, identity, camera and the pictures, whatever their order and whoever else is there.
    """
    picked = [
        position
        for (identity, camera), pictures in groups.items()
        if cameras is None or camera in cameras
        for position in _some(pictures, shots, trial, f"{identity} {camera}")
    ]
    return np.array(sorted(picked), dtype=np.int64)


def _some(pictures: Sequence[Picture], shots: int, trial: int, who: str) -> list[int]:
    order = sorted((uniform(trial, "gallery", who, digest), digest, position) for digest, position in pictures)
    return [position for _, _, position in order[:shots]]
