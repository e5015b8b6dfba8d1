"""Several clients as one computation: each must learn what it would learn alone."""

import dataclasses
from collections.abc import Sequence

import pytest
import torch
from torch import Generator, Tensor
from transformers import GPT2Config, GPT2LMHeadModel

from mlecs_ray.method import Client
from mlecs_ray.models.captioner import CaptionTask
from mlecs_ray.models.lora import LoRA, backbone
from mlecs_ray.models.mlp import FusionTask, MLPTask
from mlecs_ray.models.structure import Structure
from mlecs_ray.samples import Samples
from mlecs_ray.stacks import rows_of, stack
from mlecs_ray.task import StackedTask, can_be_stacked
from mlecs_ray.tree import Tree, from_leaves, leaves
from tests.models import tiny

REAL = torch.tensor([[True, True, True], [True, False, False], [True, True, False]])
"""Three clients with 3, 1 and 2 rows."""
HERE = tiny.client("a", "b")
TEXTS = ("the hat", "a", "the cap and the hat", "an", "the", "a hat", "and", "cap")


def samples(n: int = 9) -> Samples:
    """Rows 0, 5 and 7 lack a sense; texts are of several lengths."""
    torch.manual_seed(2)
    present = {"a": torch.tensor([i not in (0, 7) for i in range(n)]), "b": torch.tensor([i != 5 for i in range(n)])}
    inputs = {m: torch.randn(n, width) * present[m][:, None] for m, width in (("a", 5), ("b", 3))}
    return Samples(inputs, present, torch.arange(n) % 2, tuple(TEXTS[i % len(TEXTS)] for i in range(n)))


def captioner(folder: str, dropout: float = 0.3) -> CaptionTask:
    lora = LoRA(rank=2, alpha=4, dropout=dropout)
    return CaptionTask((Structure("edge", folder, hidden=(8,)),), (("a", 5), ("b", 3)), lora, tokens=3, max_tokens=12)


def gpt2(dropout: float = 0.1) -> tiny.SLM:
    """It drops by itself, and does not look like Llama."""
    words = tiny.tokenizer()
    rates = dict.fromkeys(("attn_pdrop", "resid_pdrop", "embd_pdrop", "summary_first_dropout"), dropout)
    sizes = {"n_embd": 16, "n_layer": 2, "n_head": 2, "vocab_size": len(words), "n_positions": 64}
    torch.manual_seed(0)
    return tiny.SLM(GPT2LMHeadModel(GPT2Config(**sizes, **rates, bos_token_id=0, eos_token_id=0)), words)


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> dict[str, str]:
    root = tmp_path_factory.mktemp("slm")
    models = {"llama": tiny.slm(layers=2), "gpt2": gpt2(0.0), "gpt2 drops": gpt2()}
    return {name: tiny.folder(root / name.replace(" ", "-"), model) for name, model in models.items()}


@pytest.fixture(params=["mlp", "mean", "concat", "llama", "gpt2", "gpt2 drops", "no dropout"])
def task(request, folders) -> StackedTask:
    match request.param:
        case "mlp":
            return MLPTask((5, 4, 2), "a")
        case "mean" | "concat":
            return FusionTask((("a", 5), ("b", 3)), classes=2, hidden=4, fusion=request.param)
        case "no dropout":
            return captioner(folders["llama"], dropout=0.0)
        case name:
            return captioner(folders[name])


def parts(task: StackedTask, client: Client = HERE) -> list[Tree]:
    """A tree of its own for each client, with adapters and absences that do something."""
    part, trees = task.part(task.init(0), client), []
    for seed in range(len(REAL)):
        noise = Generator().manual_seed(seed)
        moved = ((path, leaf + 0.2 * torch.randn(leaf.shape, generator=noise)) for path, leaf in leaves(part))
        trees.append(from_leaves(moved))
    return trees


def draws() -> list[Generator]:
    return [Generator().manual_seed(70 + i) for i in range(len(REAL))]


def grads(loss: Tensor, tree: Tree) -> dict[str, Tensor]:
    paths, tensors = zip(*leaves(tree), strict=True)
    return dict(zip(paths, torch.autograd.grad(loss, tensors, materialize_grads=True), strict=True))


def free(tree: Tree) -> Tree:
    return from_leaves((path, leaf.clone().requires_grad_()) for path, leaf in leaves(tree))


def together(
    task: StackedTask, trees: Sequence[Tree], batch: Samples, steps: int = 1, client: Client = HERE
) -> tuple[Tensor, Tree]:
    """Losses and gradients after dropout was drawn for ``steps`` steps."""
    tree, streams = free(stack(trees)), draws()
    for _ in range(steps):
        losses = task.losses(tree, batch, REAL, client, streams)
    return losses.detach(), from_leaves(grads(losses.sum(), tree).items())


