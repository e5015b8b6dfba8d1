"""The right one among the nearest."""

import torch

from bench.serving.meeting import recall


def test_each_finds_itself_among_others() -> None:
    eye = torch.eye(4)
    assert recall(eye, eye, 1) == 1.0
    # Each finds its neighbour alone, and itself only among all.
    assert recall(eye, eye.roll(1, 0), 1) == 0.0
    assert recall(eye, eye.roll(1, 0), 4) == 1.0
    assert recall(eye, eye, 9) == 1.0
