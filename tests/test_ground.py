"""The ground floor: trees, seeds, the wire and samples."""

import math

import pytest
import torch
from torch import Tensor

from mlecs_ray.samples import Samples
from mlecs_ray.seeds import derive, generator, uniform
from mlecs_ray.stacks import holders_mean
from mlecs_ray.tree import (
    from_leaves,
    leaves,
    overlay,
    tree_add,
    tree_bytes,
    tree_digest,
    tree_map,
    tree_mean,
    tree_norm,
    tree_scale,
    tree_sub,
    tree_zeros,
)
from mlecs_ray.wire import load_tree, pack, save_tree, unpack


def t(*numbers: float) -> Tensor:
    return torch.tensor(numbers)


TREE = {"b": {"y": t(3.0), "x": t(1.0, 2.0)}, "a": t(4.0)}


def plain(tree) -> dict[str, list[float]]:
    return {path: leaf.tolist() for path, leaf in leaves(tree)}


def test_leaves_come_sorted_by_path():
    assert [path for path, _ in leaves(TREE)] == ["a", "b/x", "b/y"]


def test_from_leaves_undoes_leaves():
    assert from_leaves(leaves(TREE)) == TREE


def test_tree_map_goes_over_shared_paths():
    assert plain(tree_map(lambda a, b: a * b, TREE, TREE)) == {"a": [16.0], "b/x": [1.0, 4.0], "b/y": [9.0]}


@pytest.mark.parametrize("other", [{"a": t(1.0)}, {**TREE, "c": t(1.0)}, {**TREE, "b": {"x": t(1.0, 2.0)}}])
def test_trees_of_other_structure_do_not_combine(other):
    with pytest.raises(ValueError, match="trees differ in"):
        tree_map(torch.add, TREE, other)


def test_arithmetic_by_hand():
    one, two = {"w": t(1.0, 2.0)}, {"w": t(10.0, 20.0)}
    assert plain(tree_add(one, two)) == {"w": [11.0, 22.0]}
    assert plain(tree_add(one, two, -0.5)) == {"w": [-4.0, -8.0]}
    assert plain(tree_sub(two, one)) == {"w": [9.0, 18.0]}
    assert plain(tree_scale(one, 3.0)) == {"w": [3.0, 6.0]}
    assert plain(tree_zeros(one)) == {"w": [0.0, 0.0]}


def test_the_mean_is_weighted():
    """(3 * 1 + 1 * 5) / 4 = 2."""
    assert plain(tree_mean([({"w": t(1.0)}, 3.0), ({"w": t(5.0)}, 1.0)])) == {"w": [2.0]}


@pytest.mark.parametrize("weighted", [[], [({"w": t(1.0)}, 0.0)], [({"w": t(1.0)}, math.nan)]])
def test_weights_without_mass_have_no_mean(weighted):
    with pytest.raises(ValueError, match="there is no mean"):
        tree_mean(weighted)


def test_the_holders_mean_by_hand():
    """a: (2 * 1 + 6 * 3) / 4 = 5; b: 8 of its one holder, whatever its weight."""
    mean = holders_mean([({"m": {"a": t(2.0)}}, 1.0), ({"m": {"a": t(6.0), "b": t(8.0)}}, 3.0)])
    assert plain(mean) == {"m/a": [5.0], "m/b": [8.0]}


def test_the_holders_mean_of_nobody_is_empty():
    assert holders_mean([]) == {}


def test_the_holders_mean_names_the_leaf_without_weight():
    with pytest.raises(ValueError, match="weights of b sum to 0"):
        holders_mean([({"a": t(1.0)}, 1.0), ({"b": t(1.0)}, 0.0)])


def test_the_holders_mean_equals_the_mean_where_all_hold_all():
    weighted = [(TREE, 2.0), (tree_scale(TREE, 3.0), 1.0)]
    torch.testing.assert_close(holders_mean(weighted), tree_mean(weighted))


def test_overlay_replaces_what_the_patch_has():
    assert plain(overlay(TREE, {"b": {"y": t(9.0)}})) == {"a": [4.0], "b/x": [1.0, 2.0], "b/y": [9.0]}


def test_overlay_combines_old_and_new():
    assert plain(overlay(TREE, {"a": t(1.0)}, torch.sub))["a"] == [3.0]


@pytest.mark.parametrize(("patch", "name"), [({"c": t(1.0)}, "c"), ({"b": {"z": t(1.0)}}, "z")])
def test_overlay_refuses_a_leaf_that_the_base_lacks(patch, name):
    with pytest.raises(KeyError, match=f"{name}.*is in no state"):
        overlay(TREE, patch)


def test_nothing_is_changed_in_place():
    before = tree_digest(TREE)
    tree_add(TREE, TREE)
    holders_mean([(TREE, 2.0), (TREE, 3.0)])
    overlay(TREE, {"a": t(0.0)}, torch.add)
    assert tree_digest(TREE) == before


def test_norm_and_bytes_by_hand():
    """sqrt(1 + 4 + 9 + 16); four float32 of 4 bytes; a bfloat16 has 2."""
    assert tree_norm(TREE) == pytest.approx(math.sqrt(30))
    assert tree_bytes(TREE) == 16
    assert tree_bytes({"h": torch.zeros(3, dtype=torch.bfloat16)}) == 6


def test_the_digest_is_of_values_not_of_objects_or_order():
    same = {"a": t(4.0), "b": {"x": t(1.0, 2.0), "y": t(3.0)}}
    assert tree_digest(same) == tree_digest(TREE)
    assert tree_digest({"w": torch.eye(3)[:, 1:]}) == tree_digest({"w": torch.eye(3)[:, 1:].contiguous()})


