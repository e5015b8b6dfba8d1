"""What work really allocates."""

import torch

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


def test_every_turn_finds_the_same() -> None:
    x = torch.ones(64, 64, requires_grad=True)
    found = {peak(lambda: torch.autograd.grad((x @ x).relu().sum(), x)) for _ in range(3)}
    assert len(found) == 1
