"""Many answers at once are what each would be alone."""

import pytest
import torch

from mlecs_ray.models.decode import greedy
from mlecs_ray.models.lora import Backbone, LoRA, backbone, init_lora
from mlecs_ray.serving import batcher as batchers
from mlecs_ray.serving.batcher import Batcher, Piece
from mlecs_ray.serving.runner import side_by_side
from mlecs_ray.serving.sampling import Sampling
from mlecs_ray.tree import Tree
from tests.models import tiny


@pytest.fixture(scope="module")
def lm(tmp_path_factory: pytest.TempPathFactory) -> Backbone:
    return backbone(tiny.folder(tmp_path_factory.mktemp("slm")), LoRA(rank=3, alpha=6))


def _adapters(lm: Backbone, seed: int, rank: int = 3) -> Tree:
    draw = torch.Generator().manual_seed(seed)
    drawn = init_lora(dict.fromkeys(lm.leaves, draw))
    return {
        module: {"A": one["A"][:rank], "B": torch.randn(one["B"].shape, generator=draw)[:, :rank]}
        for module, one in drawn.items()
    }


def _prompt(lm: Backbone, seed: int, tokens: int) -> torch.Tensor:
    return torch.randn(tokens, lm.hidden, generator=torch.Generator().manual_seed(seed))


class Heard:
    """What one asker was told."""

    def __init__(self) -> None:
        self.pieces: list[Piece] = []

    @property
    def text(self) -> str:
        return "".join(piece.text for piece in self.pieces)

    @property
    def finish(self) -> str | None:
        return self.pieces[-1].finish if self.pieces else None


def _all(batcher: Batcher) -> None:
    while batcher.step():
        pass


def test_different_adapters_prompts_and_ranks_in_one_batch_answer_as_alone(lm: Backbone) -> None:
    adapters = [_adapters(lm, 0), _adapters(lm, 1, 2), _adapters(lm, 2, 1)]
    prompts = [_prompt(lm, seed, 2 + 3 * seed) for seed in range(6)]
    expected = [greedy(lm, adapters[i % 3], prompt[None], 12)[0] for i, prompt in enumerate(prompts)]
    batcher, heard = Batcher(lm, rows=4), [Heard() for _ in prompts]
    for i, prompt in enumerate(prompts):
        batcher.submit(adapters[i % 3], prompt, Sampling(12, line=True), heard[i].pieces.append)
    _all(batcher)
    assert [one.text for one in heard] == expected
    assert len(set(expected)) > 3


def test_who_joins_later_and_who_leaves_early_disturb_nobody(lm: Backbone) -> None:
    adapters, prompts = _adapters(lm, 4), [_prompt(lm, seed, 5) for seed in (7, 8, 9)]
    expected = [greedy(lm, adapters, prompt[None], 10)[0] for prompt in prompts]
    batcher, heard = Batcher(lm, rows=3), [Heard() for _ in prompts]
    first = batcher.submit(adapters, prompts[0], Sampling(10, line=True), heard[0].pieces.append)
    batcher.step()
    batcher.step()
    for i in (1, 2):
        batcher.submit(adapters, prompts[i], Sampling(10, line=True), heard[i].pieces.append)
    batcher.step()
    first.cancelled = True
    _all(batcher)
    assert [heard[1].text, heard[2].text] == expected[1:]
    assert heard[0].finish is None
    assert batcher.load == 0


def test_a_long_prompt_is_read_in_chunks_while_others_go_on(lm: Backbone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batchers, "CHUNK", 4)
    adapters, long = _adapters(lm, 5), _prompt(lm, 1, 30)
    batcher, slow, quick = Batcher(lm), Heard(), Heard()
    batcher.submit(adapters, _prompt(lm, 2, 2), Sampling(40), quick.pieces.append)
    batcher.step()
    batcher.submit(adapters, long, Sampling(6, line=True), slow.pieces.append)
    for _ in range(7):
        batcher.step()
    assert len(quick.pieces) >= 7 or quick.finish
    assert not slow.pieces
    _all(batcher)
    assert slow.text == greedy(lm, adapters, long[None], 6)[0]


