"""Digits come with scikit-learn."""

import torch
from sklearn.datasets import load_digits

from mlecs_ray.data import digits


def test_digits_lie_in_0_to_1() -> None:
    samples = digits.load().samples
    image = samples.inputs["image"]
    assert image.shape == (1797, 64)
    assert (float(image.min()), float(image.max())) == (0, 1)
    assert samples.labels is not None
    assert samples.labels[:3].tolist() == [0, 1, 2]


def test_they_are_what_scikit_learn_gives() -> None:
    samples, raw = digits.load().samples, load_digits()
    assert torch.equal(samples.inputs["image"], torch.tensor(raw.data / 16, dtype=torch.float32))
    assert samples.labels is not None
    assert samples.labels.tolist() == raw.target.tolist()
