"""Metrics of searching: what a name means, whose vectors are compared, and what a camera may not find."""

import numpy as np
import pytest
import torch

from mlecs_ray.data.reid.trials import Trial
from mlecs_ray.errors import InputError
from mlecs_ray.metrics.registry import check_names, higher_is_better, measure
from mlecs_ray.metrics.search import asked, is_search, looks, needs_cloud, place, searched
from mlecs_ray.samples import Samples

NORTH, EAST = (np.array(x, dtype=np.float32) for x in ([0, 1], [1, 0]))
SAMPLES = Samples(
    {"rgb": torch.zeros(4, 3), "text": torch.zeros(4, 2)},
    {"rgb": torch.ones(4, dtype=torch.bool), "text": torch.tensor([True, False, True, False])},
    labels=torch.tensor([7, 7, 9, 9]),
    domains=("a", "b", "a", "b"),
)
"""Identity 7 before two cameras, then 9; the first sighting of each with a sentence."""
ANSWERS = [{"rgb": NORTH, "text": NORTH}, {"rgb": NORTH}, {"rgb": EAST, "text": NORTH}, {"rgb": EAST}]
"""The sentence about 9 is taken for 7."""


def test_a_pair_is_searched_by_its_own_vectors() -> None:
    """7 stands first and second, 9 third and fourth of four: (1 + 1) / 2 and (1/3 + 2/4) / 2."""
    found = searched(["map_text_rgb", "rank1_text_rgb", "minp_text_rgb"], ANSWERS, SAMPLES)
    assert found["map_text_rgb"] == pytest.approx((1 + (1 / 3 + 2 / 4) / 2) / 2)
    assert found["rank1_text_rgb"] == 0.5
    assert found["minp_text_rgb"] == pytest.approx((1 + 2 / 4) / 2)


def test_without_a_pair_it_is_the_mean_over_pairs_of_different_modalities() -> None:
    found = searched(["map", "map_text_rgb", "map_rgb_text"], ANSWERS, SAMPLES)
    assert found["map"] == pytest.approx((found["map_text_rgb"] + found["map_rgb_text"]) / 2)


def test_within_a_modality_a_camera_finds_what_others_saw() -> None:
    """Each picture's own camera is left out, so that of its identity one remains, and it points the same way."""
    assert searched(["map_rgb_rgb"], ANSWERS, SAMPLES)["map_rgb_rgb"] == 1
    assert searched(["rank1_rgb_rgb"], [{"rgb": NORTH}] * 4, SAMPLES)["rank1_rgb_rgb"] == 0


def test_a_sentence_is_of_no_camera() -> None:
    """What camera a saw of 7 is found by the sentence in the same row; the one about 9 finds a tie of three."""
    answers = [{"rgb": NORTH, "text": NORTH}, {"rgb": EAST}, {"rgb": EAST, "text": EAST}, {"rgb": EAST}]
    assert searched(["rank1_text_rgb"], answers, SAMPLES)["rank1_text_rgb"] == 0.5


def test_the_edge_asks_in_the_clouds_gallery() -> None:
    """The teacher has 7 and 9 the other way round, so that the sentence about 9, taken for 7, is right there."""
    cloud = {"rgb": np.stack([EAST, EAST, NORTH, NORTH]), "text": np.stack([EAST, EAST, NORTH, NORTH])}
    names = ["rank1_text_rgb", "rank1_text_rgb_edgecloud", "rank1_text_rgb_cloud"]
    found = searched(names, ANSWERS, SAMPLES, cloud)
    assert found == {"rank1_text_rgb": 0.5, "rank1_text_rgb_edgecloud": 0.5, "rank1_text_rgb_cloud": 1.0}


def test_a_protocol_says_how_a_pair_is_searched() -> None:
    """Only 9 is asked for, once among all and once without what camera b saw: 1/3 and 2/4, then 1/2; and the mean of
    the two. Another name's trials, and pairs without any, are searched as usual."""
    asked_for, everybody = np.array([2]), np.arange(4)
    trials = (
        Trial("drawn", "text", "rgb", asked_for, everybody),
        Trial("drawn", "text", "rgb", asked_for, np.array([0, 2])),
        Trial("otherwise", "text", "rgb", asked_for, np.array([2])),
    )
    found = searched(["map_text_rgb", "map_rgb_text"], ANSWERS, SAMPLES, trials=trials)
    assert found["map_text_rgb"] == pytest.approx(((1 / 3 + 2 / 4) / 2 + 1 / 2) / 2)
    assert found["map_rgb_text"] == searched(["map_rgb_text"], ANSWERS, SAMPLES)["map_rgb_text"]


def test_who_lacks_a_modality_is_not_asked_by_it() -> None:
    only_pictures = [{"rgb": one["rgb"]} for one in ANSWERS]
    assert set(searched(["map", "map_text_rgb", "map_rgb_rgb"], only_pictures, SAMPLES)) == {"map_rgb_rgb"}


def test_a_cloud_that_is_not_there_is_named() -> None:
    with pytest.raises(InputError, match="'map_cloud' needs what a teacher in the cloud"):
        searched(["map_cloud"], ANSWERS, SAMPLES)


def test_names() -> None:
    assert asked("rank10_ir_rgb_edgecloud").measure == "rank10"
    assert asked("rank10_ir_rgb_edgecloud").pair == ("ir", "rgb")
    assert asked("minp").pair is None
    assert needs_cloud("map_cloud")
    assert not needs_cloud("map_text_rgb")
    assert not needs_cloud("accuracy")
    assert not any(map(is_search, ("accuracy", "map_smell_rgb", "rank2", "mapped")))
    check_names(["map", "minp_sketch_rgb", "accuracy"])
    assert higher_is_better("map_text_rgb_edgecloud")


def test_a_misspelt_one_suggests_the_nearest() -> None:
    with pytest.raises(InputError, match=r"'rank_1' is unknown.*did you mean rank1"):
        check_names(["rank_1"])


def test_they_are_measured_among_others() -> None:
    assert set(measure(["map", "rank1"], ANSWERS, SAMPLES)) == {"map", "rank1"}


@pytest.mark.parametrize(("camera", "stands"), [("c3@c2", "c2"), ("c2", "c2"), ("", "")])
def test_a_camera_beside_another_stands_where_that_does(camera: str, stands: str) -> None:
    assert place(camera) == stands


def test_simple_rules_see_chance_and_pixels() -> None:
    """Pictures of one identity are alike, of others not: pixels find them, chance does not know."""
    draws = torch.Generator().manual_seed(0)
    looked = torch.randint(0, 256, (20, 3, 16, 16), generator=draws, dtype=torch.uint8).repeat_interleave(2, 0)
    many = Samples({"rgb": looked}, labels=torch.arange(20).repeat_interleave(2), domains=("a", "b") * 20)
    found = {rule: searched(["rank1_rgb_rgb"], vectors, many) for rule, vectors in looks(many)}
    assert found["pixels"]["rank1_rgb_rgb"] == 1
    assert found["chance"]["rank1_rgb_rgb"] < 0.3
