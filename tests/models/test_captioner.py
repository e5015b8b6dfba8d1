"""The captioner on a language model of random weights."""

import dataclasses
from threading import Thread

import pytest
import torch
from torch.nn import functional as F

from mlecs_ray.errors import InputError
from mlecs_ray.models import lora
from mlecs_ray.models.captioner import CaptionTask
from mlecs_ray.models.fusion import soft_tokens
from mlecs_ray.models.lora import LoRA, backbone
from mlecs_ray.models.prune import prune
from mlecs_ray.models.structure import Structure
from mlecs_ray.models.words import own_space, save_space
from mlecs_ray.samples import Samples
from mlecs_ray.stacks import holders_mean
from mlecs_ray.tree import from_leaves, leaves, overlay, tree_digest
from tests.models import tiny

TEXTS = ("the hat", "the cap and the hat", "a")


@pytest.fixture(scope="module")
def task(tmp_path_factory) -> CaptionTask:
    """A whole model and one cut from it, without dropout in the adapters."""
    folder, whole = tmp_path_factory.mktemp("slm"), tiny.slm()
    small = prune(whole, (0, 3), 260, ["the hat"])
    return CaptionTask(
        structures=(
            Structure("cloud", tiny.folder(folder / "whole", whole), hidden=(8,)),
            Structure("edge", tiny.folder(folder / "small", small), hidden=(4,)),
        ),
        dims=(("image", 5), ("speech", 3)),
        lora=LoRA(rank=2, alpha=4, dropout=0.0),
        tokens=3,
        instruction="say:",
        max_tokens=12,
    )


@pytest.fixture(scope="module")
def params(task):
    """Parameters with adapters that do something: B starts at zero otherwise."""
    torch.manual_seed(1)
    return from_leaves((path, torch.randn_like(leaf) * 0.2 + leaf) for path, leaf in leaves(task.init(0)))


def samples() -> Samples:
    torch.manual_seed(2)
    present = {"image": torch.tensor([True, True, False]), "speech": torch.tensor([True, False, True])}
    return Samples({"image": torch.randn(3, 5), "speech": torch.randn(3, 3)}, present, texts=TEXTS)


EDGE = tiny.client("image", "speech", structure="edge")
CLOUD = tiny.client("image", "speech", structure="cloud")


def seeded(loss):
    torch.manual_seed(0)
    return loss()


def test_a_part_has_the_structures_layers_by_original_number_and_the_clients_modalities(task, params):
    part = task.part(params, tiny.client("speech", structure="edge"))
    assert sorted(part["lora"]) == sorted(
        f"layers.{n}.self_attn.{m}_proj" for n in (0, 3) for m in ("q", "k", "v", "o")
    )
    assert {m: list(v) for m, v in part["encoders"].items()} == {"speech": ["4"]}
    assert list(part["projections"]) == list(part["fusion"]["slots"]) == ["speech"]
    assert set(part["fusion"]["absent"]) == {"image", "speech"}


def test_parts_of_all_depths_merge_under_common_names(task, params):
    parts = [task.part(params, client) for client in (EDGE, CLOUD, tiny.client("image", structure="edge"))]
    merged = overlay(params, holders_mean((part, 1.0) for part in parts))
    assert {path: leaf.shape for path, leaf in leaves(merged)} == {p: leaf.shape for p, leaf in leaves(params)}
    held = [sum(f"layers.{n}.self_attn.q_proj" in part["lora"] for part in parts) for n in range(4)]
    assert held == [3, 1, 1, 3]


def test_another_structure_changes_nobodys_start(task):
    alone = dataclasses.replace(task, structures=task.structures[1:])
    both = dict(leaves(task.init(5)))
    assert all(torch.equal(leaf, both[path]) for path, leaf in leaves(alone.init(5)))


def test_new_adapters_leave_the_language_model_as_it_is(task):
    lm = backbone(task.structures[0].slm, task.lora)
    ids = torch.tensor([[5, 6, 7, 8]])
    states = lm.states(task.init(0)["lora"], lm.embed(ids))
    assert torch.allclose(lm.logits(states), tiny.slm().model(ids).logits, atol=1e-5)


