"""Askers who go on until they are stopped."""

import itertools
import threading

import pytest

from bench.serving.crowd import Crowd


def test_each_asks_again_as_soon_as_it_is_answered_until_the_end() -> None:
    """Both must be there for either to be answered, and five times over."""
    both, enough = threading.Barrier(2, timeout=30), threading.Event()
    rounds = itertools.count()

    def ask() -> int:
        if not enough.is_set():
            both.wait()
        count = next(rounds)
        if count >= 10:
            enough.set()
        return count

    with Crowd(ask, 2) as crowd:
        assert enough.wait(30)
    there = len(crowd.replies)
    assert there >= 10
    assert sorted(crowd.replies) == list(range(there))


def test_an_asker_whose_connection_is_lost_is_not_forgotten() -> None:
    lost = threading.Event()

    def ask() -> None:
        lost.set()
        raise ConnectionResetError("gone")

    with pytest.raises(ConnectionResetError, match="gone"), Crowd(ask, 1):
        assert lost.wait(30)
