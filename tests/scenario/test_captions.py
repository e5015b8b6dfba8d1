"""Which language model a name stands for."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mlecs_ray import cache
from mlecs_ray.data.catalogue import lookup
from mlecs_ray.errors import InputError
from mlecs_ray.models.words import find_space
from mlecs_ray.scenario import captions
from mlecs_ray.scenario.captions import find_slm
from tests.models import tiny

NOUNS = "00004 06 n 01 hat 0 000 | worn on the head\n"
HUB = f"hf:owner/model@{'0123456789' * 4}"


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("MLECS_CACHE", str(tmp_path / "cache"))
    # It remembers what it found, and others after us are to find their own.
    find_slm.cache_clear()
    yield
    find_slm.cache_clear()


def test_a_fetched_model_of_the_hub_is_found_by_its_assets_name() -> None:
    folder = cache.build_once(lookup(HUB).folder, _whole)
    assert find_slm(HUB) == folder


def _whole(folder: Path) -> None:
    (folder / ".sums.json").write_text("{}")


def test_a_model_of_the_hub_that_was_not_fetched_says_what_to_do() -> None:
    with pytest.raises(InputError, match=rf"asset {HUB} is not in the cache .*run `mlecs fetch {HUB}`"):
        find_slm(HUB)


def test_a_name_of_the_hub_without_a_commit_is_refused() -> None:
    with pytest.raises(InputError, match="'hf:owner/model@main' must be hf:OWNER/REPO@COMMIT"):
        find_slm("hf:owner/model@main")


def test_a_folder_of_this_machine_is_found_from_wherever_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine").mkdir()
    monkeypatch.chdir(tmp_path)
    assert find_slm("file:mine") == find_slm(f"file:{tmp_path}/mine") == tmp_path / "mine"
    with pytest.raises(InputError, match="none does not exist"):
        find_slm("file:none")


def test_a_whole_model_gets_a_word_space_and_its_own_folder_stays_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder beside it shares its files, and is made once."""
    monkeypatch.setattr(captions, "find_dictionary", lambda: tiny.dictionary(tmp_path / "words", NOUNS))
    source = Path(tiny.folder(tmp_path / "cache" / "source"))
    monkeypatch.setattr(captions, "find_slm_source", lambda: source)
    before = sorted(source.iterdir())
    found = Path(find_slm("smollm2"))
    assert sorted(source.iterdir()) == before
    assert find_space(str(found)) is not None
    assert find_space(str(source)) is None
    assert (found / "model.safetensors").samefile(source / "model.safetensors")
    find_slm.cache_clear()
    assert find_slm("smollm2") == found
