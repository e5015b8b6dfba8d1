"""The space where words and fused representations meet."""

import pytest
import torch
from torch.nn import functional as F

from mlecs_ray.models.fusion import FUSED, init_prompt, soft_tokens
from mlecs_ray.models.words import WIDTH, find_space, save_space, word_space

HIDDEN = 160
TABLE = torch.randn(300, HIDDEN, generator=torch.Generator().manual_seed(0))
TEXTS = [TABLE[[0, 5, 1]], TABLE[[0, 7, 8, 1]], TABLE[[0, 9, 1]]]
SPACE = word_space(TABLE, TEXTS)


def test_a_text_is_its_words_mean_without_what_all_texts_share():
    """``v = Q^T mean - u`` brought to length sqrt(128), and its opposite behind it."""
    means = torch.stack([text.mean(0) for text in TEXTS]) @ SPACE.basis
    v = F.normalize(means - means.mean(0), dim=-1) * WIDTH**0.5
    torch.testing.assert_close(SPACE.vectors(TEXTS), torch.cat([v, -v], 1), atol=1e-4, rtol=1e-4)


def test_the_basis_is_orthonormal_and_spans_the_largest_part():
    torch.testing.assert_close(SPACE.basis.T @ SPACE.basis, torch.eye(WIDTH), atol=1e-5, rtol=0)
    centred = TABLE - TABLE.mean(0)
    kept = (centred @ SPACE.basis).square().sum() / centred.square().sum()
    assert float(kept) > WIDTH / HIDDEN


def test_a_soft_prompt_starts_as_a_reading_of_words():
    """``GELU(v) - GELU(-v) = v``, so every soft token is ``0.4 Q v``, but for the disturbance."""
    prompt = init_prompt(torch.Generator().manual_seed(0), 3, HIDDEN, SPACE.reading)
    vectors = SPACE.vectors(TEXTS)
    exact = {"weight": SPACE.reading.repeat(3, 1), "bias": torch.zeros(3 * HIDDEN)}
    expected = 0.4 * vectors[:, :WIDTH] @ SPACE.basis.T
    torch.testing.assert_close(soft_tokens(exact, vectors, HIDDEN, False)[:, 1], expected, atol=1e-4, rtol=1e-4)
    near = F.cosine_similarity(soft_tokens(prompt, vectors, HIDDEN, False)[:, 1], expected)
    assert float(near.min()) > 0.9


def test_a_model_narrower_than_the_space_leaves_the_rest_of_it_empty():
    narrow = word_space(TABLE[:, :16], [text[:, :16] for text in TEXTS])
    assert narrow.vectors([text[:, :16] for text in TEXTS]).shape == (3, FUSED)


def test_a_space_is_found_beside_its_model(tmp_path):
    assert find_space(str(tmp_path / "none")) is None
    save_space(SPACE, tmp_path)
    found = find_space(str(tmp_path))
    assert torch.equal(found.basis, SPACE.basis)
    assert torch.equal(found.usual, SPACE.usual)


def test_texts_that_share_words_lie_nearer():
    texts = [TABLE[[0, 5, 6, 1]], TABLE[[0, 5, 7, 1]], TABLE[[0, 20, 30, 1]]]
    usual = [TABLE[[0, i, i + 1, 1]] for i in range(40, 140, 2)]
    first, alike, other = word_space(TABLE, usual).vectors(texts)
    assert float(F.cosine_similarity(first, alike, dim=0)) > float(F.cosine_similarity(first, other, dim=0)) + 0.2


@pytest.mark.parametrize("count", [1, 4])
def test_without_a_reading_a_prompt_starts_at_random(count):
    drawn = init_prompt(torch.Generator().manual_seed(0), count, HIDDEN)
    assert drawn["weight"].shape == (count * HIDDEN, FUSED)
    assert float(drawn["weight"].abs().max()) <= FUSED**-0.5
