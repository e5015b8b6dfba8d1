"""The space where words and fused representations meet."""

import dataclasses
import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from mlecs_ray.models.fusion import FUSED, init_prompt, soft_tokens
from mlecs_ray.models.words import (
    WIDTH,
    WordSpace,
    find_space,
    meant,
    own_space,
    save_space,
    set_apart,
    taught_space,
    toward,
)

HIDDEN = 160
VECTORS = torch.randn(300, HIDDEN, generator=torch.Generator().manual_seed(0))
IDS = [[0, 5, 1], [0, 7, 8, 1], [0, 9, 1]]
TEXTS = [torch.tensor(ids) for ids in IDS]
SPACE = own_space(VECTORS)


def test_a_text_is_the_sum_of_its_tokens_and_its_opposite():
    """``v = sum_t table[t] - u`` brought to length sqrt(128), and ``-v`` behind it."""
    space = dataclasses.replace(SPACE, usual=torch.full((WIDTH,), 0.3))
    v = F.normalize(torch.stack([SPACE.table[ids].sum(0) for ids in TEXTS]) - 0.3, dim=-1) * math.sqrt(128)
    torch.testing.assert_close(space.vectors(TEXTS), torch.cat([v, -v], 1))


def test_a_taught_table_is_the_ridge_regression_of_what_texts_mean():
    """numpy, where no direction is left out: A (texts, tokens) counts, Y what the encoder says, centred:

    table = np.linalg.solve(A.T @ A + np.eye(tokens), A.T @ Y), here compared by its Gram matrix, as the principal
    directions only turn it.
    """
    meanings = torch.randn(6, 4, generator=torch.Generator().manual_seed(1))
    texts = [[0, 1], [0, 2], [0, 3, 3], [4], [1, 5], [2]]
    counts = np.zeros((6, 300))
    for row, ids in enumerate(texts):
        np.add.at(counts[row], ids, 1)
    centred = (meanings - meanings.mean(0)).double().numpy()
    expected = np.linalg.solve(counts.T @ counts + np.eye(300), counts.T @ centred)
    found = taught_space(VECTORS, texts, meanings, 6).table.double().numpy()
    np.testing.assert_allclose(found @ found.T, expected @ expected.T, atol=1e-3)


def test_texts_of_which_the_encoder_says_that_they_are_alike_lie_together():
    """Tokens 10 and 11 never meet in a text; they only mean the same."""
    texts = [[0, token, 1] for token in range(10, 60)]
    meanings = torch.randn(50, 32, generator=torch.Generator().manual_seed(2))
    meanings[1] = meanings[0]
    first, alike, other = taught_space(VECTORS, texts, meanings, 50).vectors([torch.tensor(ids) for ids in texts[:3]])
    assert float(F.cosine_similarity(first, alike, dim=0)) > 0.95
    assert float(F.cosine_similarity(first, other, dim=0)) < 0.6


@pytest.mark.parametrize("hidden", [HIDDEN, 16])
def test_a_soft_prompt_starts_as_a_reading_of_words(hidden):
    """``GELU(v) - GELU(-v) = v``, so every soft token is ``R v``, but for the disturbance, and as long as words are."""
    space = own_space(VECTORS[:, :hidden])
    vectors = space.vectors([torch.tensor([token]) for token in range(40)])
    exact = {"weight": space.reading.repeat(3, 1), "bias": torch.zeros(3 * hidden)}
    expected = vectors[:, :WIDTH] @ space.matrix.T
    torch.testing.assert_close(soft_tokens(exact, vectors, hidden, False)[:, 1], expected, atol=1e-3, rtol=1e-4)
    assert float(expected.norm(dim=-1).mean()) == pytest.approx(float(VECTORS[:, :hidden].norm(dim=-1).mean()), rel=0.1)
    prompt = init_prompt(torch.Generator().manual_seed(0), 3, hidden, space.reading)
    near = F.cosine_similarity(soft_tokens(prompt, vectors, hidden, False)[:, 1], expected)
    assert float(near.min()) > 0.9


def test_a_reading_points_to_the_words_themselves():
    """Where what tokens mean is a turn of their word vectors, the reading turns back."""
    turn = torch.linalg.qr(torch.randn(WIDTH, WIDTH, generator=torch.Generator().manual_seed(3)))[0]
    vectors = F.pad(torch.randn(2000, WIDTH, generator=torch.Generator().manual_seed(4)), (0, 8))
    meant = (vectors - vectors.mean(0))[:, :WIDTH] @ turn
    space = taught_space(vectors, [[token] for token in range(2000)], meant, 2000)
    read = toward(space.table) @ space.matrix.T
    assert float(F.cosine_similarity(read, vectors).mean()) > 0.95


def test_words_with_their_meanings_are_what_a_reading_points_to():
    """To the head, which holds the same vectors, a soft token that reads a word is that word; before, it was not."""
    vectors = torch.randn(300, 200, generator=torch.Generator().manual_seed(3))
    meanings = torch.randn(300, 150, generator=torch.Generator().manual_seed(4))
    space = set_apart(taught_space(vectors, [[token] for token in range(300)], meanings, 300), vectors)
    read = toward(space.table) @ space.matrix.T
    before, after = vectors, meant(space, vectors, 0.6, range(300))
    assert _right(read @ before.T) < 0.05
    assert _right(read @ after.T) > 0.95


def _right(scores):
    return float((scores.argmax(1) == torch.arange(len(scores))).float().mean())


def test_meanings_stand_where_words_differ_least():
    """Upright on the directions in which words differ, and as long as a word."""
    wide = torch.randn(300, 32, generator=torch.Generator().manual_seed(5)) * 10
    vectors = torch.cat([wide, torch.randn(300, 168, generator=torch.Generator().manual_seed(6))], 1)
    space = set_apart(dataclasses.replace(SPACE, table=torch.randn(300, WIDTH)), vectors)
    assert float(space.matrix[:32].norm()) < 0.05 * float(space.matrix.norm())
    added = meant(space, vectors, 0.5, range(200)) - vectors
    length = float(vectors.norm(dim=-1).mean())
    torch.testing.assert_close(added[:200].norm(dim=-1), torch.full((200,), 0.5 * length), rtol=1e-3, atol=0)
    assert added[200:].eq(0).all()


def test_a_model_narrower_than_the_space_leaves_the_rest_of_it_empty():
    narrow = own_space(VECTORS[:, :16])
    assert narrow.vectors(TEXTS).shape == (3, FUSED)
    assert narrow.table[:, 16:].eq(0).all()


def test_a_space_is_found_beside_its_model(tmp_path):
    assert find_space(str(tmp_path / "none")) is None
    save_space(SPACE, tmp_path)
    found = find_space(str(tmp_path))
    assert isinstance(found, WordSpace)
    assert torch.equal(found.table, SPACE.table)
    assert torch.equal(found.matrix, SPACE.matrix)
    assert torch.equal(found.usual, SPACE.usual)


@pytest.mark.parametrize("count", [1, 4])
def test_without_a_reading_a_prompt_starts_at_random(count):
    drawn = init_prompt(torch.Generator().manual_seed(0), count, HIDDEN)
    assert drawn["weight"].shape == (count * HIDDEN, FUSED)
    assert float(drawn["weight"].abs().max()) <= FUSED**-0.5
