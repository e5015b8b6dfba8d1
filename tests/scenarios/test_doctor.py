"""`mlecs doctor` on assets that are whole, missing and damaged."""

import hashlib
import json
import os
from pathlib import Path

import pytest

from mlecs_ray.data.catalogue import CATALOGUE
from tests.scenarios.conftest import Mlecs, Said


@pytest.fixture
def laid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The one file of an unpacked asset ``mnist5k``, in an empty cache."""
    monkeypatch.setenv("MLECS_CACHE", str(tmp_path / "cache"))
    folder = CATALOGUE["mnist5k"].folder
    folder.mkdir(parents=True)
    file = folder / "a.bin"
    file.write_bytes(b"123456")
    row = (6, hashlib.sha256(b"123456").hexdigest(), file.stat().st_mtime_ns)
    (folder / ".sums.json").write_text(json.dumps({"a.bin": row}))
    return file


def _about(said: Said, asset: str) -> str:
    return next(line for line in said.out.splitlines() if f"asset {asset}" in line)


def test_an_asset_that_is_whole_is_well(laid: Path, mlecs: Mlecs) -> None:
    del laid
    assert _about(mlecs("doctor"), "mnist5k") == "ok      asset mnist5k"


def test_a_change_that_shows_in_no_size_or_time_is_found(laid: Path, mlecs: Mlecs) -> None:
    before = laid.stat()
    laid.write_bytes(b"654321")
    os.utime(laid, ns=(before.st_atime_ns, before.st_mtime_ns))
    said = mlecs("doctor")
    assert said.code == 1
    assert _about(said, "mnist5k") == "missing asset mnist5k is damaged (a.bin was altered): mlecs fetch mnist5k"


@pytest.mark.usefixtures("laid")
def test_what_the_scenarios_need_is_missing_and_the_rest_a_note(mlecs: Mlecs) -> None:
    said = mlecs("doctor")
    assert said.code == 1
    assert _about(said, "stamps").startswith("missing")
    assert _about(said, "stamps").endswith(": mlecs fetch stamps")
    assert _about(said, "openmoji").startswith("note")
