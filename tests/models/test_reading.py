"""Learning to read soft prompts, on a dictionary of a few lines."""

import dataclasses

import pytest
import torch

from mlecs_ray.errors import InputError
from mlecs_ray.models.reading import Reading, phrases, read, space_of
from tests.models import tiny

NOUNS = """  1 This licence is indented
00001 03 n 01 entity 0 000 | something
00002 06 n 02 clothes_hanger 0 coat_hanger 0 000 | holds clothes
00003 06 n 01 Eiffel_Tower 0 000 | a tower
00004 06 n 01 kettle 0 000 | boils water
00005 17 n 01 island 0 000 | land in water
00006 06 n 01 a_very_long_winded_thing 0 000 | too long
"""
READING = Reading(steps=60, batch=4, lr=0.02, phrases=8, soft_tokens=2, noise=0.0)
SAID = ["the hat", "a cap", "and the den"]


@pytest.fixture
def dictionary(tmp_path):
    (tmp_path / "data.noun").write_text(NOUNS)
    return tmp_path


def test_things_that_can_be_pointed_at_are_said_as_captions(dictionary):
    said = phrases(dictionary, 10)
    things = {text.rstrip(".").split(" ", 1)[1].split(" ")[-1] for text in said}
    assert things == {"hanger", "kettle", "island"}
    assert len(said) == 4
    assert all(text.split(" ")[0] in ("A", "An", "The") and text.endswith(".") for text in said)


def test_the_same_phrases_every_time_and_no_more_than_asked(dictionary):
    assert phrases(dictionary, 10) == phrases(dictionary, 10)
    assert phrases(dictionary, 2) == phrases(dictionary, 10)[:2]


def test_a_folder_without_nouns_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"must hold data\.noun of WordNet"):
        phrases(tmp_path, 3)


def test_a_model_learns_to_say_what_stands_in_its_soft_prompt():
    """Three phrases: whoever passes over the soft prompt cannot go below ln 3 nats for each phrase's first word."""
    slm = tiny.slm()
    losses = read(slm, space_of(slm, SAID), SAID, READING, seed=0)
    assert len(losses) == READING.steps
    assert losses[-1] < 0.35 * losses[0]


def test_the_same_seed_gives_the_same_weights():
    models = [tiny.slm(), tiny.slm()]
    for slm in models:
        read(slm, space_of(slm, SAID), SAID, dataclasses.replace(READING, steps=3), seed=1)
    first, second = (slm.model.state_dict() for slm in models)
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_a_reading_of_nothing_is_refused():
    with pytest.raises(InputError, match="must have steps, batch, phrases, soft_tokens and lr above 0"):
        Reading(steps=0)
