"""Fetch once, check, find offline."""

import hashlib
import json
import os
import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from mlecs_ray.data import assets, catalogue
from mlecs_ray.data.sources import Watch
from mlecs_ray.errors import InputError
from tests.data.conftest import Maker


@dataclass(frozen=True)
class Shelf:
    """A source that hands out one file of this machine, and counts."""

    file: Path
    asked: list[str] = field(default_factory=list)

    def get(self, version: str, folder: Path, watch: Watch) -> Path:
        self.asked.append(version)
        watch(10**9)
        return Path(shutil.copy(self.file, folder))


@pytest.fixture
def toy(tmp_path: Path, own_cache: Path, tgz: Maker, monkeypatch: pytest.MonkeyPatch) -> catalogue.Asset:
    del own_cache
    file = tgz(tmp_path / "toy.tgz", {"package/x": "hello"})
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    asset = catalogue.Asset("toy", Shelf(file), "1.0", digest, "MIT", "tests", file.stat().st_size)
    monkeypatch.setitem(catalogue.CATALOGUE, "toy", asset)
    return asset


def test_an_asset_is_fetched_once_and_found_offline(toy: catalogue.Asset) -> None:
    folder = assets.fetch("toy")
    assert (folder / "package/x").read_text() == "hello"
    assert assets.fetch("toy") == assets.find("toy") == folder
    assert isinstance(toy.source, Shelf)
    assert toy.source.asked == ["1.0"]


def test_an_asset_that_was_not_fetched_says_what_to_do(toy: catalogue.Asset) -> None:
    del toy
    with pytest.raises(InputError, match=r"asset toy is not in the cache .*run `mlecs fetch toy`"):
        assets.find("toy")


def test_a_wrong_hash_names_both_and_leaves_nothing(
    toy: catalogue.Asset, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(catalogue.CATALOGUE, "toy", replace(toy, sha256="0" * 64))
    with pytest.raises(InputError, match=rf"sha256 {toy.sha256} where toy 1.0 must have {'0' * 64}"):
        assets.fetch("toy")
    assert [p for p in own_cache.rglob("*") if p.is_file() and p.suffix != ".lock"] == []


def test_progress_is_told_and_never_passes_the_end(toy: catalogue.Asset) -> None:
    told: list[tuple[int, int | None, str]] = []
    assets.fetch("toy", lambda done, total, text: told.append((done, total, text)))
    assert told == [(toy.size, toy.size, "download"), (toy.size, toy.size, "unpack")]


def test_a_file_brought_by_hand_replaces_the_network(toy: catalogue.Asset, tmp_path: Path) -> None:
    assert isinstance(toy.source, Shelf)
    assets.fetch("toy", archive=tmp_path / "toy.tgz")
    assert toy.source.asked == []
    assert (assets.find("toy") / "package/x").read_text() == "hello"


def test_a_file_brought_by_hand_must_exist(toy: catalogue.Asset, tmp_path: Path) -> None:
    del toy
    with pytest.raises(InputError, match="does not exist, so toy cannot be unpacked"):
        assets.fetch("toy", archive=tmp_path / "none.tgz")


def test_a_disk_without_room_is_refused_before_the_download(
    toy: catalogue.Asset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(catalogue.CATALOGUE, "toy", replace(toy, size=10**18))
    with pytest.raises(InputError, match=r"toy needs 3,000,000,000,000 MB .* set MLECS_CACHE"):
        assets.fetch("toy")
    assert isinstance(toy.source, Shelf)
    assert toy.source.asked == []


def test_an_altered_asset_is_noticed_and_fetched_again(toy: catalogue.Asset) -> None:
    del toy
    folder = assets.fetch("toy")
    (folder / "package/x").write_text("longer than before")
    with pytest.raises(InputError, match="package/x was altered"):
        assets.find("toy")
    assets.fetch("toy")
    assert (assets.find("toy") / "package/x").read_text() == "hello"


def test_a_file_written_to_since_it_was_unpacked_is_judged_by_its_hash(toy: catalogue.Asset) -> None:
    del toy
    file = assets.fetch("toy") / "package/x"
    file.write_text("HELLO")
    with pytest.raises(InputError, match="package/x was altered"):
        assets.find("toy")
    file.write_text("hello")
    assert assets.find("toy") == file.parents[1]


def _alter_unseen(file: Path, text: str) -> None:
    """Other bytes of the same size and the same time."""
    before = file.stat()
    file.write_text(text)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_a_change_that_shows_in_no_size_or_time_is_mended_by_the_next_fetch(toy: catalogue.Asset) -> None:
    del toy
    folder = assets.fetch("toy")
    _alter_unseen(folder / "package/x", "HELLO")
    assert assets.damage(folder) == ""
    assert assets.damage(folder, deep=True) == "package/x was altered"
    assets.fetch("toy")
    assert (folder / "package/x").read_text() == "hello"


def test_unchanged_files_are_not_read_again(toy: catalogue.Asset, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = assets.fetch("toy")
    del toy
    monkeypatch.setattr(assets, "_sha256", lambda path: pytest.fail(f"{path} was read"))
    assert assets.find("toy") == folder


@pytest.mark.parametrize(("later", "damage"), [(0, ""), (1, "package/x was altered")])
def test_sums_of_an_older_version_are_judged_by_their_own_time(toy: catalogue.Asset, later: int, damage: str) -> None:
    """They hold size and hash alone: a file newer than the sums was written to since."""
    del toy
    folder = assets.fetch("toy")
    sums = folder / ".sums.json"
    sums.write_text(json.dumps({name: row[:2] for name, row in json.loads(sums.read_text()).items()}))
    (folder / "package/x").write_text("HELLO")
    time = sums.stat().st_mtime_ns + later
    os.utime(folder / "package/x", ns=(time, time))
    assert assets.damage(folder) == damage


def test_a_file_that_vanished_is_noticed(toy: catalogue.Asset) -> None:
    del toy
    folder = assets.fetch("toy")
    (folder / "package/x").unlink()
    assert assets.damage(folder) == "package/x is missing"


def test_an_unknown_asset_suggests_the_nearest() -> None:
    with pytest.raises(InputError, match="did you mean stamps"):
        assets.lookup("stamp")


def test_a_hub_model_must_be_pinned_to_a_commit() -> None:
    commit = "0123456789" * 4
    assert assets.lookup(f"hf:owner/repo@{commit}").folder.name == f"owner--repo-{commit}"
    with pytest.raises(InputError, match="40 hex digits"):
        assets.lookup("hf:owner/repo@main")


def test_a_folder_of_this_machine_is_an_asset_too(tmp_path: Path) -> None:
    assert assets.fetch(f"file:{tmp_path}") == assets.find(f"file:{tmp_path}") == tmp_path
    with pytest.raises(InputError, match="does not exist"):
        assets.find(f"file:{tmp_path}/none")


def test_every_asset_of_the_catalogue_is_pinned() -> None:
    for name, asset in assets.CATALOGUE.items():
        assert asset.name == name
        assert len(asset.sha256) == 64
        assert asset.size
        assert asset.licence
        assert asset.why


@pytest.mark.slow
def test_the_fetched_assets_are_whole() -> None:
    for name in ("stamps", "smollm2", "minilm", "mobilenet", "watch", "mnist5k"):
        assert assets.damage(assets.find(name), deep=True) == ""
