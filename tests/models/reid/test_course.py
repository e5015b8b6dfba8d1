"""A course that is cut short goes on to the same end, to the bit."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from mlecs_ray.errors import InputError
from mlecs_ray.models.reid.course import Course, Group, learned, restore, take


class Learner(nn.Module):
    """Weights, a batch norm that counts, and something frozen."""

    def __init__(self) -> None:
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.layer, self.norm = nn.Linear(3, 2), nn.BatchNorm1d(2)
        self.frozen = nn.Parameter(torch.ones(2), requires_grad=False)

    def loss(self, _step: int) -> Tensor:
        # Drawn from torch's own generator, as dropout is.
        found: Tensor = (self.norm(self.layer(torch.randn(8, 3))) * self.frozen).square().mean()
        return found


def trained(course: Course, folder: Path | None = None, stop: int | None = None) -> tuple[Learner, list[float]]:
    learner = Learner()

    def loss(step: int) -> Tensor:
        if step == stop:
            raise KeyboardInterrupt
        return learner.loss(step)

    groups = [Group(list(learner.layer.parameters())), Group(list(learner.norm.parameters()), 2.0)]
    return learner, take(course, learner, groups, loss, 7, folder)


def test_what_is_stopped_goes_on_to_the_same_end(tmp_path: Path) -> None:
    course = Course(steps=11, lr=0.1, keep_every=4)
    whole, losses = trained(course)
    with pytest.raises(KeyboardInterrupt):
        trained(course, tmp_path, stop=9)
    resumed, again = trained(course, tmp_path)
    assert again == losses
    mine, theirs = learned(whole), learned(resumed)
    assert mine.keys() == theirs.keys()
    assert all(torch.equal(mine[name], theirs[name]) for name in mine)


def test_it_did_go_on_and_not_begin_anew(tmp_path: Path) -> None:
    course = Course(steps=11, lr=0.1, keep_every=4)
    with pytest.raises(KeyboardInterrupt):
        trained(course, tmp_path, stop=9)
    # Step 3 lies before what was written, and is not asked for again.
    trained(course, tmp_path, stop=3)


def test_the_rate_climbs_over_a_tenth_and_falls_to_its_floor() -> None:
    rates: list[float] = []
    weight = nn.Parameter(torch.zeros(1))
    learner = nn.ParameterList([weight])
    before = [0.0]

    def loss(_step: int) -> Tensor:
        rates.append(abs(float(weight.detach()) - before[0]))
        before[0] = float(weight.detach())
        return weight.sum()

    take(Course(steps=21, lr=0.1, floor=0.1, weight_decay=0), learner, [Group([weight])], loss, 0)
    # AdamW under a constant gradient moves by the rate itself.
    assert rates[1] == pytest.approx(0.1 * (0.1 + 0.9 * 0.5), rel=1e-3)
    assert max(rates) == pytest.approx(0.1, rel=1e-3)
    assert rates[-1] < 0.02


def test_what_is_frozen_is_not_written() -> None:
    assert "frozen" not in learned(Learner())
    assert "norm.running_mean" in learned(Learner())


def test_what_is_of_another_model_is_refused() -> None:
    other = learned(Learner())
    other["layer.weight"] = torch.zeros(5, 5)
    with pytest.raises(InputError, match=r"layer\.weight is not the same"):
        restore(Learner(), other)
    del other["layer.weight"]
    with pytest.raises(InputError, match=r"layer\.weight"):
        restore(Learner(), other)


@pytest.mark.parametrize("wrong", [{"steps": -1}, {"lr": 0.0}, {"floor": 1.5}, {"clip": 0.0}, {"keep_every": 0}])
def test_a_course_that_teaches_nothing_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(InputError, match=next(iter(wrong))):
        Course(**{"steps": 3, "lr": 0.1, **wrong})  # type: ignore[arg-type]  # whole numbers are among them
