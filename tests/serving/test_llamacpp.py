"""llama.cpp says what transformers says, whoever else is answered beside it."""

import asyncio
from pathlib import Path

import pytest
import torch

from mlecs_ray.errors import InputError
from mlecs_ray.models.decode import greedy
from mlecs_ray.models.lora import Backbone, LoRA, backbone, init_lora
from mlecs_ray.scenario.captions import find_slm
from mlecs_ray.serving.batcher import Batcher, Piece
from mlecs_ray.serving.conversion import check
from mlecs_ray.serving.sampling import Sampling
from mlecs_ray.tree import Tree
from tests.models import tiny

pytest.importorskip("llama_cpp", reason='llama.cpp is not installed: pip install "mlecs-ray[fast]"')
# After the skip, as it needs llama.cpp.
from mlecs_ray.serving import llamacpp
from mlecs_ray.serving.llamacpp import LlamaCppEngine, LlamaRunner

CUT = (0, 1, 28, 29)


@pytest.fixture
def lm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Backbone:
    """Four layers that bear the numbers that they had in a larger model."""
    monkeypatch.setenv("MLECS_CACHE", str(tmp_path / "cache"))
    slm = tiny.slm()
    slm.model.config.mlecs_layers = list(CUT)
    return backbone(tiny.folder(tmp_path / "slm", slm), LoRA(rank=3, alpha=6))


def _adapters(lm: Backbone, seed: int, rank: int = 3, scale: float = 1.0) -> Tree:
    draw = torch.Generator().manual_seed(seed)
    drawn = init_lora(dict.fromkeys(lm.leaves, draw))
    return {
        module: {"A": one["A"][:rank], "B": scale * torch.randn(one["B"].shape, generator=draw)[:, :rank]}
        for module, one in drawn.items()
    }


def _prompt(lm: Backbone, seed: int, tokens: int, scale: float = 1.0) -> torch.Tensor:
    return scale * torch.randn(tokens, lm.hidden, generator=torch.Generator().manual_seed(seed))


def _said(lm: Backbone, asked: list[tuple[Tree, torch.Tensor]], sampling: Sampling, rows: int = 8) -> list[str]:
    batcher = Batcher(lm, rows, 256, LlamaRunner(lm, rows, 256))
    heard: list[list[Piece]] = [[] for _ in asked]
    for (adapters, prompt), one in zip(asked, heard, strict=True):
        batcher.submit(adapters, prompt, sampling, one.append)
    while batcher.step():
        pass
    return ["".join(piece.text for piece in one) for one in heard]


def test_logits_are_those_of_transformers_under_adapters_of_any_rank_and_soft_prompts(lm: Backbone) -> None:
    adapters = [_adapters(lm, 0), _adapters(lm, 1, 2), _adapters(lm, 2, 1)]
    prompts = torch.stack([_prompt(lm, seed, 9) for seed in range(3)])
    runner = LlamaRunner(lm, 3, 64)
    for _ in adapters:
        runner.join()
    runner.run(range(3), adapters, prompts[:, :5], [5] * 3)
    got = runner.run(range(3), adapters, prompts[:, 5:], [prompts.shape[1] - 5] * 3)
    with torch.no_grad():
        states = [lm.states(tree, prompt[None])[0, -1] for tree, prompt in zip(adapters, prompts, strict=True)]
        expected = lm.logits(torch.stack(states))
    assert (got - expected).abs().max() < 1e-3
    assert (expected[0] - expected[1]).abs().max() > 0.1


def test_adapters_and_prompts_never_leak_as_answers_come_and_go(lm: Backbone) -> None:
    """Nine answers of different lengths take turns in three rows, so that each row has several owners."""
    adapters = [_adapters(lm, seed, 1 + seed % 3) for seed in range(3)]
    asked = [(adapters[i % 3], _prompt(lm, i, 2 + 3 * i)) for i in range(9)]
    expected = [greedy(lm, tree, prompt[None], 12)[0] for tree, prompt in asked]
    assert _said(lm, asked, Sampling(12, line=True), rows=3) == expected
    assert len(set(expected)) > 4


def test_adapters_that_were_long_not_asked_leave_and_come_back(lm: Backbone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(llamacpp, "ADAPTERS", 2)
    adapters = [_adapters(lm, seed) for seed in range(5)]
    asked = [(adapters[i % 5], _prompt(lm, i, 4)) for i in range(10)]
    expected = [greedy(lm, tree, prompt[None], 8)[0] for tree, prompt in asked]
    assert _said(lm, asked, Sampling(8, line=True), rows=5) == expected


def test_a_seed_draws_the_same_answer_on_both_engines(lm: Backbone) -> None:
    adapters, prompt, sampling = _adapters(lm, 9), _prompt(lm, 5, 4), Sampling(8, 1.5, 0.9, seed=42)
    batcher, heard = Batcher(lm), list[Piece]()
    batcher.submit(adapters, prompt, sampling, heard.append)
    while batcher.step():
        pass
    assert _said(lm, [(adapters, prompt)], sampling) == ["".join(piece.text for piece in heard)]


def test_after_a_failure_nothing_is_left_of_those_who_were_there(lm: Backbone) -> None:
    adapters, prompt = _adapters(lm, 10), _prompt(lm, 6, 3)
    runner = LlamaRunner(lm, 1, 64)
    runner.join()
    runner.run(range(1), [_adapters(lm, 11)], _prompt(lm, 7, 3)[None], [3])
    runner.reset()
    runner.join()
    got = runner.run(range(1), [adapters], prompt[None], [len(prompt)])
    with torch.no_grad():
        expected = lm.logits(lm.states(adapters, prompt[None])[:, -1])
    assert (got - expected).abs().max() < 1e-3


def test_the_engine_streams_and_closes(lm: Backbone) -> None:
    engine, adapters, prompt = LlamaCppEngine(lm, rows=2, queue=1, context=64), _adapters(lm, 0), _prompt(lm, 0, 5)

    async def ask() -> str:
        return "".join([piece.text async for piece in engine.stream(adapters, prompt, Sampling(10, line=True))])

    try:
        assert asyncio.run(ask()) == greedy(lm, adapters, prompt[None], 10)[0]
    finally:
        engine.close()


def test_what_is_no_plain_llama_is_refused(lm: Backbone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lm.decoder.config, "attention_bias", True)
    with pytest.raises(InputError, match="use engine=transformers"):
        check(lm)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["edge-small"])
def test_four_models_on_a_real_backbone_say_the_same_at_once(name: str) -> None:
    lm = backbone(str(find_slm(name)), LoRA())
    adapters = [_adapters(lm, seed, 8, 0.02) for seed in range(4)]
    asked = [(adapters[i % 4], _prompt(lm, i, 16 + i, 0.1)) for i in range(8)]
    expected = [greedy(lm, tree, prompt[None], 24)[0] for tree, prompt in asked]
    assert _said(lm, asked, Sampling(24, line=True)) == expected
    assert len(set(expected)) > 4