@pytest.mark.parametrize("client", [EDGE, CLOUD])
def test_the_loss_is_that_of_each_caption_alone_read_slowly(task, params, client, monkeypatch):
    """One row at a time, logits of every position, then cross-entropy on the caption's tokens and end-of-text."""
    monkeypatch.setattr(F, "dropout", lambda x, *_: x)
    part, batch = task.part(params, client), samples()
    lm = backbone(task.structure(client).slm, task.lora)
    nats = []
    for row in range(len(batch)):
        fused = task.fused(part, batch.take([row]), client)
        soft = soft_tokens(part["prompt"]["16"], fused, 16, train=False)
        words = lm.tokenizer("say:")["input_ids"]
        target = [*lm.tokenizer(TEXTS[row])["input_ids"], lm.tokenizer.eos_token_id][: task.max_tokens]
        inputs = torch.cat([soft, lm.embed(torch.tensor([words + target]))], 1)
        logits = lm.logits(lm.states(part["lora"], inputs))[0].log_softmax(-1)
        start = 3 + len(words) - 1
        nats += [-float(logits[start + i, token]) for i, token in enumerate(target)]
    assert float(task.loss(part, batch, client)) == pytest.approx(sum(nats) / len(nats), rel=1e-4)


def test_gradients_reach_all_that_the_client_holds_and_nothing_of_the_backbone(task, params):
    part = from_leaves((path, leaf.clone().requires_grad_()) for path, leaf in leaves(task.part(params, EDGE)))
    task.loss(part, samples(), EDGE).backward()
    assert [path for path, leaf in leaves(part) if leaf.grad is None or not leaf.grad.any()] == []
    lm = backbone(task.structures[1].slm, task.lora)
    assert all(p.grad is None for p in lm.peft.parameters())


def test_what_stands_in_an_absent_slot_changes_neither_loss_nor_answers(task, params):
    batch = samples()
    soiled = {m: x.masked_fill(~batch.present[m][:, None], 7.0) for m, x in batch.inputs.items()}
    other = dataclasses.replace(batch, inputs=soiled)
    assert seeded(lambda: task.loss(params, batch, EDGE)) == seeded(lambda: task.loss(params, other, EDGE))
    predict = task.predictor(params, EDGE)
    assert predict(batch) == predict(other)


def test_a_client_never_uses_a_modality_it_lacks(task, params):
    deaf = tiny.client("image", structure="edge")
    batch = samples()
    assert torch.equal(
        task.fused(task.part(params, deaf), batch, deaf), task.fused(params, batch.only(["image"]), EDGE)
    )


def test_the_same_seed_gives_the_same_loss_bit_by_bit(task, params):
    first, second = (seeded(lambda: task.loss(params, samples(), EDGE)) for _ in range(2))
    assert torch.equal(first, second)
    assert tree_digest(task.init(1)) == tree_digest(task.init(1))


def test_the_cost_grows_with_the_structure_and_counts_the_backbone(task):
    edge, cloud = task.cost(EDGE, 2), task.cost(CLOUD, 2)
    assert 0 < edge.flops_per_sample < cloud.flops_per_sample
    frozen = sum(p.nbytes for p in tiny.slm().model.parameters())
    assert cloud.memory_bytes > frozen


def test_greedy_answers_are_those_of_decoding_without_a_cache(task, params):
    part, batch = task.part(params, EDGE), samples()
    lm = backbone(task.structures[1].slm, task.lora)
    row = batch.take([0])
    soft = soft_tokens(part["prompt"]["16"], task.fused(part, row, EDGE), 16, train=False)
    inputs = torch.cat([soft, lm.embed(torch.tensor([lm.tokenizer("say:")["input_ids"]]))], 1)
    ids: list[int] = []
    while len(ids) < task.max_tokens and (not ids or ids[-1] != lm.tokenizer.eos_token_id):
        best = lm.logits(lm.states(part["lora"], inputs)[:, -1]).argmax(-1)
        ids.append(int(best))
        inputs = torch.cat([inputs, lm.embed(best[:, None])], 1)
    text = lm.tokenizer.decode(ids, skip_special_tokens=True).strip().partition("\n")[0].strip()
    assert task.predictor(part, EDGE)(batch)[0] == text


def test_training_on_three_captions_lowers_their_loss(task):
    part = from_leaves((path, leaf.clone().requires_grad_()) for path, leaf in leaves(task.part(task.init(0), EDGE)))
    optimizer = torch.optim.AdamW([leaf for _, leaf in leaves(part)], lr=0.02, weight_decay=0.0)
    batch, losses = samples(), []
    for _ in range(30):
        optimizer.zero_grad()
        loss = task.loss(part, batch, EDGE)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.6 * losses[0]


@pytest.mark.parametrize(
    ("client", "message"),
    [
        (tiny.client("image", structure="egde"), "did you mean \\['edge'\\]"),
        (tiny.client("smell", structure="edge"), "none of \\['image', 'speech'\\]"),
    ],
)
def test_a_client_that_the_task_does_not_know_is_refused(task, params, client, message):
    with pytest.raises(InputError, match=message):
        task.part(params, client)


