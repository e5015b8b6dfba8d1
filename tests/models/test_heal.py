"""Mending a pruned model, and the record of it."""

import dataclasses
import json

import pytest
import torch

from mlecs_ray.errors import InputError
from mlecs_ray.models.corpus import digest, documents, glosses, versions
from mlecs_ray.models.heal import HealRecipe, build_slm, heal
from mlecs_ray.models.reading import Lesson, Reading, space_of
from mlecs_ray.models.slm import load
from mlecs_ray.models.words import find_space
from tests.models import tiny

RECIPE = HealRecipe(layers=(0, 3), vocabulary=260, steps=12, batch=2, length=16, lr=0.02, packages=("typer",))
NOUNS = "00004 06 n 01 hat 0 000 | worn on the head\n"
TEXTS = ["the hat and the cap and the hat"] * 40


def test_healing_lowers_the_loss():
    losses = heal(tiny.slm(), TEXTS, RECIPE)
    assert len(losses) == RECIPE.steps
    assert losses[-1] < 0.8 * losses[0]


def test_reading_goes_on_beside_plain_text(tmp_path):
    """The plain steps first; then losses are sums, and one of the two alone could not be that large."""
    slm = tiny.slm()
    reading = Reading(steps=6, batch=4, phrases=8, longest=40, soft_tokens=2)
    words = tiny.dictionary(tmp_path / "words", NOUNS)
    lesson = Lesson(slm, space_of(slm, TEXTS[:3], words), TEXTS[:3], reading, seed=0)
    losses = heal(slm, TEXTS, RECIPE, lesson)
    assert len(losses) == RECIPE.steps + reading.steps
    assert losses[RECIPE.steps] > 1.5 * losses[RECIPE.steps - 1]


def test_the_same_recipe_gives_the_same_weights():
    models = [tiny.slm(), tiny.slm()]
    for model in models:
        heal(model, TEXTS, RECIPE)
    first, second = (model.model.state_dict() for model in models)
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_a_recipe_that_heals_nothing_is_refused():
    with pytest.raises(InputError, match="steps=0"):
        dataclasses.replace(RECIPE, steps=0)


def test_a_build_writes_its_record_and_is_found_the_next_time(tmp_path, monkeypatch):
    monkeypatch.setenv("MLECS_CACHE", str(tmp_path / "cache"))
    source = tmp_path / "source"
    tiny.folder(source)
    built = build_slm("edge", RECIPE, source)
    note = json.loads((built / "recipe.json").read_text())
    assert note["key"]["recipe"]["layers"] == [0, 3]
    assert len(note["loss"]) == RECIPE.steps
    assert note["key"]["packages"] == versions(("typer",))
    assert load(built).model.config.mlecs_layers == [0, 3]
    assert build_slm("edge", RECIPE, source) == built


def test_a_build_leaves_threads_and_precision_as_they_were(tmp_path, monkeypatch):
    monkeypatch.setenv("MLECS_CACHE", str(tmp_path / "cache"))
    tiny.folder(tmp_path / "source")
    usual = torch.get_num_threads(), torch.get_float32_matmul_precision()
    torch.set_num_threads(2)
    try:
        build_slm("edge", RECIPE, tmp_path / "source")
        assert (torch.get_num_threads(), torch.get_float32_matmul_precision()) == (2, usual[1])
    finally:
        torch.set_num_threads(usual[0])


def test_a_changed_recipe_is_another_model(tmp_path, monkeypatch):
    monkeypatch.setenv("MLECS_CACHE", str(tmp_path / "cache"))
    source = tmp_path / "source"
    tiny.folder(source)
    assert build_slm("edge", RECIPE, source) != build_slm("edge", dataclasses.replace(RECIPE, seed=1), source)


def test_the_corpus_is_the_same_every_time_and_has_no_doctests():
    texts = documents(("typer",))
    assert digest(texts) == digest(documents(("typer",)))
    assert len(texts) > 10
    assert not any(line.lstrip().startswith(">>>") for text in texts for line in text.splitlines())


def test_a_package_that_is_not_installed_is_named():
    with pytest.raises(InputError, match="no-such-package"):
        documents(("no-such-package",))


def test_a_dictionary_gives_a_line_per_entry_and_no_licence(tmp_path):
    """The format of wndb(5WN): offset, file, type, count, word, ..., then the gloss after a bar."""
    for part in ("noun", "verb", "adj", "adv"):
        (tmp_path / f"data.{part}").write_text("  1 This software is licensed\n", encoding="utf-8")
    with (tmp_path / "data.noun").open("a") as file:
        file.write("02131653 05 n 02 brown_bear 0 bruin 0 001 @ 02131072 n 0000 | large bear of Eurasia  \n")
    with (tmp_path / "data.adj").open("a") as file:
        file.write("00014490 00 s 01 galore(ip) 0 000 | in great numbers\n")
    assert sorted(glosses(tmp_path)) == ["Brown bear: large bear of Eurasia.", "Galore: in great numbers."]


def test_a_folder_that_is_no_dictionary_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"must hold data\.noun"):
        glosses(tmp_path)


def test_a_dictionary_or_another_encoder_is_another_model_that_has_a_word_space(tmp_path, monkeypatch):
    monkeypatch.setenv("MLECS_CACHE", str(tmp_path / "cache"))
    source = tmp_path / "source"
    tiny.folder(source)
    recipe = dataclasses.replace(RECIPE, reading=Reading(steps=2, batch=2, longest=40))
    words, others = (tiny.dictionary(tmp_path / "words", NOUNS, encoder) for encoder in ("letters", "more"))
    plain = build_slm("edge", recipe, source)
    read = build_slm("edge", recipe, source, dictionary=words)
    assert len({plain, read, build_slm("edge", recipe, source, dictionary=others)}) == 3
    assert find_space(str(plain)) is None
    space = find_space(str(read))
    assert space is not None
    assert len(space.table) == len(load(read).tokenizer)


def test_names_hold_their_meanings_and_other_words_do_not(tmp_path, monkeypatch):
    """At a rate of next to nothing what differs is what was added before: to " the", the only name of one token."""
    monkeypatch.setenv("MLECS_CACHE", str(tmp_path / "cache"))
    source, nouns = tmp_path / "source", NOUNS + "00005 06 n 01 the 0 000 | an article\n"
    tiny.folder(source)
    words = tiny.dictionary(tmp_path / "words", nouns)
    reading = Reading(steps=1, batch=2, longest=40)
    still = dataclasses.replace(RECIPE, steps=1, lr=1e-9)
    without, with_meaning = (
        load(build_slm("edge", dataclasses.replace(still, reading=one), source, dictionary=words))
        for one in (dataclasses.replace(reading, meant=0.0), reading)
    )
    change = (
        with_meaning.model.get_input_embeddings().weight.detach() - without.model.get_input_embeddings().weight.detach()
    )
    (name,) = with_meaning.tokenizer(" the", add_special_tokens=False)["input_ids"]
    assert float(change[name].norm()) > 0.1
    assert float(change.norm(dim=1)[torch.arange(len(change)) != name].max()) < 1e-4
