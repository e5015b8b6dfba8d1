"""Which pictures are drawn for a gallery."""

from mlecs_ray.data.reid.galleries import TRIALS, drawn, grouped
from tests.data.reid.written import shuffled, sightings

# Five pictures of person 1 by camera a, two by b; three of person 2 by a; one that is no rgb.
SEEN = sightings(*[("1", "a", "rgb")] * 5, *[("1", "b", "rgb")] * 2, *[("2", "a", "rgb")] * 3, ("2", "b", "ir"))


def test_one_is_drawn_of_each_identity_by_each_camera() -> None:
    for trial in TRIALS:
        first, second, third = drawn(grouped(SEEN, "rgb"), trial).tolist()
        assert first in range(5)
        assert second in range(5, 7)
        assert third in range(7, 10)


def test_of_who_has_fewer_all_are_taken() -> None:
    chosen = drawn(grouped(SEEN, "rgb"), trial=0, shots=3).tolist()
    assert len(set(chosen) & set(range(5))) == 3
    assert chosen[3:] == [5, 6, 7, 8, 9]


def test_other_cameras_are_not_searched() -> None:
    assert set(drawn(grouped(SEEN, "rgb"), 0, 5, ["b"]).tolist()) == {5, 6}


def test_trials_differ_and_each_is_the_same_again() -> None:
    galleries = [tuple(drawn(grouped(SEEN, "rgb"), trial).tolist()) for trial in TRIALS]
    assert len(set(galleries)) > 1
    assert galleries == [tuple(drawn(grouped(SEEN, "rgb"), trial).tolist()) for trial in TRIALS]


def test_the_same_pictures_are_drawn_in_whatever_order_they_stand() -> None:
    mixed, order = shuffled(SEEN)
    for trial in TRIALS:
        again = [order[i] for i in drawn(grouped(mixed, "rgb"), trial, 2)]
        assert sorted(again) == drawn(grouped(SEEN, "rgb"), trial, 2).tolist()


def test_who_else_is_there_changes_nothing() -> None:
    alone = SEEN.take(range(5))
    for trial in TRIALS:
        assert drawn(grouped(alone, "rgb"), trial).tolist() == drawn(grouped(SEEN, "rgb"), trial).tolist()[:1]
