"""Trees of one shape as one: the same trees, whoever looks at them and however they are kept."""

import random

import pytest
import torch

from mlecs_ray.stacks import SMALL_BYTES, Row, Stack, holders_mean, matrix, norm, rows_of, shapes, stack
from mlecs_ray.tree import Tree, leaves, tree_add, tree_digest, tree_map, tree_mean, tree_norm


def trees(n: int = 4, width: int = 3) -> list[Tree]:
    draw = torch.Generator().manual_seed(1)
    return [
        {
            "b": {"x": torch.randn(width, 2, generator=draw), "y": torch.randn((), generator=draw)},
            "a": torch.ones(1) * i,
        }
        for i in range(n)
    ]


def stacked(n: int = 4) -> list[Row]:
    rows = rows_of(stack(trees(n)))
    assert all(isinstance(row, Row) for row in rows)
    return list(rows)


def test_a_row_is_the_tree_that_was_stacked():
    for row, tree in zip(stacked(), trees(), strict=True):
        assert tree_digest(row) == tree_digest(tree)
        assert shapes(row) == shapes(tree)
        assert row.keys() == tree.keys()
        assert norm(row) == pytest.approx(tree_norm(tree))
        assert tree_digest(tree_add(row, tree)) == tree_digest(tree_add(tree, row))


def test_leaves_of_a_row_lie_where_torch_would_put_them():
    """Kernels may round differently on other alignments: leaves of 24 and 4 bytes lie across the row."""
    assert all(leaf.data_ptr() % 64 == 0 for row in stacked() for _, leaf in leaves(row))


def test_rows_stacked_again_are_the_stack():
    rows = stacked()
    assert matrix(rows) is rows[0].stack.matrix
    for path, leaf in leaves(stack(rows)):
        assert torch.equal(leaf, torch.stack([dict(leaves(tree))[path] for tree in trees()]))


@pytest.mark.parametrize("order", [[0, 1, 2, 3], [2, 0, 3, 1], [1, 3]])
def test_the_mean_is_the_same_bytes_of_rows_and_of_trees(order):
    rows, plain, weights = stacked(), trees(), [1.0, 5.0, 2.0, 0.5]
    mean = holders_mean((rows[i], weights[i]) for i in order)
    assert tree_digest(mean) == tree_digest(holders_mean((plain[i], weights[i]) for i in order))
    torch.testing.assert_close(mean, tree_mean((plain[i], weights[i]) for i in order))


def test_rows_of_several_stacks_have_a_mean():
    mixed = stacked()[:2] + stacked()[2:] + [trees()[0]]
    random.Random(0).shuffle(mixed)
    torch.testing.assert_close(holders_mean((t, 1.0) for t in mixed), tree_mean((t, 1.0) for t in mixed))


def test_whole_numbers_have_a_mean_too():
    ones: list[tuple[Tree, float]] = [({"n": torch.tensor([2])}, 1.0), ({"n": torch.tensor([4])}, 1.0)]
    assert holders_mean(ones)["n"].tolist() == [3.0]


def test_a_large_tree_is_kept_alone():
    """Or an update that waits for its merge would keep those of its whole cohort."""
    width = SMALL_BYTES // 8 + 1
    rows = rows_of(stack(trees(2, width)))
    assert not any(isinstance(row, Row) for row in rows)
    assert [tree_digest(row) for row in rows] == [tree_digest(tree) for tree in trees(2, width)]
    assert all(leaf.untyped_storage().nbytes() == leaf.nbytes for row in rows for _, leaf in leaves(row))


def test_leaves_of_several_types_are_kept_alone():
    mixed = {"f": torch.zeros(2, 3), "h": torch.ones(2, 3, dtype=torch.bfloat16)}
    assert [tree_map(lambda leaf: leaf.tolist(), row) for row in rows_of(mixed)] == [
        {"f": [0.0, 0.0, 0.0], "h": [1.0, 1.0, 1.0]}
    ] * 2


def test_trees_that_differ_cannot_be_stacked():
    with pytest.raises(ValueError, match="trees differ in"):
        stack([{"a": torch.zeros(1)}, {"b": torch.zeros(1)}])


def test_a_stack_is_made_of_what_was_learned_and_not_of_how():
    learned = stack(trees())
    free = tree_map(lambda leaf: leaf.requires_grad_(), learned)
    assert not Stack.of(free).matrix.requires_grad
