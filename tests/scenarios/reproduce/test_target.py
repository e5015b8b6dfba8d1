"""A verdict says what it rests on."""

from scenarios.reproduce.target import Target, target_table


def test_a_verdict_on_fewer_seeds_says_so() -> None:
    assert Target("a gain", "+9 %", True, whole=False).row[2] == "yes, so far"
    assert Target("a gain", "+1 %", False, whole=False).row[2] == "no, so far"
    assert Target("a gain", "not run", None, whole=False).row[2] == "not run"


def test_a_gain_that_may_be_chance_says_so() -> None:
    assert Target("a gain", "+9 %", True, sure=False).row[2] == "yes, not significant"
    assert Target("a gain", "+1 %", False, sure=False).row[2] == "no"


def test_claims_stand_beside_what_was_measured() -> None:
    assert target_table([Target("a gain", "+1 %", False)]).splitlines()[2] == "| a gain | +1 % | no |"
