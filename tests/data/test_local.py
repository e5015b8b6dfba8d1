"""Clients' samples where their environments shift, on forty-eight training rows and twenty-four test rows."""

from collections import Counter

import numpy as np
import pytest
import torch

from mlecs_ray.data.environment import Rules
from mlecs_ray.data.local import Environments
from mlecs_ray.errors import InputError
from mlecs_ray.samples import Samples

STYLES = ("line", "paint", "photo")


def rows(name: str, count: int, classes: int = 4) -> Samples:
    """Row i is of class i modulo 4 and of style i // 4 modulo 3; its picture has i in every place but the first."""
    picture = torch.arange(float(count)).repeat(16, 1).T.clone()
    picture[:, 0] = -1.0
    return Samples(
        {"image": picture},
        labels=torch.arange(count) % classes,
        ids=tuple(f"{name}-{i}" for i in range(count)),
        domains=tuple(STYLES[i // 4 % 3] for i in range(count)),
    )


def made(clients: int = 8, seed: int = 5, **rules: object) -> Environments:
    sizes = {"least": 6, "most": 12, "test_rows": 20}
    return Environments(rows("train", 48), rows("test", 24), Rules(**{**sizes, **rules}), clients, seed)


def test_a_client_has_as_many_samples_as_slots_at_every_step() -> None:
    here = made(classes=2)
    for client in range(8):
        assert [len(here.local(client, step)) for step in (0, 1, 7)] == [here.sizes[client]] * 3
        assert len(here.local_test(client, 3)) == 20


def test_every_row_fits_the_environment_in_which_its_slot_was_filled() -> None:
    here = made(classes=2, domains="all")
    for client in range(8):
        seen, filled = here.local(client, 4), here.around.filled(client, 4).tolist()
        tested, slots = here.local_test(client, 4), len(filled)
        for samples, steps in ((seen, filled), (tested, [filled[j % slots] for j in range(20)])):
            assert samples.labels is not None
            for label, domain, step in zip(samples.labels.tolist(), samples.domains, steps, strict=True):
                there = here.around.of(client, step)
                assert there.classes
                assert (label in there.classes, domain) == (True, there.domain)


def test_nothing_depends_on_the_order_of_questions() -> None:
    first, second = made(classes=2, corruptions=("noise",)), made(classes=2, corruptions=("noise",))
    asked = [(client, step) for client in range(4) for step in (0, 2, 5)]
    ahead = [(first.local(*one).inputs["image"], first.local_test(*one).ids) for one in asked]
    back = [(second.local(*one).inputs["image"], second.local_test(*one).ids) for one in reversed(asked)]
    for (seen, ids), (again, same) in zip(ahead, reversed(back), strict=True):
        assert torch.equal(seen, again)
        assert ids == same


def test_what_is_not_renewed_stays_to_the_bit() -> None:
    here = made(classes=2, corruptions=("noise", "rotate", "blur"))
    for client in range(8):
        before, after = here.local(client, 4), here.local(client, 5)
        old = torch.from_numpy(here.around.filled(client, 5) < 5)
        assert torch.equal(before.inputs["image"][old], after.inputs["image"][old])
        assert here.local_test(client, 4).ids != here.local_test(client, 5).ids


def test_a_test_slot_stays_as_long_as_the_slot_that_it_is_like() -> None:
    here = made(classes=2)
    for client in range(8):
        old = (here.around.filled(client, 5) < 5)[np.arange(20) % here.sizes[client]]
        before, after = here.test_rows(client, 4), here.test_rows(client, 5)
        assert (before[old] == after[old]).all()


def test_no_row_is_drawn_twice_while_there_are_enough() -> None:
    """Two classes of four in 48 rows: 24 that fit, for at most twelve slots."""
    here = made(classes=2)
    for client in range(8):
        assert len(set(here.rows(client, 0).tolist())) == here.sizes[client]


def test_rows_that_are_too_few_are_taken_again_and_again() -> None:
    """One class of one style: 4 of the 48 rows, for 10 slots; 2 of the 24 test rows, for 20."""
    here = made(classes=1, domains=("paint",), least=10, most=10)
    assert sorted(Counter(here.rows(0, 0).tolist()).values()) == [2, 2, 3, 3]
    assert sorted(Counter(here.test_rows(0, 0).tolist()).values()) == [10, 10]


def test_no_training_row_is_in_a_test() -> None:
    here = made(classes=2)
    trained = {name for client in range(8) for step in range(4) for name in here.local(client, step).ids}
    tested = {name for client in range(8) for step in range(4) for name in here.local_test(client, step).ids}
    assert {name.split("-")[0] for name in trained} == {"train"}
    assert {name.split("-")[0] for name in tested} == {"test"}


def test_an_environment_does_the_same_to_training_and_test_samples() -> None:
    """A block of 0.7 x 4 = 3 by 3 values becomes -1, as the first of the 16 is."""
    here = made(corruptions=("occlude",), severity=1.0)
    for client in range(4):
        both = torch.cat([samples.inputs["image"] for samples in (here.local(client, 0), here.local_test(client, 0))])
        hidden = both == -1
        assert (hidden == hidden[0]).all()
        assert 9 <= int(hidden[0].sum()) <= 10


def test_environments_without_a_corruption_leave_samples_as_they_are() -> None:
    here = made(corruptions=("none", "invert"), severity=1.0)
    for client in range(8):
        plain = here.train.take(torch.from_numpy(here.rows(client, 3))).inputs["image"]
        left = [here.around.of(client, step).corruption is None for step in here.around.filled(client, 3).tolist()]
        same = (here.local(client, 3).inputs["image"] == plain).all(1)
        assert same.tolist() == left


def test_noise_of_a_row_is_its_own_in_each_environment() -> None:
    here = made(corruptions=("noise",), share=1.0, least=12, most=12)
    noises = [
        here.local(client, step).inputs["image"][:, 1] - here.train.inputs["image"][here.rows(client, step).tolist(), 1]
        for client, step in ((0, 0), (0, 1), (1, 0))
    ]
    assert len(torch.unique(torch.cat(noises))) == 36


def test_absent_modalities_stay_absent() -> None:
    """Of a modality that every second row has."""
    there = torch.arange(48) % 2 == 0
    image = torch.rand(48, 5) * there[:, None]
    data = Samples({"image": image}, {"image": there}, labels=torch.arange(48) % 4)
    here = Environments(data, rows("test", 24).only([]), Rules(corruptions=("gain",)), 2, 1)
    seen = here.local(0, 1)
    assert torch.equal((seen.inputs["image"] != 0).any(1), seen.present["image"])


def test_a_class_of_one_side_alone_is_met_by_nobody() -> None:
    """The test has classes 0..2."""
    here = Environments(rows("train", 48), rows("test", 24, 3), Rules(classes=1), 50, 1)
    assert {here.around.of(client, 0).classes for client in range(50)} == {(0,), (1,), (2,)}


@pytest.mark.parametrize(
    ("drop", "rules", "words"),
    [
        ("labels", {"classes": 2}, "data.environments.classes=2 needs samples that have classes; leave it out"),
        ("domains", {"domains": ("line",)}, "domains=.*line.* needs samples that have domains"),
        ("", {"domains": ("ink",)}, "domains names 'ink', of which train and test have no sample"),
        ("", {"classes": 5}, "classes=5 must be at most 4"),
        ("", {"corruptions": ("blurr",)}, "corruptions names 'blurr', which is none of none, noise, blur"),
        ("picture", {"corruptions": ("none", "rotate")}, "corruptions: rotate needs pictures"),
    ],
)
def test_what_the_data_does_not_have_is_refused(drop: str, rules: dict[str, object], words: str) -> None:
    one = rows("train", 48)
    inputs = {"image": one.inputs["image"][:, :15]} if drop == "picture" else one.inputs
    labels, domains = None if drop == "labels" else one.labels, () if drop == "domains" else one.domains
    data = Samples(inputs, labels=labels, ids=one.ids, domains=domains)
    with pytest.raises(InputError, match=words):
        Environments(data, data, Rules(**rules), 4, 1)
