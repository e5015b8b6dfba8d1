"""Sightings become samples: what is there, who it is, and what a split never separates."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from mlecs_ray.data.pool import Split, divide
from mlecs_ray.data.reid import views
from mlecs_ray.data.reid.emoji import infrared
from mlecs_ray.data.reid.trials import having
from mlecs_ray.data.reid.views import Row, Size, picture, pool
from mlecs_ray.errors import InputError

SIZE = Size(16, 8)


def grey(value: int, channels: int = 1) -> np.ndarray:
    return np.full((channels, 16, 8), value, dtype=np.uint8)


ROWS = [
    Row("b", "c1", {"rgb": grey(9, 3), "ir": grey(1)}, family="f"),
    Row("a", "c2", {"rgb": grey(8, 3)}, family="f"),
    Row("c", "c1", {"sketch": grey(7)}),
]


def test_each_modality_is_a_column_and_what_is_not_there_is_zeros() -> None:
    samples = pool("few", ROWS, SIZE).samples
    assert {m: tuple(x.shape) for m, x in samples.inputs.items()} == {
        "ir": (3, 1, 16, 8),
        "rgb": (3, 3, 16, 8),
        "sketch": (3, 1, 16, 8),
    }
    assert samples.present["rgb"].tolist() == [True, True, False]
    assert not samples.inputs["rgb"][2].any()
    assert samples.inputs["ir"].dtype == torch.uint8


def test_identities_are_labels_families_are_what_a_split_keeps_together() -> None:
    made = pool("few", ROWS, SIZE)
    assert made.classes == ("a", "b", "c")
    assert made.samples.labels is not None
    assert made.samples.labels.tolist() == [1, 0, 2]
    assert made.samples.ids == ("f", "f", "c")
    assert made.samples.domains == ("c1", "c2", "c1")
    for seed in range(4):
        data = divide(made, Split(0.0, 0.5), seed)
        assert not set(data.train.ids) & set(data.test.ids)


def test_who_is_in_the_makers_test_is_in_the_test() -> None:
    rows = [Row("a", "", {"sketch": grey(1)}, test=True), Row("b", "", {"sketch": grey(2)})]
    assert pool("few", rows, SIZE).test == {"a"}


def test_a_picture_is_brought_to_size_and_colour(tmp_path: Path) -> None:
    Image.new("RGB", (40, 60), (200, 100, 0)).save(tmp_path / "a.png")
    colour, plain = picture(tmp_path / "a.png", 3, SIZE), picture(tmp_path / "a.png", 1, SIZE)
    assert (colour.shape, plain.shape) == ((3, 16, 8), (1, 16, 8))
    assert colour[:, 0, 0].tolist() == [200, 100, 0]
    # ITU-R 601: .299 * 200 + .587 * 100.
    assert plain[0, 0, 0] == 118


def test_what_is_no_picture_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_text("no")
    with pytest.raises(InputError, match=r"a\.jpg cannot be read as a picture"):
        pool("few", [Row("a", "c1", {"rgb": tmp_path / "a.jpg"})], SIZE)


def test_nothing_at_all_is_refused() -> None:
    with pytest.raises(InputError, match="few has no picture and no sentence"):
        pool("few", [], SIZE)
    with pytest.raises(InputError, match="4 x 128 must have 8 or more"):
        views.Size(4)


def test_who_has_a_modality_is_found_by_it() -> None:
    samples = pool("few", ROWS, SIZE).samples
    assert having(samples, "rgb").tolist() == [0, 1]
    assert having(samples, "text").tolist() == []


def test_infrared_is_derived_turned_over_and_noisy_by_who_it_is() -> None:
    """White is cold: of 255 everywhere remains the noise that is above 0; of black, 255 less what is below."""
    white, black = np.full((3, 8, 8), 255, np.uint8), np.zeros((3, 8, 8), np.uint8)
    cold, warm = infrared(white, "a"), infrared(black, "a")
    assert cold.shape == (1, 8, 8)
    assert cold.mean() < 12 < 243 < warm.mean()
    assert np.array_equal(cold, infrared(white, "a"))
    assert not np.array_equal(cold, infrared(white, "b"))
    # Half the resolution: blocks of two by two.
    assert np.array_equal(cold[0, ::2, ::2], cold[0, 1::2, 1::2])
