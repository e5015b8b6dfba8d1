"""Who is in a batch: identities in turn, a few sightings of each in every modality."""

import numpy as np
import pytest

from mlecs_ray.errors import InputError
from mlecs_ray.models.reid.sampler import Sampler

LABELS = {"rgb": np.array([0, 0, 0, 1, 1, 2, 3]), "text": np.array([0, 1, 1, 3])}


def sampler(identities: int = 2, each: int = 2, seed: int = 0) -> Sampler:
    return Sampler(LABELS, identities, each, seed)


def test_a_batch_has_so_many_identities_and_at_most_so_many_sightings_of_each() -> None:
    for step in range(8):
        batch = sampler().batch(step)
        chosen = {int(LABELS[m][i]) for m, places in batch.items() for i in places}
        assert len(chosen) == 2
        for m, places in batch.items():
            counts = np.bincount(LABELS[m][places])
            assert counts.max() <= 2
            assert len(set(places.tolist())) == len(places)


def test_an_epoch_has_every_identity_once() -> None:
    seen = [int(LABELS["rgb"][i]) for step in range(2) for i in sampler(each=1).batch(step)["rgb"]]
    assert sorted(seen) == [0, 1, 2, 3]


def test_a_modality_that_none_of_them_has_is_left_out() -> None:
    alone = Sampler({"rgb": np.array([0, 1]), "text": np.array([2, 3])}, 2, 2, 0)
    assert {tuple(sorted(alone.batch(step))) for step in range(20)} >= {("rgb",), ("text",)}


def test_it_depends_on_seed_and_step_alone() -> None:
    one, again = sampler().batch(5), sampler().batch(5)
    assert all(np.array_equal(one[m], again[m]) for m in one)
    assert any(
        not np.array_equal(sampler(seed=1).batch(step)["rgb"], sampler(seed=2).batch(step)["rgb"]) for step in range(4)
    )


@pytest.mark.parametrize(("identities", "each", "rule"), [(1, 2, "identities=1"), (2, 0, "each=0")])
def test_batches_that_teach_nothing_are_refused(identities: int, each: int, rule: str) -> None:
    with pytest.raises(InputError, match=rule):
        sampler(identities, each)


def test_one_identity_alone_is_refused() -> None:
    with pytest.raises(InputError, match="there are 1 identities"):
        Sampler({"rgb": np.array([4, 4])}, 2, 2, 0)
