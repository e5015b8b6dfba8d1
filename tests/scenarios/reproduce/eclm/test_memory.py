"""What work really allocates."""

import os

import pytest
import torch

from mlecs_ray.errors import InputError
from scenarios.reproduce.eclm import memory
from scenarios.reproduce.eclm.memory import peak


def test_the_peak_is_what_is_there_at_once() -> None:
    """Two tensors of 4,000 bytes, one after the other, then two together."""

    def apart() -> None:
        torch.empty(1000)
        torch.empty(1000)

    def together() -> None:
        _ = torch.empty(1000), torch.empty(1000)

    assert [peak(apart), peak(together)] == [4000, 8000]


def test_what_was_there_before_is_no_part_of_it() -> None:
    there = torch.zeros(1000)
    assert peak(lambda: there.add_(1.0)) < 4000
    assert peak(lambda: None) == 0


def test_a_profiler_that_tells_of_no_memory_is_no_peak_of_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_EVENT", "[elsewhere]")
    with pytest.raises(InputError, match=r"tells of no \[elsewhere\] events"):
        peak(lambda: torch.empty(1000))


def test_the_environment_is_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str | None] = []
    for chosen in (None, "1"):
        if chosen:
            monkeypatch.setenv("KINETO_LOG_LEVEL", chosen)
        else:
            monkeypatch.delenv("KINETO_LOG_LEVEL", raising=False)
        peak(lambda: seen.append(os.environ.get("KINETO_LOG_LEVEL")))
        assert os.environ.get("KINETO_LOG_LEVEL") == chosen
    assert seen == ["99", "1"]


def test_every_turn_finds_the_same() -> None:
    x = torch.ones(64, 64, requires_grad=True)
    found = {peak(lambda: torch.autograd.grad((x @ x).relu().sum(), x)) for _ in range(3)}
    assert len(found) == 1
