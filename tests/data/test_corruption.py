"""What environments do to sensors, by hand where numbers can be."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from mlecs_ray.data.corruption import CORRUPTIONS, Draws
from mlecs_ray.errors import InputError

PICTURES = ("blur", "rotate", "contrast", "occlude")


def batch(*shape: int) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(1))


def done(name: str, x: Tensor, severity: float = 1.0, environment: int = 3, first: int = 0) -> Tensor:
    return CORRUPTIONS[name](x, severity, Draws(environment, range(first, first + len(x))))


@pytest.mark.parametrize("name", CORRUPTIONS)
@pytest.mark.parametrize("shape", [(7, 3, 8, 8), (7, 64)], ids=str)
def test_a_row_is_the_same_in_any_batch_and_whenever_it_is_asked_for(name: str, shape: tuple[int, ...]) -> None:
    x = batch(*shape)
    before = x.clone()
    whole = done(name, x, 0.7)
    assert whole.shape == x.shape
    assert not torch.equal(whole, x)
    assert torch.equal(done(name, x[2:5], 0.7, first=2), whole[2:5])
    assert torch.equal(done(name, x, 0.7), whole)
    assert torch.equal(x, before)


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_what_is_absent_stays_zeros(name: str) -> None:
    assert not done(name, torch.zeros(2, 1, 4, 4)).any()


@pytest.mark.parametrize("name", ["rotate", "occlude", "gain", "dropout"])
def test_environments_differ(name: str) -> None:
    x = batch(1, 1, 16, 16)
    assert len({done(name, x, 0.5, environment).numpy().tobytes() for environment in range(5)}) > 1


def test_noise_has_the_deviation_of_severity_times_the_rows_own() -> None:
    """20,000 draws: the deviation is known to 0.5 %; each row has its own."""
    x = batch(2, 20_000)
    drawn = (done("noise", x, 0.4) - x) / x.std(1, keepdim=True)
    assert drawn.std(1).tolist() == pytest.approx([0.4, 0.4], rel=0.02)
    assert abs(float(torch.corrcoef(drawn)[0, 1])) < 0.03


def test_blur_is_a_gaussian_filter() -> None:
    """Deviation 8 / 8 = 1, cut at 2: in numpy ``w = np.exp(-0.5 * np.arange(-2, 3) ** 2); np.outer(w, w) / w.sum()**2``
    has 0.1621 in the middle and 0.0983 beside it."""
    x = torch.zeros(1, 1, 8, 8)
    x[0, 0, 4, 4] = 1.0
    seen = done("blur", x)[0, 0]
    w = np.exp(-0.5 * np.arange(-2, 3) ** 2)
    np.testing.assert_allclose(seen[2:7, 2:7], np.outer(w, w) / w.sum() ** 2, rtol=1e-5)
    assert float(seen[4, 4]) == pytest.approx(0.1621, abs=1e-4)
    torch.testing.assert_close(done("blur", torch.ones(1, 1, 8, 8)), torch.ones(1, 1, 8, 8))


@pytest.mark.parametrize(("severity", "least", "most"), [(1.0, 30, 60), (0.5, 15, 30)])
def test_rotation_turns_a_slope_by_its_angle_to_either_side(severity: float, least: float, most: float) -> None:
    """Values that rise by 1 a column, turned by t, rise by cos t a column and by -sin t or sin t a row."""
    slope = torch.arange(32.0).repeat(32, 1)[None, None]
    angles = []
    for environment in range(40):
        seen = done("rotate", slope, severity, environment)[0, 0]
        across, down = float(seen[16, 17] - seen[16, 16]), float(seen[17, 16] - seen[16, 16])
        angles.append(math.degrees(math.atan2(down, across)))
    sizes = [abs(angle) for angle in angles]
    assert least - 1e-3 <= min(sizes) < least + 5 * severity
    assert most - 5 * severity < max(sizes) <= most + 1e-3
    assert 8 < sum(angle > 0 for angle in angles) < 32


def test_contrast_draws_to_the_mean() -> None:
    """Mean 1.5, factor 1 - 0.8 / 2."""
    seen = done("contrast", torch.tensor([[0.0, 1.0, 2.0, 3.0]]), 0.5)
    torch.testing.assert_close(seen, torch.tensor([[0.6, 1.2, 1.8, 2.4]]))


def test_a_block_of_the_picture_is_hidden_at_one_place() -> None:
    """0.7 of 10 rows and columns: 49 of 100 values, the same ones in every picture; the lowest value is 0."""
    x = batch(3, 2, 10, 10) + 1
    x[:, 1] = 0
    hidden = done("occlude", x)[:, 0] == 0
    assert torch.equal(hidden[0], hidden[2])
    assert hidden.sum((1, 2)).tolist() == [49, 49, 49]
    assert torch.equal(done("occlude", x)[:, 0][~hidden], x[:, 0][~hidden])


@pytest.mark.parametrize(("severity", "seen"), [(0.5, [0.0, 0.25, 0.25, 0.0]), (1.0, [1.0, 0.75, 0.25, 0.0])])
def test_the_upper_values_of_a_picture_are_mirrored(severity: float, seen: list[float]) -> None:
    assert done("invert", torch.tensor([[0.0, 0.25, 0.75, 1.0]]), severity).tolist() == [seen]


def test_some_signs_of_a_vector_are_turned() -> None:
    """0.4 of 5 features."""
    x = batch(3, 5)
    turned = done("invert", x, 0.4) == -x
    assert turned.sum(1).tolist() == [2, 2, 2]
    assert torch.equal(turned[0], turned[1])
    assert (done("invert", x) == -x).all()


def test_gains_lie_between_a_quarter_and_four() -> None:
    gains = done("gain", torch.ones(2, 5000))
    assert torch.equal(gains[0], gains[1])
    assert 0.25 <= float(gains.min()) < 0.26 < 3.9 < float(gains.max()) <= 4
    halved = done("gain", torch.ones(1, 5000), 0.5)
    assert 0.5 <= float(halved.min()) < 0.51 < 1.95 < float(halved.max()) <= 2


def test_half_of_the_features_are_off_at_the_most() -> None:
    off = done("dropout", torch.ones(2, 11 * 2)) == 0
    assert off.sum(1).tolist() == [11, 11]
    assert torch.equal(off[0], off[1])
    assert int((done("dropout", torch.ones(1, 20), 0.5) == 0).sum()) == 5


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize("shape", [(2, 5), (2, 3, 16), (2, 1)], ids=str)
def test_what_is_no_picture_is_refused(name: str, shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match=rf"{name} needs pictures, .* so there is nothing to look at: choose noise"):
        done(name, batch(*shape))


@pytest.mark.parametrize("name", sorted(CORRUPTIONS.keys() - set(PICTURES)))
@pytest.mark.parametrize("shape", [(2, 5), (2, 3, 16)], ids=str)
def test_the_others_fit_anything(name: str, shape: tuple[int, ...]) -> None:
    assert done(name, batch(*shape)).shape == shape
