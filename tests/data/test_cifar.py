"""CIFAR's files, with a few pictures of one colour."""

from pathlib import Path
from typing import Any

import pytest
import torch

from mlecs_ray.data.cifar import CIFAR10, CIFAR100, load
from mlecs_ray.data.pool import Split, divide
from mlecs_ray.errors import InputError
from tests.data.published import pickled2, pixels, write_cifar10, write_cifar100


def test_rows_of_bytes_become_pictures_of_0_to_1(tmp_path: Path) -> None:
    """Row 1 of the second batch is red 11, green 100, blue 200 of 255, everywhere."""
    samples = load(write_cifar10(tmp_path / "a"), CIFAR10).samples
    image = samples.inputs["image"]
    assert image.shape == (24, 3, 32, 32)
    assert torch.equal(image[5].amin(dim=(1, 2)), image[5].amax(dim=(1, 2)))
    assert (image[5, :, 0, 0] * 255).tolist() == pytest.approx([11, 100, 200])
    assert samples.labels is not None
    assert samples.labels.tolist() == [0, 1] * 12


def test_classes_have_the_names_of_the_meta_file(tmp_path: Path) -> None:
    assert load(write_cifar10(tmp_path / "a"), CIFAR10).classes == ("airplane", "automobile")


def test_of_cifar100_the_fine_labels_are_read(tmp_path: Path) -> None:
    pool = load(write_cifar100(tmp_path / "a"), CIFAR100)
    assert pool.classes == ("apple", "bear", "cup")
    assert pool.samples.labels is not None
    assert pool.samples.labels.tolist() == [0, 1, 2] * 3


def test_the_given_test_stays_the_test_and_public_is_a_share_of_the_rest(tmp_path: Path) -> None:
    """20 pictures to train on: a quarter of them, 5, is public; test=0.9 asks in vain."""
    data = divide(load(write_cifar10(tmp_path / "a"), CIFAR10), Split(public=0.05, test=0.9), 1)
    assert {identity.partition("-")[0] for identity in data.test.ids} == {"test_batch"}
    data = divide(load(tmp_path / "a", CIFAR10), Split(public=0.25, test=0.1), 1)
    assert (len(data.train), len(data.public), len(data.test)) == (15, 5, 4)


@pytest.mark.parametrize("name", ["data_batch_3", "test_batch", "batches.meta"])
def test_a_file_that_is_missing_is_named(tmp_path: Path, name: str) -> None:
    (write_cifar10(tmp_path / "a") / name).unlink()
    with pytest.raises(InputError, match=f"holds no {name}, so it is no folder of cifar10"):
        load(tmp_path / "a", CIFAR10)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"data": pixels(4)[:, :3000], "labels": [0] * 4}, "must have data, rows of 3072 bytes"),
        ({"labels": [0] * 4}, "must have data, rows of 3072 bytes"),
        ({"data": pixels(4), "labels": [0] * 3}, "must have labels, a list of 4, one for each picture"),
        ({"data": pixels(4), "fine_labels": [0] * 4}, "must have labels, a list of 4"),
        ({"data": pixels(4), "labels": [0, 1, 2, 1]}, r"label 2 must lie in 0\.\.1"),
    ],
)
def test_a_batch_of_another_layout_is_refused(tmp_path: Path, content: dict[str, Any], words: str) -> None:
    (write_cifar10(tmp_path / "a") / "data_batch_2").write_bytes(pickled2(content))
    with pytest.raises(InputError, match=rf"data_batch_2:? {words}"):
        load(tmp_path / "a", CIFAR10)


def test_a_batch_that_was_cut_short_is_refused(tmp_path: Path) -> None:
    file = write_cifar10(tmp_path / "a") / "data_batch_4"
    file.write_bytes(file.read_bytes()[:5000])
    with pytest.raises(InputError, match="data_batch_4 cannot be read as a pickle of data"):
        load(tmp_path / "a", CIFAR10)


def test_a_meta_file_without_names_is_refused(tmp_path: Path) -> None:
    (write_cifar10(tmp_path / "a") / "batches.meta").write_bytes(pickled2({"names": ["a"]}))
    with pytest.raises(InputError, match="must have a list label_names"):
        load(tmp_path / "a", CIFAR10)
