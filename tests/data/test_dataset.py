"""Data sets by name."""

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from mlecs_ray.data.dataset import FOLDERS, NAMES, Split, load
from mlecs_ray.errors import InputError
from tests.data.published import write_cifar10, write_cifar100, write_speechcommands, write_ucihar
from tests.data.recorded import write_urfall, write_vast


def test_digits_load_without_any_asset() -> None:
    """1,797 identities: round(0.1 * 1797) = 180 for the test, round(0.2 * 1797) = 359 public."""
    data = load("digits", seed=1, split=Split(test=0.1))
    assert (len(data.train), len(data.public), len(data.test)) == (1258, 359, 180)
    assert data.modalities == ("image",)
    assert data.classes[3] == "3"


def test_the_names_are_these() -> None:
    assert NAMES == ("stamps", "watch", "digits", "mnist5k", "mnist10k", "emoji", "emoji9", "syllables", "emojireid")
    people = ("cuhkpedes", "icfgpedes", "rstpreid", "sysumm01", "regdb", "llcm", "marketsketch")
    others = ("vast", "urfall", "ucihar", "cifar10", "cifar100", "speechcommands")
    assert (*others, *people) == FOLDERS


def test_a_folder_is_a_data_set_too_and_may_be_narrowed(tmp_path: Path) -> None:
    table = pa.table({"id": ["a", "b"], "split": ["train", "test"], "x": [[1.0], [2.0]], "y": [[1.0, 2.0], None]})
    pq.write_table(table, tmp_path / "a.parquet")
    assert load(str(tmp_path)).modalities == ("x", "y")
    assert load(str(tmp_path), modalities=("x",)).train.modalities == {"x"}


def test_an_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(InputError, match=r"'stmaps' is neither .* did you mean stamps\?"):
        load("stmaps")


def test_an_unknown_modality_is_refused() -> None:
    with pytest.raises(InputError, match="modality 'smell' must be one of image: digits has no other"):
        load("digits", modalities=("image", "smell"))


def test_an_asset_that_was_not_fetched_is_named(own_cache: Path) -> None:
    del own_cache
    with pytest.raises(InputError, match="run `mlecs fetch watch`"):
        load("watch")


@pytest.mark.parametrize("name", FOLDERS)
def test_public_data_that_cannot_be_shipped_needs_the_folder_where_it_lies(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=rf"data.name={name} needs data.path=FOLDER, .*docs/data.md"):
        load(name)
    with pytest.raises(InputError, match=rf"none is no folder, so there is no {name} to load"):
        load(name, folder=tmp_path / "none")


@pytest.mark.usefixtures("own_cache")
def test_features_of_recordings_are_standardised(tmp_path: Path) -> None:
    """Test rows are not looked at, so private and public ones alone have mean 0 where they differ."""
    data = load("urfall", 3, Split(test=0.25), ("accelerometer",), write_urfall(tmp_path / "urfall"))
    seen = torch.cat([data.train.inputs["accelerometer"], data.public.inputs["accelerometer"]])
    assert torch.allclose(seen.mean(0), torch.zeros(100), atol=1e-3)
    assert 0.9 < float(seen.std(0).max()) <= 1
    assert data.classes == ("not a fall", "fall")


@pytest.mark.usefixtures("own_cache")
def test_clips_of_one_video_are_on_one_side_of_a_split(tmp_path: Path) -> None:
    data = load("vast", 1, Split(test=0.25), ("audio",), write_vast(tmp_path / "vast", videos=8))
    sides = [set(part.ids) for part in (data.train, data.public, data.test)]
    assert [len(side) for side in sides] == [4, 2, 2]
    assert len(set.union(*sides)) == 8


@pytest.mark.usefixtures("own_cache")
@pytest.mark.parametrize(
    ("name", "write", "form", "tested"),
    [
        ("ucihar", write_ucihar, (561,), 4),
        ("cifar10", write_cifar10, (3, 32, 32), 4),
        ("cifar100", write_cifar100, (3, 32, 32), 3),
        ("speechcommands", write_speechcommands, (1, 32, 32), 2),
    ],
)
def test_public_data_keeps_the_test_that_it_was_published_with(
    tmp_path: Path, name: str, write: Callable[[Path], Path], form: tuple[int, ...], tested: int
) -> None:
    data = load(name, 1, Split(public=0.3, test=0.5), folder=write(tmp_path / "a"))
    assert len(data.test) == tested
    assert data.shape.forms == (form,)
    with pytest.raises(InputError, match=f"modality 'smell' must be one of {data.modalities[0]}: {name} has no other"):
        load(name, modalities=("smell",), folder=tmp_path / "a")
