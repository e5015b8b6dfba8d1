"""Merges of adapters by hand, each against its formula."""

import pytest
import torch

from mlecs_ray.methods.lowrank import RULES, merge
from mlecs_ray.models.lora import cut

OUT, IN = 5, 6


def adapter(rank, seed, out=OUT, inputs=IN):
    draw = torch.Generator().manual_seed(seed)
    return {"A": torch.randn(rank, inputs, generator=draw), "B": torch.randn(out, rank, generator=draw)}


def product(one):
    return one["B"].double() @ one["A"].double()


def tree(one):
    return {"q": one}


ZERO = {"A": torch.zeros(4, IN), "B": torch.zeros(OUT, 4)}
FIRST, SECOND = adapter(2, 1), adapter(2, 2)


def merged(rule, current, *uploads):
    return merge(rule, tree(current), [(tree(one), share) for one, share in uploads])["q"]


@pytest.mark.parametrize("ranks", [(2, 2), (1, 3), (4, 4)])
@pytest.mark.parametrize("rule", ["flora", "flexlora"])
def test_the_exact_rules_give_the_mean_of_the_products(rule, ranks):
    """``sum p_k B_k A_k`` in float64, to 1e-6: flexlora where its rank holds the sum, flora always."""
    uploads = [adapter(rank, seed) for seed, rank in enumerate(ranks)]
    current = ZERO if rule == "flora" else {"A": torch.zeros(8, IN), "B": torch.zeros(OUT, 8)}
    found = merged(rule, current, (uploads[0], 0.3), (uploads[1], 0.7))
    expected = 0.3 * product(uploads[0]) + 0.7 * product(uploads[1])
    torch.testing.assert_close(product(found), expected, atol=1e-6 * expected.norm().item(), rtol=0)


def test_averaging_both_sides_apart_is_the_plain_mean_at_equal_ranks_and_biased():
    found = merged("mean", adapter(2, 9), (FIRST, 0.3), (SECOND, 0.7))
    torch.testing.assert_close(found["A"], 0.3 * FIRST["A"] + 0.7 * SECOND["A"])
    torch.testing.assert_close(found["B"], 0.3 * FIRST["B"] + 0.7 * SECOND["B"])
    assert (product(found) - 0.3 * product(FIRST) - 0.7 * product(SECOND)).norm() > 0.1


def test_a_rank_that_few_have_is_their_mean_alone():
    """Ranks 1 and 2: the second row is that of the second client, not half of it."""
    small, large = adapter(1, 1), adapter(2, 2)
    found = merged("mean", adapter(2, 9), (small, 0.5), (large, 0.5))
    torch.testing.assert_close(found["A"][0], (small["A"][0] + large["A"][0]) / 2)
    torch.testing.assert_close(found["A"][1], large["A"][1])
    torch.testing.assert_close(found["B"][:, 1], large["B"][:, 1])


def test_a_rank_that_nobody_has_stays():
    current = adapter(3, 9)
    found = merged("mean", current, (FIRST, 1.0))
    torch.testing.assert_close(found["A"][2], current["A"][2])


def test_hetlora_weighs_by_the_size_of_the_product_and_pads_with_zeros():
    """``w_k = ||B_k A_k|| / sum_j ||B_j A_j||`` with equal shares; rank 1 beside rank 2."""
    small, large = adapter(1, 1), adapter(2, 2)
    norms = [float(product(one).norm()) for one in (small, large)]
    first, second = (norm / sum(norms) for norm in norms)
    found = merged("hetlora", adapter(2, 9), (small, 0.5), (large, 0.5))
    torch.testing.assert_close(found["A"][0], first * small["A"][0] + second * large["A"][0], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(found["A"][1], second * large["A"][1], rtol=1e-4, atol=1e-5)


def test_hetlora_of_adapters_that_do_nothing_yet_goes_by_their_shares():
    idle = {"A": FIRST["A"], "B": torch.zeros_like(FIRST["B"])}
    other = {"A": SECOND["A"], "B": torch.zeros_like(SECOND["B"])}
    found = merged("hetlora", adapter(2, 9), (idle, 0.25), (other, 0.75))
    torch.testing.assert_close(found["A"], 0.25 * FIRST["A"] + 0.75 * SECOND["A"])


def test_flexlora_keeps_the_largest_singular_values_and_a_cut_is_the_best_of_its_rank():
    found = merged("flexlora", {"A": torch.zeros(3, IN), "B": torch.zeros(OUT, 3)}, (FIRST, 0.5), (SECOND, 0.5))
    whole = 0.5 * product(FIRST) + 0.5 * product(SECOND)
    u, s, v = torch.linalg.svd(whole)
    for rank in (1, 2, 3):
        best = (u[:, :rank] * s[:rank]) @ v[:rank]
        torch.testing.assert_close(product(cut(tree(found), rank)["q"]), best, atol=1e-5, rtol=0)


def test_what_shares_leave_stays_with_the_server():
    """A quarter moves: three quarters of the old product and a quarter of the new."""
    current = {"A": torch.cat([adapter(2, 9)["A"], torch.zeros(2, IN)]), "B": adapter(4, 9)["B"]}
    found = merged("flexlora", current, (FIRST, 0.25))
    expected = 0.75 * product(current) + 0.25 * product(FIRST)
    torch.testing.assert_close(product(found), expected, atol=1e-5, rtol=0)
    found = merged("mean", adapter(2, 9), (FIRST, 0.25))
    torch.testing.assert_close(found["A"], 0.75 * adapter(2, 9)["A"] + 0.25 * FIRST["A"])


def test_flora_adds_to_what_there_was_and_its_rank_stops_at_the_whole():
    current, more = adapter(4, 9), adapter(4, 3)
    found = merged("flora", current, (more, 0.5))
    assert len(found["A"]) == min(OUT, IN)
    torch.testing.assert_close(product(found), product(current) + 0.5 * product(more), atol=1e-5, rtol=0)


@pytest.mark.parametrize("rule", ["flora", "flexlora"])
def test_a_direction_that_is_none_still_lets_a_gradient_through(rule):
    """B is zero at the start: where A were zero too, no step would ever leave the point."""
    start = {"A": adapter(2, 9)["A"], "B": torch.zeros(OUT, 2)}
    found = merged(rule, start, ({"A": FIRST["A"], "B": torch.zeros_like(FIRST["B"])}, 1.0))
    assert found["A"].norm() > 0.1
    assert float(product(found).norm()) == 0.0


@pytest.mark.parametrize("rule", list(RULES))
def test_modules_are_merged_over_those_who_hold_them(rule):
    current = {"q": adapter(2, 8), "k": adapter(2, 9), "v": adapter(2, 7)}
    uploads = [({"q": FIRST, "k": SECOND}, 0.5), ({"q": SECOND}, 0.5)]
    found = merge(rule, current, uploads)
    alone = merge(rule, {"k": current["k"]}, [({"k": SECOND}, 1.0)])
    torch.testing.assert_close(found["k"], alone["k"])
    torch.testing.assert_close(found["v"], dict(current["v"]))


@pytest.mark.parametrize("rule", list(RULES))
def test_nothing_that_was_given_is_changed(rule):
    current, upload = adapter(3, 9), adapter(2, 1)
    before = [leaf.clone() for leaf in (*current.values(), *upload.values())]
    merged(rule, current, (upload, 0.5))
    for old, new in zip(before, (*current.values(), *upload.values()), strict=True):
        assert torch.equal(old, new)
