"""Which vectors may be compared."""

from pathlib import Path

import pytest

from mlecs_ray.serving.rollout import Rules
from serve.registry import open_registry
from serve.spaces import shared, space_of, version_of
from serve.version import Version
from tests.serve.fakes import write_artifact


def _version(store: Path, method: str = "mlecs", words: bool = True) -> Version:
    name = write_artifact(store, 6, words, method)
    return open_registry(store, name, "edge", (), None, Rules()).versions[name]


def test_all_of_a_version_and_words_meet_where_the_method_draws_them_together(tmp_path: Path) -> None:
    version = _version(tmp_path)
    assert {
        space_of(version, f"{name}@6-0123abcd", words) for name in ("edge", "cloud") for words in (True, False)
    } == {"6-0123abcd"}


def test_words_are_elsewhere_where_only_what_is_sensed_meets(tmp_path: Path) -> None:
    """CreamFL's anchors are what others made of a sample, and not what is said of it."""
    version = _version(tmp_path, "creamfl")
    assert (shared(version, words=False), shared(version, words=True)) == (True, False)
    # The cloud's model reads them, whoever is asked.
    assert {space_of(version, f"{name}@6-0123abcd", words=True) for name in ("edge", "cloud")} == {"words@6-0123abcd"}


@pytest.mark.parametrize("method", ["standalone", "multifedavg", "fedilora", "fedmllm", "coplms"])
def test_of_methods_that_draw_nothing_together_each_model_has_a_space_of_its_own(tmp_path: Path, method: str) -> None:
    version = _version(tmp_path, method)
    assert space_of(version, "edge@6-0123abcd", words=False) == "edge@6-0123abcd"


def test_models_of_a_method_without_a_cloud_do_not_meet(tmp_path: Path) -> None:
    assert not shared(_version(tmp_path, words=False), words=False)


@pytest.mark.parametrize("space", ["6-0123abcd", "edge@6-0123abcd", "words of edge@6-0123abcd", "words@6-0123abcd"])
def test_a_space_tells_its_version(space: str) -> None:
    assert version_of(space) == "6-0123abcd"


def test_the_sentence_encoders_space_is_of_no_version() -> None:
    assert version_of("minilm") == "minilm"
