"""What readers of recorded folders share."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from mlecs_ray.data import media
from mlecs_ray.errors import InputError
from tests.data.recorded import encoders, grey

ENCODER = encoders().image()


def test_of_many_the_middles_of_equal_parts_are_taken_and_of_few_all() -> None:
    """Ten in four parts of 2.5 each: middles at 1.25, 3.75, 6.25 and 8.75."""
    assert media.spread(range(10), 4) == (1, 3, 6, 8)
    assert media.spread("abc", 4) == ("a", "b", "c")


def test_all_that_is_there_is_read_unless_some_is_asked_for() -> None:
    there = {"rgb": True, "depth": False, "sound": True}
    assert media.chosen("toy", (), there) == ("rgb", "sound")
    assert media.chosen("toy", ("sound",), there) == ("sound",)


@pytest.mark.parametrize(
    ("asked", "there", "words"),
    [
        (("smell",), {"rgb": True, "depth": True}, "modality 'smell' must be one of rgb, depth: toy has no other"),
        (("depth",), {"rgb": True, "depth": False}, "modality 'depth': the folder of toy holds none"),
        ((), {"rgb": False, "depth": False}, "the folder of toy holds none of rgb, depth"),
    ],
)
def test_what_is_not_there_is_refused(asked: tuple[str, ...], there: dict[str, bool], words: str) -> None:
    with pytest.raises(InputError, match=words):
        media.chosen("toy", asked, there)


def test_a_trace_changes_with_any_file_and_with_nothing_else(tmp_path: Path) -> None:
    one, two = grey(tmp_path / "a.png", 1), grey(tmp_path / "b.png", 2)
    before = media.trace(tmp_path, [one, two])
    assert media.trace(tmp_path, [two, one]) == before
    assert media.trace(tmp_path, [one]) != before
    os.utime(two, ns=(0, 0))
    assert media.trace(tmp_path, [one, two]) != before


def test_a_trace_stays_when_the_folder_is_moved(tmp_path: Path) -> None:
    grey(tmp_path / "here" / "a.png", 1)
    before = media.trace(tmp_path / "here", [tmp_path / "here" / "a.png"])
    (tmp_path / "here").rename(tmp_path / "there")
    assert media.trace(tmp_path / "there", [tmp_path / "there" / "a.png"]) == before


def test_a_link_to_nothing_is_a_broken_file(tmp_path: Path) -> None:
    link = tmp_path / "gone.png"
    link.symlink_to(tmp_path / "nowhere.png")
    before = media.trace(tmp_path, [link])
    assert media.averaged({"one": [link]}, ENCODER) == {}
    (tmp_path / "nowhere.png").write_bytes(b"now it is")
    assert media.trace(tmp_path, [link]) != before


def test_features_are_the_mean_over_the_pictures_that_can_be_read(tmp_path: Path) -> None:
    dark, light = grey(tmp_path / "dark.png", 0), grey(tmp_path / "light.png", 200)
    (tmp_path / "broken.png").write_bytes(b"no picture")
    of = {"both": [dark, tmp_path / "broken.png", light], "dark": [dark], "light": [light]}
    table = media.averaged(of, ENCODER)
    assert np.allclose(table["both"], (table["dark"] + table["light"]) / 2, atol=1e-6)


@pytest.mark.parametrize("keep", [0, 40])
def test_a_key_whose_pictures_are_all_broken_has_no_features(tmp_path: Path, keep: int) -> None:
    """Cut off at the start, and before the first pixel."""
    path = grey(tmp_path / "a.png", 7)
    path.write_bytes(path.read_bytes()[:keep])
    assert media.averaged({"a": [path]}, ENCODER) == {}


def test_a_picture_that_pillow_calls_a_syntax_error_is_broken_too(tmp_path: Path) -> None:
    """The chunk after the header is given a name that is none."""
    path = grey(tmp_path / "a.png", 7)
    raw = path.read_bytes()
    path.write_bytes(raw.replace(b"IDAT", b"\xe4\xf2\xdb="))
    assert media.averaged({"a": [path]}, ENCODER) == {}


def test_a_table_without_a_row_is_refused_and_not_kept(own_cache: Path) -> None:
    with pytest.raises(InputError, match="toy: not one file of this modality can be read"):
        media.kept("toy", {}, dict)
    assert list(own_cache.glob("derived/toy-*")) == []


def test_rows_that_a_table_lacks_are_zeros_and_not_present() -> None:
    row = np.array([1, 2], dtype=np.float32)
    samples = media.joined({"a": {"x": row, "y": row}, "b": {"y": row}}, ["x", "y", "z"])
    assert samples.inputs["b"].tolist() == [[0, 0], [1, 2], [0, 0]]
    assert samples.present["b"].tolist() == [False, True, False]
    assert torch.equal(media.perceived(samples).present["a"], torch.tensor([True, True]))
