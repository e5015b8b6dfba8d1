"""Rankings made by hand: who stands where, what a camera may not find, and ties."""

import numpy as np
import pytest

from mlecs_ray.errors import InputError
from mlecs_ray.metrics.ranking import Marks, Ranking, Rules, cosines, rank


def marks(identities: list[int], places: list[str] | None = None) -> Marks:
    return Marks(np.array(identities), np.array(places or [""] * len(identities)))


def by_places(right: list[int], of: int) -> Ranking:
    """One query whose right ones stand at these places, counted from 1, of so many."""
    names = [1 if place + 1 in right else 0 for place in range(of)]
    return rank(-np.arange(of, dtype=float)[None], marks([1]), marks(names))


def test_average_precision_and_the_hardest_positive_by_hand() -> None:
    """Right ones at 1, 3 and 6: (1/1 + 2/3 + 3/6) / 3, and 3 / 6."""
    found = by_places([1, 3, 6], 8)
    assert found.map == pytest.approx((1 + 2 / 3 + 3 / 6) / 3)
    assert found.minp == pytest.approx(3 / 6)
    assert found.cmc == {1: 1.0, 5: 1.0, 10: 1.0}


@pytest.mark.parametrize(("first", "cmc"), [(1, (1, 1, 1)), (5, (0, 1, 1)), (6, (0, 0, 1)), (11, (0, 0, 0))])
def test_cumulative_matching_counts_the_first_right_one(first: int, cmc: tuple[int, ...]) -> None:
    assert tuple(by_places([first], 12).cmc.values()) == cmc


def test_means_run_over_queries() -> None:
    """The first finds its own at once, the second behind one other."""
    scores = np.array([[0.9, 0.1, 0.5], [0.8, 0.7, 0.1]])
    found = rank(scores, marks([1, 2]), marks([1, 2, 3]))
    assert found.map == pytest.approx((1 + 1 / 2) / 2)
    assert found.cmc[1] == 0.5
    assert found.queries == 2


def test_what_the_same_camera_saw_of_the_same_identity_is_left_out() -> None:
    """Its own picture does not count; another identity of the same camera stays, and stands before the right one."""
    scores = np.array([[1.0, 0.9, 0.8]])
    found = rank(scores, marks([1], ["a"]), marks([1, 2, 1], ["a", "a", "b"]))
    assert found.map == pytest.approx(1 / 2)


def test_what_no_camera_saw_is_never_left_out() -> None:
    found = rank(np.array([[0.9, 0.8]]), marks([1], [""]), marks([1, 2], ["", ""]))
    assert found.map == 1


def test_queries_without_a_right_one_are_left_out() -> None:
    scores = np.array([[0.1, 0.9], [0.9, 0.1]])
    found = rank(scores, marks([1, 7], ["a", "a"]), marks([2, 1], ["b", "b"]))
    assert (found.queries, found.map) == (1, 1.0)


def test_where_nobody_can_be_found_nothing_is_measured() -> None:
    with pytest.raises(InputError, match="none of 1 queries has a right one among 1"):
        rank(np.ones((1, 1)), marks([1], ["a"]), marks([1], ["a"]))


def test_a_tie_counts_against() -> None:
    """Who answers the same for everybody finds nobody first: the right one comes last of five."""
    found = rank(cosines(np.ones((1, 3)), np.ones((5, 3))), marks([1]), marks([1, 2, 3, 4, 5]))
    assert found.map == pytest.approx(1 / 5)
    assert found.cmc[1] == 0


def test_cosines_are_those_of_directions() -> None:
    found = cosines(np.array([[3.0, 4.0], [0.0, 0.0]]), np.array([[6.0, 8.0], [-4.0, 3.0]]))
    assert found.tolist() == [[1.0, 0.0], [0.0, 0.0]]


def test_the_order_of_the_gallery_does_not_matter() -> None:
    draws = np.random.default_rng(0)
    scores, names = draws.normal(size=(6, 20)).round(1), draws.integers(0, 6, 20)
    order = draws.permutation(20)
    one = rank(scores, marks(list(range(6))), marks(names.tolist()))
    assert rank(scores[:, order], marks(list(range(6))), marks(names[order].tolist())) == one


def test_it_agrees_with_scikit_learn_where_there_are_no_ties() -> None:
    from sklearn.metrics import average_precision_score

    draws = np.random.default_rng(1)
    scores, names = draws.normal(size=(5, 30)), draws.integers(0, 5, 30)
    wanted = [average_precision_score(names == i, scores[i]) for i in range(5)]
    assert rank(scores, marks(list(range(5))), marks(names.tolist())).map == pytest.approx(float(np.mean(wanted)))


def test_a_protocol_may_leave_out_all_that_stood_where_the_query_did() -> None:
    scores, gallery = np.array([[1.0, 0.9, 0.8]]), marks([1, 2, 1], ["a", "a", "b"])
    assert rank(scores, marks([1], ["a"]), gallery, Rules(apart=True)).map == 1


def test_a_protocol_may_count_each_identity_once_in_matching() -> None:
    """Behind six pictures of two others the right one is the third identity, though the seventh picture."""
    scores, gallery = -np.arange(7.0)[None], marks([2, 2, 3, 3, 2, 3, 1])
    found = rank(scores, marks([1]), gallery, Rules(once=True))
    assert (found.cmc[5], found.map) == (1.0, pytest.approx(1 / 7))
    assert rank(scores, marks([1]), gallery).cmc[5] == 0
