"""What answers that are no words cost, by hand-made weights."""

from pathlib import Path

import pytest
import torch

from mlecs_ray.run.bundle import Bundle, read_bundle
from mlecs_ray.samples import Samples
from mlecs_ray.serving.cost import Estimate, computed, sent
from mlecs_ray.sim.devices import find_device
from serve.costs import Load, Measured, estimate, features
from tests.serve.fakes import write_artifact

SEEN, HEARD = Samples({"image": torch.zeros(1, 3)}), Samples({"speech_fr": torch.zeros(1, 5, 3)})
PHONE = find_device("phone-mid").budget


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return read_bundle(tmp_path / write_artifact(tmp_path, 6, words=True))


def test_features_are_as_long_as_their_numbers() -> None:
    assert features([SEEN, HEARD]) == 4 * (3 + 15)


def test_at_the_edge_rows_are_computed_and_words_looked_up(bundle: Bundle) -> None:
    """Twelve weights a modality, in one layer, which frames reach as their mean: 24 FLOPs a row."""
    found = estimate(bundle, bundle.card("edge"), "edge", "phone-mid", Load([SEEN, HEARD], words=100, down=24))
    assert found == computed(PHONE, 2 * 24)
    assert estimate(bundle, bundle.card("edge"), "edge", "phone-mid", Load(words=100, down=12)) == Estimate()


def test_what_the_cloud_is_given_and_gives_back_is_sent(bundle: Bundle) -> None:
    found = estimate(bundle, bundle.card("cloud"), "cloud", "phone-mid", Load([SEEN], words=7, down=24))
    assert found == computed(PHONE, 24) + sent(PHONE, 12 + 7, 24)


def test_modalities_of_a_load_are_those_of_any_row() -> None:
    assert Load([SEEN, HEARD]).modalities == {"image", "speech_fr"}
    assert Load().modalities == frozenset()


def test_the_first_answer_of_the_cloud_is_its_mean() -> None:
    measured = Measured()
    measured.add(2.0, 5.0)
    assert (measured.seconds.seconds, measured.joules.seconds, measured.answers) == (2.0, 5.0, 1)
