"""Digits: 1,797 handwritten digits of 8 x 8 that come with scikit-learn, for work on speed; nothing is fetched."""

from importlib import metadata

import numpy as np
import torch

from mlecs_ray.data.pool import Pool
from mlecs_ray.samples import Samples

CLASSES = tuple(str(digit) for digit in range(10))


def load() -> Pool:
    """One modality, ``image``: (1797, 64) in 0..1."""
    # What its ``load_digits`` reads: to import scikit-learn takes seconds, to find its file does not.
    file = metadata.distribution("scikit-learn").locate_file("sklearn/datasets/data/digits.csv.gz")
    table = np.loadtxt(str(file), delimiter=",")
    samples = Samples(
        inputs={"image": torch.tensor(table[:, :-1] / 16, dtype=torch.float32)},
        labels=torch.tensor(table[:, -1], dtype=torch.int64),
        ids=tuple(f"digit-{i:04d}" for i in range(len(table))),
    )
    return Pool("digits", samples, CLASSES)
