"""Trees as bytes: what comes out is what went in."""

import pytest
import torch

from mlecs_ray.stacks import SMALL_BYTES
from mlecs_ray.tree import tree_digest
from mlecs_ray.wire import load_tree, pack, pack_many, save_tree, unpack, unpack_many

SMALL = {"a": {"w": torch.arange(3.0)}, "n": torch.tensor(2, dtype=torch.int64)}
LARGE = {"a": {"w": torch.zeros(SMALL_BYTES)}}
OTHER = {"b": torch.ones(2, dtype=torch.uint8)}


def test_a_tree_is_the_same_after_the_wire_and_after_the_disk(tmp_path):
    assert tree_digest(unpack(pack(SMALL))) == tree_digest(SMALL)
    save_tree(SMALL, tmp_path / "tree")
    assert tree_digest(load_tree(tmp_path / "tree")) == tree_digest(SMALL)


@pytest.mark.parametrize(
    "trees",
    [
        [SMALL, SMALL],
        [SMALL, OTHER, SMALL],
        [LARGE, LARGE],
        [{}],
        [{}, {}, {}],
        [{}, SMALL, {}],
        [LARGE, {}],
        [{"w": torch.empty(0)}, {"w": torch.empty(0)}],
        [OTHER] * 12,
    ],
    ids=["alike", "unlike", "large", "one empty", "all empty", "some empty", "empty at the end", "no numbers", "many"],
)
def test_as_many_trees_come_out_in_their_order_whatever_is_in_them(trees):
    back = unpack_many(pack_many(trees))
    assert [tree_digest(tree) for tree in back] == [tree_digest(tree) for tree in trees]


def test_bytes_that_are_no_tree_are_refused():
    with pytest.raises(ValueError, match="are no tree"):
        unpack(b"12345678")
