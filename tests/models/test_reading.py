"""Learning to read soft prompts, on a dictionary of a few lines."""

import dataclasses

import pytest

from mlecs_ray.errors import InputError
from mlecs_ray.models.descent import trained
from mlecs_ray.models.reading import Dictionary, Lesson, Reading, names, phrases, space_of
from tests.models import tiny

NOUNS = """  1 This licence is indented
00001 03 n 01 entity 0 000 | something
00002 06 n 02 clothes_hanger 0 coat_hanger 0 000 | holds clothes
00003 06 n 01 Eiffel_Tower 0 000 | a tower
00004 06 n 01 kettle 0 000 | boils water
00005 17 n 01 island 0 000 | land in water
00006 06 n 01 a_very_long_winded_thing 0 000 | too long
"""
READING = Reading(steps=60, batch=4, phrases=8, longest=40, soft_tokens=2, noise=0.0)
SAID = ["the hat", "a cap", "and the den"]


@pytest.fixture
def dictionary(tmp_path) -> Dictionary:
    return tiny.dictionary(tmp_path / "words", NOUNS)


def test_things_that_can_be_pointed_at_are_said_as_captions(dictionary):
    """No word of these is one token for this tokenizer, so all are taken."""
    said = phrases(dictionary.folder, tiny.tokenizer(), 10)
    things = {text.rstrip(".").split(" ", 1)[1].split(" ")[-1] for text in said}
    assert things == {"hanger", "kettle", "island"}
    assert len(said) >= 4
    assert all(text.split(" ")[0] in ("A", "An", "The") and text.endswith(".") for text in said)


def test_a_word_of_one_token_is_a_name_and_things_of_other_words_are_left_out(tmp_path):
    """The tokenizer has " the" and " a" as one token, and no other word."""
    words = tiny.dictionary(tmp_path, NOUNS + "00007 06 n 01 the 0 000 | for this test\n")
    ids = tiny.tokenizer()(" the", add_special_tokens=False)["input_ids"]
    assert names(words.folder, tiny.tokenizer()) == {"the": ids[0]}
    assert {text.rstrip(".").split(" ")[-1] for text in phrases(words.folder, tiny.tokenizer(), 10)} == {"the"}


def test_the_same_phrases_every_time_and_no_more_than_asked(dictionary):
    ten = phrases(dictionary.folder, tiny.tokenizer(), 10)
    assert phrases(dictionary.folder, tiny.tokenizer(), 10) == ten
    assert phrases(dictionary.folder, tiny.tokenizer(), 2) == ten[:2]


def test_a_folder_without_nouns_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"must hold data\.noun of WordNet"):
        phrases(tmp_path, tiny.tokenizer(), 3)


def lesson(slm, words, **changes) -> Lesson:
    return Lesson(slm, space_of(slm, SAID, words), SAID, dataclasses.replace(READING, **changes), seed=0)


def test_the_reading_is_learned_with_the_model_and_what_words_mean_stays(dictionary):
    slm = tiny.slm()
    space = space_of(slm, SAID, dictionary)
    taught = Lesson(slm, space, SAID, READING, seed=0)
    trained(slm.model, taught.loss, 5, lr=0.02, also=[taught.matrix])
    assert not taught.space.matrix.equal(space.matrix)
    assert taught.space.table.equal(space.table)


def test_a_model_learns_to_say_what_stands_in_its_soft_prompt(dictionary):
    """Three phrases: whoever passes over the soft prompt cannot go below ln 3 nats for each phrase's first word."""
    slm = tiny.slm()
    losses = trained(slm.model, lesson(slm, dictionary).loss, READING.steps, lr=0.02)
    assert losses[-1] < 0.35 * losses[0]


def test_phrases_and_noise_come_in_the_same_order_every_time(dictionary):
    slm = tiny.slm()
    first, second = lesson(slm, dictionary, noise=1.0), lesson(slm, dictionary, noise=1.0)
    assert [first.loss().item() for _ in range(3)] == [second.loss().item() for _ in range(3)]


def test_noise_makes_reading_harder(dictionary):
    slm = tiny.slm()
    trained(slm.model, lesson(slm, dictionary).loss, READING.steps, lr=0.02)
    clear, noisy = lesson(slm, dictionary, batch=90), lesson(slm, dictionary, batch=90, noise=3.0)
    assert noisy.loss() > 1.2 * clear.loss()


def test_phrases_that_are_all_too_long_are_refused(dictionary):
    with pytest.raises(InputError, match="none of 3 phrases has longest=1 tokens or less"):
        lesson(tiny.slm(), dictionary, longest=1)


def test_a_reading_of_nothing_is_refused():
    with pytest.raises(InputError, match="must have all but meant and noise above 0"):
        Reading(steps=0)
