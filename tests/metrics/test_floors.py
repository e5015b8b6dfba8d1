"""What simple rules reach."""

import pytest
import torch

from mlecs_ray.errors import InputError
from mlecs_ray.metrics.floors import constant, nearest, ridge, ridge_all, rules
from mlecs_ray.samples import Samples

TRAIN = Samples(
    {"image": torch.tensor([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0]])},
    texts=("A bear.", "A brown bear.", "A spoon."),
)


def asked(*rows: tuple[float, float], present: tuple[bool, ...] = ()) -> Samples:
    mask = {"image": torch.tensor(present)} if present else {}
    return Samples({"image": torch.tensor(rows)}, mask, texts=("?",) * len(rows))


def test_the_constant_caption_shares_the_most_words_with_the_others():
    """ "A bear.": a 3, bear. 2, over 2 words = 2.5; "A brown bear.": 6/3 = 2; "A spoon.": 4/2 = 2."""
    assert constant(TRAIN, asked((0.0, 0.0), (1.0, 1.0))) == ["A bear.", "A bear."]


def test_the_first_word_alone_is_said_for_all():
    train = Samples(TRAIN.inputs, texts=("The sun.", "A bear.", "A spoon."))
    assert rules(train, asked((0.0, 0.0), (1.0, 1.0)))["first word"] == ["A", "A"]


def test_the_nearest_picture_lends_its_caption():
    assert nearest(TRAIN, asked((0.1, 5.0), (5.0, 0.6)), "image") == ["A spoon.", "A brown bear."]


def test_a_sample_without_the_modality_gets_the_constant_caption():
    assert nearest(TRAIN, asked((0.0, 1.0), present=(False,)), "image") == ["A bear."]


def test_a_training_sample_without_the_modality_is_never_found():
    lame = Samples(TRAIN.inputs, {"image": torch.tensor([True, True, False])}, texts=TRAIN.texts)
    assert nearest(lame, asked((0.0, 1.0)), "image") == ["A brown bear."]


def test_ridge_points_to_the_caption_of_its_kind():
    """A penalty near 0 on three points: the second axis means spoon, the first bear."""
    assert ridge(TRAIN, asked((0.0, 1.0)), "image", penalty=1e-6) == ["A spoon."]
    assert "bear" in ridge(TRAIN, asked((1.0, 0.05)), "image", penalty=1e-6)[0]


def test_ridge_on_all_modalities_hears_what_no_picture_shows():
    """All pictures are alike, so only the sound tells a bear (1, 0) from a spoon (0, 1); the last sample has none."""
    train = Samples(
        {"image": torch.ones(3, 1), "sound": torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]])},
        {"image": torch.tensor([True] * 3), "sound": torch.tensor([True, True, False])},
        texts=("A bear.", "A spoon.", "A bear."),
    )
    test = Samples({"image": torch.ones(2, 1), "sound": torch.tensor([[0.0, 2.0], [2.0, 0.0]])}, texts=("?", "?"))
    assert ridge_all(train, test, ["image", "sound"], penalty=1e-6) == ["A spoon.", "A bear."]
    assert rules(train, test)["ridge, all"] == ["A spoon.", "A bear."]


def test_labels_have_their_commonest_and_their_nearest():
    train = Samples({"image": torch.tensor([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0]])}, labels=torch.tensor([4, 4, 7]))
    test = Samples({"image": torch.tensor([[0.1, 5.0], [5.0, 0.6]])}, labels=torch.tensor([7, 4]))
    assert rules(train, test) == {"constant": [4, 4], "nearest, image": [7, 4]}


def test_captions_have_four_rules():
    assert list(rules(TRAIN, asked((0.1, 5.0)))) == ["constant", "nearest, image", "first word", "ridge, image"]


def test_samples_without_truth_have_no_rules():
    with pytest.raises(InputError, match="neither texts nor labels"):
        rules(Samples({"image": torch.ones(2, 1)}), Samples({"image": torch.ones(1, 1)}))
