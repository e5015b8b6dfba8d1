"""A student alone and taught: what it learns, what the teacher adds, and that a stop changes nothing."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from mlecs_ray.models.reid.course import Course
from mlecs_ray.models.reid.distillation import Distillation, cosine
from mlecs_ray.models.reid.stages import Batches, Lesson, sightings, varied
from mlecs_ray.models.reid.student import Student
from mlecs_ray.samples import Samples
from mlecs_ray.tree import Tree, leaves, tree_digest

SEED = 5


@pytest.fixture
def lesson(student: Student, lowered: Samples) -> Lesson:
    return Lesson(student, sightings(lowered), Course(12, 3e-3, keep_every=5), Batches(4, 2))


def taught(lesson: Lesson, **rules: float) -> Lesson:
    """With a teacher that points somewhere else for every identity."""
    draws = torch.randn(6, lesson.student.width, generator=torch.Generator().manual_seed(3))
    teacher = {m: draws[torch.from_numpy(labels)] for m, labels in lesson.seen.labels.items()}
    return lesson.with_teacher(teacher, Distillation(components=4, **rules))  # type: ignore[arg-type]


def far(lesson: Lesson, params: Tree) -> float:
    """How far the student is from its teacher."""
    assert lesson.teacher is not None
    pairs = [(lesson.student.embed(params, m, x), lesson.teacher[m]) for m, x in lesson.seen.inputs.items()]
    mine, theirs = (torch.cat(side) for side in zip(*pairs, strict=True))
    return cosine(mine, theirs).item()


def test_sightings_leave_out_what_is_not_there_and_count_identities_anew(lowered: Samples) -> None:
    found = sightings(lowered)
    assert {m: len(x) for m, x in found.inputs.items()} == {"rgb": 12, "ir": 6, "sketch": 6, "text": 6}
    assert found.labels["ir"].tolist() == [0, 1, 2, 3, 4, 5]
    assert found.rows["ir"].tolist() == [0, 2, 4, 6, 8, 10]
    assert found.identities == 6


def test_alone_it_learns_from_identities(lesson: Lesson) -> None:
    params, losses = lesson.learn(lesson.student.init(0), SEED)
    assert np.mean(losses[-3:]) < np.mean(losses[:3])
    before = dict(leaves(lesson.student.init(0)))
    assert all(not torch.equal(leaf, before[path]) for path, leaf in leaves(params))


def test_taught_it_comes_nearer_to_its_teacher(lesson: Lesson) -> None:
    told = taught(lesson)
    begin = lesson.student.init(0)
    params, _ = told.learn(begin, SEED)
    assert far(told, params) < far(told, begin) - 0.05


@pytest.mark.parametrize("alone", ["cm", "pcm", "fr", "task"])
def test_each_loss_alone_moves_it(lesson: Lesson, alone: str) -> None:
    weights = {name: float(name == alone) for name in ("task", "cm", "pcm", "fr")}
    begin = lesson.student.init(0)
    params, losses = taught(lesson, **weights).learn(begin, SEED)
    assert np.isfinite(losses).all()
    assert tree_digest(params) != tree_digest(begin)


def test_the_second_stage_is_stopped_and_goes_on_to_the_same_bytes(
    lesson: Lesson, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clean run, one that is stopped at its eighth step, and what goes on from the five that were written."""
    told, begin = taught(lesson), lesson.student.init(0)
    whole, losses = told.learn(begin, SEED)
    usual, calls = Lesson._loss, [0]

    def stopping(self: Lesson, *given: object) -> Tensor:
        calls[0] += 1
        if calls[0] == 8:
            raise KeyboardInterrupt
        return usual(self, *given)  # type: ignore[arg-type]  # handed on

    with monkeypatch.context() as patch:
        patch.setattr(Lesson, "_loss", stopping)
        with pytest.raises(KeyboardInterrupt):
            told.learn(begin, SEED, tmp_path)
    resumed, again = told.learn(begin, SEED, tmp_path)
    assert again == losses
    assert tree_digest(resumed) == tree_digest(whole)


def test_another_seed_is_another_student(lesson: Lesson) -> None:
    begin = lesson.student.init(0)
    assert tree_digest(lesson.learn(begin, 1)[0]) != tree_digest(lesson.learn(begin, 2)[0])


def test_whoever_learns_leaves_others_chance_alone(lesson: Lesson) -> None:
    """Steps seed torch's generator; what a caller draws afterwards must not depend on how many there were."""
    torch.manual_seed(9)
    expected = torch.rand(3)
    torch.manual_seed(9)
    lesson.learn(lesson.student.init(0), SEED)
    assert torch.equal(torch.rand(3), expected)


def test_fewer_identities_than_a_batch_wants_are_all_in_it(lesson: Lesson) -> None:
    few = replace(lesson, batches=Batches(100, 2), course=Course(2, 1e-3))
    assert len(few.learn(lesson.student.init(0), SEED)[1]) == 2


def test_pictures_are_mirrored_and_erased_by_chance() -> None:
    torch.manual_seed(0)
    maps = torch.arange(1.0, 17).view(1, 1, 4, 4).expand(400, 2, 4, 4)
    found = varied(maps)
    zeros = (found == 0).sum((1, 2, 3))
    assert 0.2 < float((zeros > 0).float().mean()) < 0.4
    assert int(zeros.max()) <= 2 * 2 * 2
    plain = found[zeros == 0]
    mirrored = (plain == maps[: len(plain)].flip(3)).all(3).all(2).all(1)
    same = (plain == maps[: len(plain)]).all(3).all(2).all(1)
    assert bool((mirrored ^ same).all())
    assert 0.4 < float(mirrored.float().mean()) < 0.6
