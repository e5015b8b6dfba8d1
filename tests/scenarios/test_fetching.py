"""`mlecs fetch` into a cache of the test's own, from a file brought by hand."""

import hashlib
import os
import tarfile
from pathlib import Path

import pytest

from mlecs_ray.data import assets
from mlecs_ray.data.catalogue import CATALOGUE, Asset
from mlecs_ray.data.sources import Wheel
from tests.scenarios.conftest import Mlecs, assert_refused


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The archive of an asset ``toy``, whose one file is ``x``."""
    monkeypatch.setenv("MLECS_CACHE", str(tmp_path / "cache"))
    (tmp_path / "x").write_text("hello")
    file = tmp_path / "toy.tgz"
    with tarfile.open(file, "w:gz") as tar:
        tar.add(tmp_path / "x", "x")
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    monkeypatch.setitem(CATALOGUE, "toy", Asset("toy", Wheel("toy"), "1.0", digest, "MIT", "tests", 200))
    return file


def test_an_archive_brought_by_hand_is_unpacked_and_its_folder_said(mlecs: Mlecs, archive: Path) -> None:
    said = mlecs("fetch", "toy", "--archive", archive)
    assert said.code == 0, said
    assert f"toy: {assets.find('toy')}" in said.out
    assert (assets.find("toy") / "x").read_text() == "hello"


def test_a_change_that_shows_in_no_size_or_time_is_mended(mlecs: Mlecs, archive: Path) -> None:
    mlecs("fetch", "toy", "--archive", archive)
    file = assets.find("toy") / "x"
    before = file.stat()
    file.write_text("HELLO")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert mlecs("fetch", "toy", "--archive", archive).code == 0
    assert file.read_text() == "hello"


def test_another_file_of_that_name_is_refused(mlecs: Mlecs, archive: Path) -> None:
    archive.write_bytes(b"something else")
    assert_refused(mlecs("fetch", "toy", "--archive", archive), "toy.tgz has sha256", "so it was not unpacked")