def test_who_leaves_while_a_long_prompt_is_read_leaves_the_others_their_own_rows(
    lm: Backbone, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one that leaves stands before one that talks, and both before the one that still reads."""
    monkeypatch.setattr(batchers, "CHUNK", 4)
    adapters = [_adapters(lm, seed) for seed in (11, 12, 13)]
    prompts = [_prompt(lm, 20, 3), _prompt(lm, 21, 4), _prompt(lm, 22, 25)]
    expected = [greedy(lm, tree, prompt[None], 9)[0] for tree, prompt in zip(adapters, prompts, strict=True)]
    batcher, heard = Batcher(lm), [Heard() for _ in prompts]
    sampling = Sampling(9, line=True)
    first = batcher.submit(adapters[0], prompts[0], sampling, heard[0].pieces.append)
    batcher.submit(adapters[1], prompts[1], sampling, heard[1].pieces.append)
    for _ in range(3):
        batcher.step()
    batcher.submit(adapters[2], prompts[2], sampling, heard[2].pieces.append)
    batcher.step()
    first.cancelled = True
    _all(batcher)
    assert [one.text for one in heard[1:]] == expected[1:]


def test_newcomers_of_unequal_length_read_together_as_alone(lm: Backbone) -> None:
    """Five prompts of 2 to 30 tokens: 30 x 4 are read at once, the fifth with the next step."""
    adapters = [_adapters(lm, seed) for seed in range(5)]
    prompts = [_prompt(lm, 30 + i, tokens) for i, tokens in enumerate((30, 2, 11, 7, 30))]
    expected = [greedy(lm, tree, prompt[None], 8)[0] for tree, prompt in zip(adapters, prompts, strict=True)]
    batcher, heard = Batcher(lm), [Heard() for _ in prompts]
    for tree, prompt, one in zip(adapters, prompts, heard, strict=True):
        batcher.submit(tree, prompt, Sampling(8, line=True), one.pieces.append)
    batcher.step()
    assert [len(one.pieces) for one in heard] == [1, 1, 1, 1, 0]
    _all(batcher)
    assert [one.text for one in heard] == expected


def test_an_answer_ends_at_its_length_or_where_the_context_is_full(lm: Backbone) -> None:
    adapters, heard = _adapters(lm, 6), Heard()
    batcher = Batcher(lm, context=9)
    batcher.submit(adapters, _prompt(lm, 3, 4), Sampling(100), heard.pieces.append)
    _all(batcher)
    assert heard.finish in ("length", "stop")
    assert len(heard.pieces) <= 5
    with pytest.raises(ValueError, match="leaves no room in a context of 9"):
        batcher.submit(adapters, _prompt(lm, 3, 9), Sampling(1), heard.pieces.append)


def test_the_score_is_that_of_the_tokens_said(lm: Backbone) -> None:
    """Of the first token: its log-probability after the prompt."""
    adapters, prompt, heard = _adapters(lm, 8), _prompt(lm, 4, 3), Heard()
    batcher = Batcher(lm)
    batcher.submit(adapters, prompt, Sampling(1), heard.pieces.append)
    _all(batcher)
    logits = lm.logits(lm.states(adapters, prompt[None])[0, -1])
    assert heard.pieces[0].logprob == pytest.approx(float(logits.log_softmax(0).max().detach()), abs=1e-5)


def test_a_request_draws_from_its_own_seed_whoever_is_beside_it(lm: Backbone) -> None:
    adapters, sampling = _adapters(lm, 9), Sampling(8, temperature=1.5, seed=42)

    def said(others: int) -> str:
        batcher, heard = Batcher(lm), Heard()
        for seed in range(others):
            other = Sampling(8, temperature=1.0, seed=seed)
            batcher.submit(adapters, _prompt(lm, seed, 3), other, lambda _: None)
        batcher.submit(adapters, _prompt(lm, 5, 4), sampling, heard.pieces.append)
        _all(batcher)
        return heard.text

    assert said(0) == said(3)


def test_when_it_fails_everyone_is_told_and_it_can_go_on(lm: Backbone) -> None:
    adapters, heard, after = _adapters(lm, 10), Heard(), Heard()
    batcher = Batcher(lm)
    batcher.submit(adapters, _prompt(lm, 6, 3), Sampling(5), heard.pieces.append)
    batcher.step()
    batcher.fail()
    assert heard.finish == "error"
    batcher.submit(adapters, _prompt(lm, 6, 3), Sampling(5, line=True), after.pieces.append)
    _all(batcher)
    assert after.text == greedy(lm, adapters, _prompt(lm, 6, 3)[None], 5)[0]


def test_adapters_of_lower_rank_are_filled_up_with_zeros(lm: Backbone) -> None:
    wide, narrow = _adapters(lm, 0), _adapters(lm, 1, 1)
    both = side_by_side([wide, narrow])
    module = next(iter(wide))
    assert both[module]["A"].shape[:2] == (2, 3)
    product = both[module]["B"][1] @ both[module]["A"][1]
    assert torch.allclose(product, narrow[module]["B"] @ narrow[module]["A"])
