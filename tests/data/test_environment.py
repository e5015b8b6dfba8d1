"""Where clients are, step by step: whatever was asked before."""

import numpy as np
import pytest

from mlecs_ray.data.environment import Environment, Rules, Surroundings
from mlecs_ray.errors import InputError

TEN = {None: tuple(range(10))}
STYLES = {"google": (0, 1, 2, 3), "openmoji": (2, 3, 8), "twitter": (0, 1, 2, 3, 8)}


def around(
    offered: dict[str | None, tuple[int, ...]] = TEN, clients: int = 200, seed: int = 1, **rules: object
) -> Surroundings:
    return Surroundings(Rules(**rules), offered, clients, seed)


def test_an_environment_depends_on_client_and_step_alone() -> None:
    rules = {"classes": 2, "domains": "all", "corruptions": ("none", "blur")}
    first, second = around(STYLES, **rules), around(STYLES, clients=9, **rules)
    asked = [(client, step) for client in range(9) for step in range(6)]
    ahead = {one: first.of(*one) for one in asked}
    assert {one: second.of(*one) for one in reversed(asked)} == ahead
    assert len(set(ahead.values())) > 20
    other = around(STYLES, seed=2, **rules)
    assert {one: other.of(*one) for one in asked} != ahead


def test_without_rules_there_is_one_environment() -> None:
    assert around().of(3, 4) == Environment(None, None, None)


def test_each_client_and_step_has_its_own_classes() -> None:
    """45 pairs of ten classes."""
    met = {around(classes=2).of(client, step).classes for client in range(200) for step in range(3)}
    assert len(met) == 45
    assert all(len(set(classes)) == 2 and classes == tuple(sorted(classes)) for classes in met)


@pytest.mark.parametrize(("contexts", "classes"), [(1, 3), (3, 3), (5, 2), (7, 4)])
def test_no_more_sets_of_classes_than_contexts(contexts: int, classes: int) -> None:
    made = around(classes=classes, contexts=contexts)
    met = {made.of(client, step).classes for client in range(200) for step in range(3)}
    assert met == set(made.contexts)
    assert len(met) == contexts
    if contexts * classes <= 10:
        assert len({label for one in met for label in one}) == contexts * classes


def test_a_domain_is_drawn_from_those_that_are_allowed() -> None:
    made = around(STYLES, classes=2, domains=("google", "twitter"))
    assert {made.of(client, 0).domain for client in range(50)} == {"google", "twitter"}
    assert {around(STYLES, domains="all").of(client, 0).domain for client in range(50)} == set(STYLES)


def test_domains_in_order_are_met_by_all_at_the_same_step_and_the_last_stays() -> None:
    made = around(STYLES, domains=("google", "twitter", "openmoji"), ordered=True)
    met = [{made.of(client, step).domain for client in range(20)} for step in range(5)]
    assert met == [{"google"}, {"twitter"}, {"openmoji"}, {"openmoji"}, {"openmoji"}]
    slow = around(STYLES, domains=("google", "twitter"), ordered=True, stay=2)
    assert [slow.of(0, step).domain for step in range(6)] == ["google", "google", *["twitter"] * 4]


def test_a_class_that_its_domain_lacks_is_left_out() -> None:
    made = around(STYLES, classes=3, domains="all")
    for client in range(100):
        here = made.of(client, 0)
        assert here.classes
        assert set(here.classes) <= set(STYLES[here.domain])


def test_where_the_domain_has_no_class_of_those_drawn_others_are_drawn_of_its_own() -> None:
    """With one class in an environment, 0, 1 or nothing of it is in openmoji: then 2, 3 or 8 is taken instead."""
    made = around(STYLES, classes=1, domains=("openmoji", "google"), contexts=4)
    met = [made.of(client, 0) for client in range(400)]
    assert {here.classes for here in met if here.domain == "openmoji"} <= {(2,), (3,), (8,)}
    assert {here.classes for here in met if here.domain == "google"} <= {(0,), (1,), (2,), (3,)}
    assert len({(here.domain, here.classes) for here in met}) <= 8


def test_each_environment_has_one_of_the_corruptions() -> None:
    made = around(corruptions=("none", "blur", "noise", "blur"))
    met = [made.of(client, 0).corruption for client in range(200)]
    assert set(met) == {None, "blur", "noise"}
    assert met.count("blur") > met.count("noise")


def test_sizes_are_drawn_between_the_least_and_the_most() -> None:
    sizes = around(clients=2000, least=5, most=8).sizes
    assert np.bincount(sizes).tolist()[:5] == [0] * 5
    assert min(np.bincount(sizes)[5:]) > 400
    assert around(clients=3, least=5, most=8).sizes.tolist() == sizes[:3].tolist()


def test_a_slot_tells_the_last_step_at_which_it_was_renewed() -> None:
    """By its words: the largest step up to this one at which ``renewed`` has the slot."""
    made = around(least=60, most=60)
    for step in (0, 1, 5, 12):
        by_hand = [max(s for s in range(step + 1) if made.renewed(4, s)[slot]) for slot in range(60)]
        assert made.filled(4, step).tolist() == by_hand


@pytest.mark.parametrize("share", [0.0, 0.3, 0.5, 1.0])
def test_a_shift_renews_a_share_of_the_slots(share: float) -> None:
    """20,000 slots: a share of one half is met to 0.004 (one standard deviation)."""
    made = around(share=share, least=100, most=100)
    new = np.mean([(made.filled(client, 3) == 3).mean() for client in range(200)])
    assert new == pytest.approx(share, abs=0.015)
    for client in range(20):
        before, after = made.filled(client, 2), made.filled(client, 3)
        assert (after[after != 3] == before[after != 3]).all()


@pytest.mark.parametrize(
    ("offered", "rules", "words"),
    [
        (TEN, {"classes": 11}, "classes=11 must be at most 10, for so many classes are in both train and test"),
        (
            STYLES,
            {"domains": ("apple",)},
            "domains names 'apple', of which train and test have no sample .* google, openm",
        ),
        (TEN, {"classes": 9, "contexts": 11}, "contexts=11 must be at most 10, for so many sets of 9 of 10 classes"),
        ({}, {"domains": "all"}, "domains names 'all', .* there are none"),
        (STYLES, {"domains": ("openmoji",), "classes": 4}, "classes=4 must be at most 3"),
    ],
)
def test_what_the_data_does_not_have_is_refused(
    offered: dict[str | None, tuple[int, ...]], rules: dict[str, object], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        around(offered, **rules)
