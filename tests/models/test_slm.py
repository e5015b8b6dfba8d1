"""Loading language models, and what they need for a text."""

import json
import math
import sys
from pathlib import Path

import pytest
import torch

from mlecs_ray.data import assets
from mlecs_ray.errors import InputError
from mlecs_ray.models.lora import LoRA, backbone
from mlecs_ray.models.slm import layer_numbers, load, smollm2, text_nll, weights_digest
from tests.models import tiny


def test_a_saved_model_loads_with_the_same_weights(tmp_path):
    original = tiny.slm()
    again = load(tiny.folder(tmp_path, original))
    ids = torch.tensor([[5, 6, 7]])
    assert torch.equal(again.model(ids).logits, original.model(ids).logits)


@pytest.mark.skipif(sys.platform != "linux", reason="reads Linux's table of memory maps")
def test_frozen_weights_stay_in_the_mapped_file_that_all_processes_share(tmp_path):
    """transformers maps safetensors; a cast or a copy on the way to a backbone would cost every process its own."""
    lm = backbone(tiny.folder(tmp_path), LoRA())
    rows = [line.split() for line in Path("/proc/self/maps").read_text().splitlines() if str(tmp_path) in line]
    mapped = [range(*(int(end, 16) for end in row[0].split("-"))) for row in rows]
    frozen = {name: p for name, p in lm.peft.named_parameters() if "lora_" not in name}
    assert frozen
    assert [name for name, p in frozen.items() if not any(p.data_ptr() in part for part in mapped)] == []


def test_a_folder_without_a_model_is_refused_by_name(tmp_path):
    with pytest.raises(InputError, match=r"must be the folder of a causal language model"):
        load(tmp_path)


def test_a_model_that_knows_nothing_needs_the_logarithm_of_its_vocabulary_per_token():
    """All weights 0, so every logit is 0: "the" costs ln(vocabulary), and so does the end of its line."""
    model = tiny.slm()
    with torch.no_grad():
        for parameter in model.model.parameters():
            parameter.zero_()
    per_token, per_text = text_nll(model, ["the", "the"], "a")
    size = len(model.tokenizer)
    assert per_token == pytest.approx(math.log(size))
    assert per_text == pytest.approx(2 * math.log(size))


def test_padding_in_a_batch_does_not_change_what_a_text_costs():
    model = tiny.slm()
    alone = [text_nll(model, [text], "a")[1] for text in ("the", "and the hat")]
    assert text_nll(model, ["the", "and the hat"], "a")[1] == pytest.approx(sum(alone) / 2, rel=1e-5)


def test_layers_are_numbered_from_zero_where_none_was_cut():
    assert layer_numbers(tiny.slm(layers=3).model.config) == (0, 1, 2)


def test_the_digest_follows_the_weights(tmp_path):
    first, second = tmp_path / "a", tmp_path / "b"
    model = tiny.slm()
    tiny.folder(first, model)
    with torch.no_grad():
        next(model.model.parameters())[0, 0] += 1
    tiny.folder(second, model)
    assert weights_digest(first) != weights_digest(second)
    assert json.loads((first / "config.json").read_text())["vocab_size"] == len(model.tokenizer)


@pytest.mark.slow
def test_the_converted_smollm2_knows_the_capital_of_france():
    slm = load(smollm2(assets.find("smollm2")))
    ids = torch.tensor([slm.tokenizer("The capital of France is")["input_ids"]])
    assert slm.tokenizer.decode(slm.model(ids).logits[0, -1].argmax()) == " Paris"
    assert not hasattr(slm.model.config, "quantization_config")
