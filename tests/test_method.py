"""What a method may say beyond what it must."""

from dataclasses import dataclass, field

import torch

from mlecs_ray.method import Client, outline, shown
from mlecs_ray.tree import Tree
from tests.server.fakes import BUDGET, Counting

ONE = Client(1, frozenset("x"), BUDGET, "test", 4)


@dataclass(frozen=True)
class Talkative(Counting):
    """Learns for long before it starts, and shows another model than it sends."""

    began: list[int] = field(default_factory=list)

    def init(self, seed: int) -> Tree:
        self.began.append(seed)
        return super().init(seed)

    def outline(self) -> Tree:
        return {"w": torch.empty(2)}

    def shown(self, state: Tree, client: Client) -> Tree:
        return {"w": state["w"] + client.id}


def test_predictors_are_given_what_is_assigned_or_what_is_shown() -> None:
    state = {"w": torch.zeros(2)}
    assert shown(Counting(), state, ONE) is state
    assert shown(Talkative(), state, ONE)["w"].tolist() == [1.0, 1.0]


def test_an_outline_stands_for_a_state_that_takes_long() -> None:
    method = Talkative()
    assert outline(method, 3)["w"].shape == (2,)
    assert method.began == []
    assert outline(Counting(), 3)["w"].tolist() == [0.0, 0.0]
