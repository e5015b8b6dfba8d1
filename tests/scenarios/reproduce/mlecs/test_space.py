"""Whether clients and cloud find each other's representations."""

import pytest
import torch

from mlecs_ray.methods.mlecs.system import MLECS
from scenarios.reproduce.mlecs import space
from scenarios.reproduce.mlecs.space import MEASURES, found, shared_space
from tests.methods.fleet import BASE, CLOUD, SMALL, Round, samples, system, task


def unit(rows: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.normalize(rows, dim=-1)


def test_what_lies_in_the_same_place_is_found_and_what_is_mixed_up_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(space, "NEAREST", 1)
    mine = torch.eye(4)
    assert found(mine, mine) == 1.0
    assert found(mine, mine.roll(1, 0)) == 0.0
    assert found(mine, mine[[0, 1, 3, 2]]) == 0.5


def test_what_one_does_not_sense_is_not_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(space, "NEAREST", 1)
    mine = torch.eye(4)
    other = mine[[0, 1, 3, 2]].clone()
    other[2:] = 0.0
    assert found(mine, other) == 1.0
    assert found(mine, torch.zeros(4, 4)) == 0.0


def test_chance_is_the_share_of_the_nearest() -> None:
    draw = torch.Generator().manual_seed(0)
    mine, other = (unit(torch.randn(2000, 8, generator=draw)) for _ in range(2))
    assert found(mine, other) == pytest.approx(space.NEAREST / 2000, abs=0.004)


class World:
    """Two clients."""

    def client(self, number: int, now: float):
        return {BASE.id: BASE, SMALL.id: SMALL}[number]


class Made:
    """What is read of a built scenario."""

    def __init__(self, method) -> None:
        self.method, self.world, self.scenario, self.dataset = method, World(), None, None


def test_every_client_is_measured_against_the_others_the_cloud_and_the_words(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(space, "judged", lambda *_: samples(12, seed=5))
    method = system(task(tmp_path), MLECS().parts())
    now = Round.of(method)
    for client in (BASE, SMALL):
        now.merge(client, now.train(client))
    now.merge(CLOUD, now.train(CLOUD))
    measured = shared_space(Made(method), now.state, now.kept)
    assert set(measured) == {str(BASE.id), str(SMALL.id)}
    for values in measured.values():
        assert set(values) == set(MEASURES)
        assert -1 <= values["said"] <= 1
        assert all(0 <= values[one] <= 1 for one in ("between", "to_cloud"))
    before = shared_space(Made(method), method.init(0), {key: {} for key in now.kept})
    assert before != measured
    alone = shared_space(Made(method), now.state, {BASE.id: now.kept[BASE.id]})
    assert "between" not in alone[str(BASE.id)]


def test_methods_that_fuse_nothing_have_no_space() -> None:
    assert shared_space(Made(object()), {}, {0: {}}) == {}
