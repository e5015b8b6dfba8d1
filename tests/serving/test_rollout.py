"""A new version answers a share first; then it stays or goes."""

import random

import pytest

from mlecs_ray.errors import InputError
from mlecs_ray.serving.rollout import Rollout, Rules


def _rollout(**rules: float) -> Rollout:
    rollout = Rollout("1-a", Rules(**{"share": 0.25, "answers": 4, **rules}))  # type: ignore[arg-type]
    rollout.begin("2-b")
    return rollout


def test_a_share_of_requests_gets_the_new_version() -> None:
    rollout = _rollout()
    rollout.draw = random.Random(1).random
    chosen = [rollout.choose() for _ in range(2000)]
    assert 0.2 < chosen.count("2-b") / 2000 < 0.3
    assert set(chosen) == {"1-a", "2-b"}


def test_without_a_trial_all_get_the_stable_one() -> None:
    assert {Rollout("1-a").choose() for _ in range(50)} == {"1-a"}


def test_as_good_as_the_old_one_it_is_promoted_and_can_be_taken_back() -> None:
    rollout = _rollout()
    rollout.record("1-a", True, 1.0, 0.5)
    steps = [rollout.record("2-b", True, 1.0, 0.5) for _ in range(4)]
    assert steps == [None, None, None, "promote"]
    assert (rollout.stable, rollout.canary, rollout.previous) == ("2-b", None, "1-a")
    rollout.roll_back()
    assert rollout.stable == "1-a"


@pytest.mark.parametrize(
    ("new", "why"),
    [
        ((False, 1.0, None), "3 of 3 answers failed"),
        ((True, 1.0, 0.3), "confidence 0.300, the old one 0.500"),
        ((True, 9.0, 0.5), "9.000 s an answer"),
    ],
)
def test_worse_than_the_old_one_it_goes(new: tuple[bool, float, float | None], why: str) -> None:
    rollout = _rollout()
    for _ in range(4):
        rollout.record("1-a", True, 1.0, 0.5)
    steps = [rollout.record("2-b", *new) for _ in range(4)]
    assert "roll back" in steps
    assert (rollout.stable, rollout.canary) == ("1-a", None)
    assert why in rollout.history[-1]


def test_a_few_more_failures_than_allowed_are_enough_when_it_is_judged() -> None:
    rollout = _rollout(answers=10)
    for _ in range(10):
        rollout.record("1-a", True, 1.0)
    for i in range(10):
        rollout.record("2-b", i != 0, 1.0)
    assert "fails 10.0%, the old one 0.0%" in rollout.history[-1]


def test_a_newer_version_takes_the_place_of_the_one_on_trial() -> None:
    rollout = _rollout()
    rollout.begin("3-c")
    assert rollout.canary == "3-c"
    assert rollout.record("2-b", True, 1.0) is None
    with pytest.raises(InputError, match="1-a answers already"):
        rollout.begin("1-a")


def test_what_cannot_be_done_is_said() -> None:
    with pytest.raises(InputError, match="none to promote"):
        Rollout("1-a").promote()
    with pytest.raises(InputError, match="nothing to go back to"):
        Rollout("1-a").roll_back()
    for share in (0, 1):
        with pytest.raises(InputError, match=f"share={share}"):
            Rules(share=share)


def test_a_version_that_is_never_sure_of_anything_goes() -> None:
    rollout = _rollout()
    for _ in range(4):
        rollout.record("1-a", True, 1.0, 0.5)
    for _ in range(4):
        rollout.record("2-b", True, 1.0, None)
    assert rollout.stable == "1-a"
    assert "never sure" in rollout.history[-1]


def test_answers_that_could_have_no_confidence_do_not_speak_against_a_version() -> None:
    """Of words alone nobody knows how sure a version is."""
    rollout = _rollout()
    for _ in range(4):
        rollout.record("1-a", True, 1.0, 0.5)
    steps = [rollout.record("2-b", True, 1.0, None, judgeable=False) for _ in range(4)]
    assert steps[-1] == "promote"


def _timed(seconds: float = 60.0) -> tuple[Rollout, list[float]]:
    """A trial, and the time as a list of one, which a test moves."""
    now = [0.0]
    rollout = Rollout("1-a", Rules(0.25, 4, seconds=seconds), clock=lambda: now[0])
    rollout.begin("2-b")
    return rollout, now


def test_on_a_quiet_server_a_trial_ends_all_the_same() -> None:
    """Else no newer version could follow."""
    rollout, now = _timed()
    rollout.record("2-b", True, 9.0, 0.1)
    now[0] = 60.0
    assert rollout.settle() is None
    now[0] = 61.0
    assert rollout.settle() == "promote"
    assert "no failure in 1 answers speaks against it" in rollout.history[-1]
    rollout.begin("3-c")
    now[0] = 122.0
    assert (rollout.settle(), rollout.stable) == ("promote", "3-c")


def test_a_failure_on_a_quiet_server_is_enough() -> None:
    rollout, now = _timed()
    rollout.record("1-a", True, 1.0)
    assert rollout.record("2-b", False, 1.0) is None
    now[0] = 61.0
    assert (rollout.settle(), rollout.stable) == ("roll back", "1-a")


def test_without_a_trial_there_is_nothing_to_settle() -> None:
    assert Rollout("1-a").settle() is None


@pytest.mark.parametrize("seconds", [0.0, -1.0])
def test_a_trial_must_last_for_some_time(seconds: float) -> None:
    with pytest.raises(InputError, match="some seconds"):
        Rules(seconds=seconds)