@pytest.mark.parametrize(
    "other",
    [
        {"w": t(0.0, 1.0)},
        {"v": t(0.0, 0.0)},
        {"w": torch.zeros(1, 2)},
        {"w": torch.zeros(2, dtype=torch.int32)},
        {"w": -torch.zeros(2)},
    ],
    ids=["value", "path", "shape", "dtype", "sign of zero"],
)
def test_the_digest_tells_trees_apart(other):
    assert tree_digest(other) != tree_digest({"w": torch.zeros(2)})


def test_the_same_keys_give_the_same_seed():
    assert derive(1, "client", 7) == derive(1, "client", 7)
    assert generator(1, 2).random() == generator(1, 2).random()
    assert uniform(1, "x") == uniform(1, "x")


def test_every_key_its_place_and_the_seed_matter():
    seeds = [derive(0), derive(1), derive(0, 1), derive(0, 1, 2), derive(0, 2, 1), derive(0, "1"), derive(0, "a", "b")]
    assert len({*seeds, derive(0, "ab"), derive(0, "b", "a")}) == 9


def test_seeds_fit_in_63_bits_whatever_the_keys():
    assert all(0 <= derive(seed, key) < 2**63 for seed in (0, -1, 2**70) for key in (0, -1, 2**63, "text", ""))


def test_neighbouring_streams_are_unrelated():
    """2,000 uniforms from neighbouring keys: mean 1/2 with sd 1/sqrt(12 n) = 0.0065; lag correlation sd 0.022."""
    numbers = torch.tensor([uniform(5, client, "jitter") for client in range(2000)], dtype=torch.float64)
    assert float(numbers.mean()) == pytest.approx(0.5, abs=4 * 0.0065)
    assert abs(float(torch.corrcoef(torch.stack([numbers[:-1], numbers[1:]]))[0, 1])) < 4 * 0.022
    assert 0.0 <= float(numbers.min()) <= float(numbers.max()) < 1.0


def test_a_tree_survives_the_wire_to_the_byte():
    tree = {
        **TREE,
        "count": torch.tensor(3),
        "half": torch.ones(2, dtype=torch.bfloat16),
        "mask": torch.tensor([True, False]),
        "none": torch.zeros(0, dtype=torch.int64),
        "odd": torch.tensor([math.nan, math.inf, -0.0]),
    }
    assert tree_digest(unpack(pack(tree))) == tree_digest(tree)


def test_views_and_gradients_survive_the_wire():
    weights = torch.arange(6.0, requires_grad=True).reshape(2, 3).T
    back = unpack(pack({"w": weights}))["w"]
    assert back.tolist() == weights.tolist()
    assert not back.requires_grad


def test_what_was_unpacked_is_aligned_memory_of_its_own():
    buffer = pack({"a": torch.ones(1, dtype=torch.bool), "b": torch.ones(5)})
    tree = unpack(buffer)
    assert tree["b"].data_ptr() % 16 == 0
    tree["b"].zero_()
    assert unpack(buffer)["b"].tolist() == [1.0] * 5


def test_an_empty_tree_survives_the_wire():
    assert unpack(pack({})) == {}


def test_a_saved_tree_is_read_back_and_leaves_no_part_behind(tmp_path):
    save_tree({"w": t(1.0)}, tmp_path / "state.safetensors")
    save_tree(TREE, tmp_path / "state.safetensors")
    assert tree_digest(load_tree(tmp_path / "state.safetensors")) == tree_digest(TREE)
    assert [path.name for path in tmp_path.iterdir()] == ["state.safetensors"]


def samples() -> Samples:
    return Samples(
        inputs={"image": torch.arange(6.0).reshape(3, 2), "speech": torch.zeros(3, 1)},
        present={"image": torch.tensor([True, True, False]), "speech": torch.tensor([True, False, True])},
        labels=torch.tensor([7, 8, 9]),
        texts=("a", "b", "c"),
        ids=("i", "j", "k"),
        domains=("x", "y", "z"),
    )


def test_take_picks_every_column_in_the_order_asked_for():
    picked = samples().take([2, 0])
    assert len(picked) == 2
    assert picked.inputs["image"].tolist() == [[4.0, 5.0], [0.0, 1.0]]
    assert picked.present["image"].tolist() == [False, True]
    assert picked.labels.tolist() == [9, 7]
    assert (picked.texts, picked.ids, picked.domains) == (("c", "a"), ("k", "i"), ("z", "x"))


def test_take_leaves_absent_columns_absent():
    picked = Samples({"x": torch.zeros(3, 1)}).take(torch.tensor([1]))
    assert (picked.labels, picked.texts, picked.ids, picked.domains) == (None, (), (), ())


def test_take_of_nothing_is_empty():
    assert len(samples().take([])) == 0


def test_only_hides_the_other_modalities_and_keeps_the_rest():
    seen = samples().only(["speech", "lidar"])
    assert seen.modalities == {"speech"}
    assert seen.present.keys() == {"speech"}
    assert (len(seen), seen.texts) == (3, ("a", "b", "c"))


def test_what_is_not_said_to_be_missing_is_present():
    assert Samples({"x": torch.zeros(2, 1)}).present["x"].tolist() == [True, True]


@pytest.mark.parametrize(
    "columns", [{"labels": torch.zeros(3)}, {"texts": ("one",)}, {"present": {"x": torch.ones(1, dtype=torch.bool)}}]
)
def test_columns_of_other_length_are_refused(columns):
    with pytest.raises(ValueError, match="columns differ in length"):
        Samples({"x": torch.zeros(2, 1)}, **columns)


def test_samples_without_columns_are_none():
    assert len(Samples({})) == 0
