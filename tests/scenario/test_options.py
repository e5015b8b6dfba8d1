"""Options of a method are refused before anything starts: by name, by type, by their own rule."""

import math
from typing import Any

import pytest

from mlecs_ray.errors import InputError
from mlecs_ray.scenario.compose import KINDS
from mlecs_ray.scenario.names import SYSTEMS
from mlecs_ray.scenario.options import check_options, ready


class Own:
    """A user's; what its annotations say is not ours to know."""

    def __init__(self, base: object, rate: "float" = 1.0, steps: int = 1, **more: Any) -> None: ...


def checked(name: str, **options: Any) -> None:
    check_options(KINDS[name], name, "method", ("base",), options)


@pytest.mark.parametrize(
    ("name", "option", "value", "rule"),
    [
        ("mlecs", "ccl", "1", "a finite number"),
        ("mlecs", "own", None, "a finite number"),
        ("mlecs", "seccl", math.inf, "a finite number"),
        ("mlecs", "orientation", math.nan, "a finite number"),
        ("mlecs", "pull", True, "a finite number"),
        ("mlecs", "words", "no", "true or false"),
        ("mlecs", "words", 0, "true or false"),
        ("multifedavg", "rate", "x", "a finite number"),
        ("coplms", "mutual", [1.0], "a finite number"),
        ("creamfl", "distillation", math.nan, "a finite number"),
        ("fedat", "tiers", 2.0, "a whole number"),
        ("eclm", "blocks", "all", "a whole number or null"),
        ("eclm", "blocks", 1.5, "a whole number or null"),
    ],
)
def test_what_is_no_such_value_is_refused(name: str, option: str, value: object, rule: str) -> None:
    with pytest.raises(InputError) as caught:
        checked(name, **{option: value})
    assert str(caught.value) == f"method.options.{option}={value!r} must be {rule}, or {name} cannot be made"


def test_a_whole_number_is_a_number() -> None:
    checked("mlecs", ccl=1, words=False)
    checked("fedat", tiers=2)
    checked("eclm", blocks=1)
    checked("eclm", blocks=None)


def test_a_class_of_ones_own_is_held_to_what_it_declares_plainly() -> None:
    check_options(Own, "Own", "method", ("base",), {"rate": "x"})
    with pytest.raises(InputError, match=r"steps='x' must be a whole number"):
        check_options(Own, "Own", "method", ("base",), {"steps": "x"})


@pytest.mark.parametrize(
    ("name", "options", "rule"),
    [
        ("mlecs", {"orientation": -1.0}, "orientation=-1.0 must be 0 or above"),
        ("mlecs", {"own": -1.0}, "weight=-1.0 of CCL must be above 0"),
        ("fedilora", {"similar": 5.0}, r"similar=5.0 must lie in \[-1, 1\]"),
        ("creamfl", {"regularisation": -1.0}, "regularisation=-1.0 must be 0 or above"),
        ("creamfl", {"distillation": -1.0}, "distillation=-1.0 must be 0 or above"),
    ],
)
def test_what_makes_no_sense_is_refused_by_its_rule(name: str, options: dict[str, Any], rule: str) -> None:
    checked(name, **options)
    with pytest.raises(InputError, match=rule):
        KINDS[name](**options).parts()


def test_all_options_of_the_systems_have_usual_values() -> None:
    for name in SYSTEMS:
        checked(name)


def test_one_word_is_a_list_of_it_where_texts_are_listed() -> None:
    checked("eclm", without="local")
    assert ready(KINDS["eclm"], {"without": "local", "modules": 8}) == {"without": ("local",), "modules": 8}
    assert ready(KINDS["mlecs"], {"without": ["ccl", "mma"]}) == {"without": ("ccl", "mma")}
    assert ready(Own, {"rate": "x", "other": "y"}) == {"rate": "x", "other": "y"}


@pytest.mark.parametrize(("name", "option", "value"), [("eclm", "without", 3), ("fedopt", "betas", "0.9")])
def test_what_is_no_list_is_refused_where_a_list_is_declared(name: str, option: str, value: object) -> None:
    with pytest.raises(
        InputError,
        match=rf"method.options.{option}={value!r} must be a list, as JSON writes it: .*, or {name} cannot be made",
    ):
        checked(name, **{option: value})
