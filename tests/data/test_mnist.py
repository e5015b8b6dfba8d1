"""The two small editions of MNIST."""

from collections.abc import Callable

import pytest

from mlecs_ray.data import mnist
from mlecs_ray.data.pool import Pool
from mlecs_ray.errors import InputError


@pytest.mark.slow
@pytest.mark.parametrize(
    ("load", "counts"),
    [
        (mnist.load_5k, [500] * 10),
        (mnist.load_10k, [1001, 1127, 991, 1032, 980, 863, 1014, 1070, 944, 978]),
    ],
)
def test_pixels_lie_in_0_to_1_and_every_digit_is_there(load: Callable[[], Pool], counts: list[int]) -> None:
    try:
        samples = load().samples
    except InputError:
        if load is mnist.load_5k:
            raise
        pytest.skip("mnist10k comes from npm, and this machine has no npm registry")
    assert samples.labels is not None
    assert samples.labels.bincount().tolist() == counts
    assert samples.inputs["image"].shape == (sum(counts), 784)
    assert (float(samples.inputs["image"].min()), float(samples.inputs["image"].max())) == (0, 1)