def alone(
    task: StackedTask, tree: Tree, batch: Samples, i: int, steps: int = 1, client: Client = HERE
) -> tuple[Tensor, dict[str, Tensor]]:
    tree, rows = free(tree), batch.take([3 * i + int(j) for j in REAL[i].nonzero()])
    torch.manual_seed(70 + i)
    for _ in range(steps):
        loss = task.loss(tree, rows, client)
    return loss.detach(), grads(loss, tree)


def assert_equal_alone(task: StackedTask, steps: int = 1, client: Client = HERE) -> None:
    trees, batch = parts(task, client), samples()
    losses, gradients = together(task, trees, batch, steps, client)
    for i, mine in enumerate(rows_of(gradients)):
        loss, expected = alone(task, trees[i], batch, i, steps, client)
        assert float(losses[i]) == pytest.approx(float(loss), rel=2e-6)
        for path, leaf in leaves(mine):
            # Of a leaf's size: an element that nearly cancels out carries the rounding of all that it is a sum of.
            most = 2e-6 + 1e-5 * float(expected[path].abs().max())
            assert torch.allclose(leaf, expected[path], rtol=0.0, atol=most), path


def test_each_clients_loss_and_gradients_are_those_of_the_client_alone(task):
    assert can_be_stacked(task)
    assert_equal_alone(task)


def test_dropout_goes_on_from_step_to_step(task):
    assert_equal_alone(task, steps=3)


def test_clients_that_lack_a_sense_are_equal_too(task):
    assert_equal_alone(task, client=tiny.client("a"))


def test_rows_that_fill_up_count_for_nothing(task):
    """Whatever they hold: features, presence, labels and a text longer than all others."""
    trees, batch, filling = parts(task), samples(), ~REAL.flatten()
    other = Samples(
        {m: torch.where(filling[:, None], 3.0, x) for m, x in batch.inputs.items()},
        {m: x | filling for m, x in batch.present.items()},
        torch.where(filling, 1 - batch.labels, batch.labels),
        tuple("the cat and the hat and a" if fill else t for fill, t in zip(filling, batch.texts, strict=True)),
    )
    losses, gradients = together(task, trees, batch)
    again, others = together(task, trees, other)
    assert torch.equal(losses, again)
    assert all(torch.equal(x, dict(leaves(others))[path]) for path, x in leaves(gradients))


def test_a_clients_neighbours_do_not_change_it(task):
    trees, batch = parts(task), samples()
    losses, gradients = together(task, trees, batch)
    again, others = together(task, [trees[0], *parts(task)[:1] * 2], batch)
    assert float(losses[0]) == pytest.approx(float(again[0]), rel=1e-6)
    first, second = (dict(leaves(rows_of(tree)[0])) for tree in (gradients, others))
    assert all(torch.allclose(first[path], second[path], atol=1e-6) for path in first)


def test_only_models_that_mix_tokens_by_plain_attention_run_packs(folders):
    assert [backbone(folders[name], LoRA()).packs for name in folders] == [True, True, False]


def test_after_a_pack_the_model_is_as_it_was(folders):
    """Loss of one client by itself, bit by bit, and also after a pack that failed."""
    task, batch = captioner(folders["llama"]), samples()
    tree = parts(task)[0]
    before = alone(task, tree, batch, 0)[0]
    together(task, parts(task), batch)
    assert torch.equal(alone(task, tree, batch, 0)[0], before)
    broken = stack(parts(task))
    broken["lora"] = {name: {**pair, "B": pair["B"][:, :-1]} for name, pair in broken["lora"].items()}
    with pytest.raises(RuntimeError):
        task.losses(broken, batch, REAL, HERE, draws())
    assert torch.equal(alone(task, tree, batch, 0)[0], before)


def test_torchs_global_generator_stays_where_it_was(task):
    torch.manual_seed(3)
    before = torch.get_rng_state()
    trees = parts(task)
    task.losses(stack(trees), samples_without_seed(), REAL, HERE, draws())
    assert torch.equal(torch.get_rng_state(), before)


def samples_without_seed() -> Samples:
    with torch.random.fork_rng(devices=[]):
        return samples()


def test_nothing_of_the_backbone_wants_a_gradient(folders):
    task = captioner(folders["llama"])
    together(task, parts(task), samples())
    lm = backbone(folders["llama"], task.lora)
    assert not any(p.requires_grad or p.grad is not None for p in lm.peft.parameters())


@pytest.mark.parametrize("stacked", [False, True])
def test_all_is_made_where_the_parameters_are(folders, stacked):
    """On a device that holds no data: what was left on the CPU could not be combined with it."""
    task, batch = captioner(folders["llama"]), samples()
    there = dataclasses.replace(
        batch,
        inputs={m: x.to("meta") for m, x in batch.inputs.items()},
        present={m: x.to("meta") for m, x in batch.present.items()},
        labels=None,
    )
    trees = [from_leaves((path, leaf.to("meta")) for path, leaf in leaves(tree)) for tree in parts(task)]
    if stacked:
        losses = task.losses(stack(trees), there, REAL, HERE, draws())
        assert (losses.device.type, losses.shape) == ("meta", (3,))
    else:
        assert task.loss(trees[0], there, HERE).device.type == "meta"
