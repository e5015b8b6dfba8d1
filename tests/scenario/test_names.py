"""The names of methods, known without the methods."""

import pytest

from mlecs_ray.errors import InputError
from mlecs_ray.scenario.compose import KINDS
from mlecs_ray.scenario.names import METHODS, WRAPS, check_methods


def test_every_method_that_ships_has_its_name_here() -> None:
    assert ("fedavg", *KINDS) == METHODS
    assert {*WRAPS, *(inner for able in WRAPS.values() for inner in able)} <= set(METHODS)


def test_a_file_of_ones_own_is_not_judged() -> None:
    check_methods("own.py:Mine", "other.py:Mine")


@pytest.mark.parametrize(
    ("outer", "inner", "words"),
    [
        ("fedbuf", "fedavg", "method.name='fedbuf' is no method, so nothing was started; did you mean fedbuff"),
        ("mma", "zzz", "method.base.name='zzz' is no method, so nothing was started; known are fedavg, fedprox"),
        ("own.py", "fedavg", "method.name='own.py' is no method, .*; say which class in it is meant: own.py:Name"),
        (
            "mlecs",
            "own.py:Mine",
            "method.name=mlecs cannot wrap method.base.name=own.py:Mine, .*: make method.name=own",
        ),
        ("eclm", "own.py:Mine", "method.name=eclm cannot wrap method.base.name=own.py:Mine"),
        ("eclm", "fedprx", "method.base.name='fedprx' is no method, .*; did you mean fedprox"),
        ("fedbuff", "mma", "method.name=fedbuff cannot wrap method.base.name=mma"),
    ],
)
def test_what_is_no_method_or_does_not_fit_is_refused(outer: str, inner: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        check_methods(outer, inner)