def test_structures_whose_adapters_differ_in_shape_are_refused(task, tmp_path):
    wide = Structure("wide", tiny.folder(tmp_path, tiny.slm(width=32)))
    with pytest.raises(InputError, match="cannot be merged"):
        dataclasses.replace(task, structures=(*task.structures, wide)).init(0)


def test_samples_without_texts_are_refused(task, params):
    with pytest.raises(InputError, match="without texts"):
        task.loss(params, Samples({"image": torch.zeros(1, 5)}), EDGE)


def test_a_model_without_separate_projections_gets_the_adapters_that_peft_knows_for_it(tmp_path):
    """GPT-2 has one matrix for query, key and value, stored transposed."""
    from transformers import GPT2Config, GPT2LMHeadModel

    words = tiny.tokenizer()
    sizes = {"n_embd": 16, "n_layer": 2, "n_head": 2, "vocab_size": len(words), "n_positions": 64}
    model = GPT2LMHeadModel(GPT2Config(**sizes, bos_token_id=0, eos_token_id=0))
    gpt = CaptionTask((Structure("gpt", tiny.folder(tmp_path, tiny.SLM(model, words))),), (("image", 5),), tokens=3)
    here = tiny.client("image")
    tree = gpt.init(0)
    assert sorted(tree["lora"]) == ["layers.0.attn.c_attn", "layers.1.attn.c_attn"]
    assert gpt.loss(tree, samples(), here) > 0
    assert len(gpt.predictor(tree, here)(samples())) == 3
    assert gpt.cost(here, 2).flops_per_sample > 0


def test_words_of_a_model_with_a_word_space_need_no_weights(tmp_path):
    """A device goes by the words of a cloud that it could not hold."""
    folder, model = tiny.folder(tmp_path), tiny.slm().model
    save_space(own_space(model.get_input_embeddings().weight.detach()), tmp_path)
    (tmp_path / "model.safetensors").unlink()
    blind = CaptionTask((Structure("gone", folder),), (("image", 5),))
    said = blind.words(("the hat", "a cap", ""), tiny.client("image", structure="gone"))
    assert said.shape == (3, 256)
    assert float(said[0] @ said[1]) < float(said[0] @ said[0])
    with pytest.raises(InputError, match="must be the folder of a causal language model"):
        blind.loss(blind.init(0), samples(), tiny.client("image", structure="gone"))


def test_loading_a_model_draws_no_random_numbers(tmp_path):
    """A job that has to load its model first must train as one that finds it loaded."""
    source = tiny.folder(tmp_path)
    torch.manual_seed(3)
    before = torch.get_rng_state()
    backbone(source, LoRA())
    assert torch.equal(torch.get_rng_state(), before)


def test_of_threads_that_need_a_model_one_loads_it_and_all_have_the_same(tmp_path, monkeypatch):
    """The second asks while the first loads, and would be done within a moment if it did not wait."""
    source, loads, found, real = tiny.folder(tmp_path), [], [], lora.load
    second = Thread(target=lambda: found.append(backbone(source, LoRA())))

    def slow(folder):
        loads.append(folder)
        if len(loads) == 1:
            second.start()
            second.join(0.5)
        return real(folder)

    monkeypatch.setattr(lora, "load", slow)
    found.append(backbone(source, LoRA()))
    second.join()
    assert loads == [source]
    assert found[0] is found[1]


def test_in_medium_the_loss_is_about_the_same_and_gradients_stay_float32(task, params):
    """Activations pass as bfloat16, 8 bits, where the processor has units for it."""
    mine, usual = task.part(params, EDGE), torch.get_float32_matmul_precision()
    exact = seeded(lambda: task.loss(mine, samples(), EDGE))
    free = mine["lora"]["layers.0.self_attn.q_proj"]["A"].requires_grad_()
    torch.set_float32_matmul_precision("medium")
    try:
        rounded = seeded(lambda: task.loss(mine, samples(), EDGE))
        (grad,) = torch.autograd.grad(rounded, free)
    finally:
        torch.set_float32_matmul_precision(usual)
        free.requires_grad_(False)
    assert rounded.dtype == grad.dtype == torch.float32
    torch.testing.assert_close(rounded, exact, rtol=0.05, atol=0.0)
    assert rounded.equal(exact) != bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def test_in_medium_frozen_matrices_that_are_halved_once_give_the_same_bits(task, params, monkeypatch):
    """As where autocast halves them at every product."""
    mine, usual = task.part(params, EDGE), torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    try:
        once = seeded(lambda: task.loss(mine, samples(), EDGE))
        monkeypatch.setattr(torch, "is_autocast_enabled", lambda _: False)
        assert torch.equal(once, seeded(lambda: task.loss(mine, samples(), EDGE)))
    finally:
        torch.set_float32_matmul_precision(usual)
