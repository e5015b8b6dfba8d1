"""Pictures on white squares, and backbones over them."""

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from mlecs_ray.data import backbones
from mlecs_ray.errors import InputError
from mlecs_ray.models.mobilenet import MEAN, STD


def _raw(picture: Tensor) -> Tensor:
    """Back to 0..1."""
    return picture * torch.tensor(STD)[:, None, None] + torch.tensor(MEAN)[:, None, None]


def test_what_is_transparent_becomes_white(tmp_path: Path) -> None:
    Image.new("RGBA", (224, 224), (255, 0, 0, 0)).save(tmp_path / "a.png")
    assert torch.allclose(_raw(backbones.picture(tmp_path / "a.png")), torch.ones(3, 224, 224), atol=1e-5)


def test_a_wide_picture_keeps_its_shape_between_white_bars(tmp_path: Path) -> None:
    Image.new("RGB", (448, 224), (0, 0, 0)).save(tmp_path / "a.png")
    raw = _raw(backbones.picture(tmp_path / "a.png"))
    assert raw[:, :55].min() > 0.99
    assert raw[:, 57:167].max() < 0.01
    assert raw[:, 169:].min() > 0.99


def test_a_drawing_is_rasterised(tmp_path: Path) -> None:
    (tmp_path / "a.svg").write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"><rect width="5" height="10"/></svg>'
    )
    raw = _raw(backbones.picture(tmp_path / "a.svg"))
    assert raw[:, :, :110].max() < 0.01
    assert raw[:, :, 114:].min() > 0.99


@pytest.mark.parametrize("name", ["a.png", "a.svg"])
def test_a_broken_picture_is_the_users_to_mend(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("no picture")
    with pytest.raises(InputError, match="cannot be read as a picture"):
        backbones.picture(tmp_path / name)


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.webp", "a.gif"])
def test_a_file_in_memory_is_the_picture_that_it_is_on_disk(tmp_path: Path, name: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (300, 200, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / name)
    memory = io.BytesIO((tmp_path / name).read_bytes())
    assert torch.equal(backbones.picture(memory), backbones.picture(tmp_path / name))


@pytest.mark.parametrize("raw", [b'<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>', b"P6 1 1 255 abc"])
def test_a_drawing_or_a_rare_format_in_memory_is_never_opened(raw: bytes) -> None:
    with pytest.raises(InputError, match="the file in memory cannot be read as a picture"):
        backbones.picture(io.BytesIO(raw))


def test_batches_do_not_change_features() -> None:
    """The encoder averages each picture; 33 pictures need two batches of 32."""
    pictures = [torch.full((3, 224, 224), float(i)) for i in range(33)]
    got = backbones.image_features(pictures, lambda x: x.mean(dim=(2, 3)))
    assert np.array_equal(got, np.repeat(np.arange(33, dtype=np.float32)[:, None], 3, axis=1))


@pytest.mark.slow
def test_sentences_of_one_meaning_lie_closer_than_others() -> None:
    features = backbones.text_features(["A black cat.", "A dark kitten.", "The letter Q."])
    assert features.shape == (3, 384)
    assert np.allclose(np.linalg.norm(features, axis=1), 1, atol=1e-5)
    assert features[0] @ features[1] > 0.5 > features[0] @ features[2]
