"""The edge's dual encoder: shapes, what of it learns, sentences of any length, and what a modality needs."""

from dataclasses import replace

import pytest
import torch

from mlecs_ray.errors import InputError
from mlecs_ray.models.reid.student import Student
from mlecs_ray.samples import Samples
from mlecs_ray.tree import leaves
from tests.models.reid.conftest import WIDTH


def test_every_modality_becomes_a_direction_in_the_teachers_space(student: Student, lowered: Samples) -> None:
    params = student.init(0)
    for modality, lower in lowered.inputs.items():
        found = student.embed(params, modality, lower)
        assert found.shape == (12, WIDTH)
        assert found.norm(dim=1) == pytest.approx(torch.ones(12), abs=1e-5)


def test_the_frozen_part_halves_the_numbers_and_is_the_same_for_one_alone(student: Student, people: Samples) -> None:
    whole = student.lower("rgb", people.inputs["rgb"])
    assert whole.dtype == torch.float16
    assert whole.shape == (12, 96, 2, 2)
    assert torch.allclose(student.lower("rgb", people.inputs["rgb"][3:4]), whole[3:4], atol=1e-2)


def test_what_stands_behind_a_sentence_does_not_matter(student: Student) -> None:
    params = student.init(0)
    short, long = torch.tensor([[1, 5, 2]]), torch.tensor([[1, 5, 2, 0, 0], [1, 7, 8, 9, 2]])
    alone = student.embed(params, "text", student.lower("text", short))
    beside = student.embed(params, "text", student.lower("text", long))
    assert torch.allclose(alone[0], beside[0], atol=2e-3)


def test_a_sentence_without_words_is_finite(student: Student) -> None:
    lower = student.lower("text", torch.zeros(2, 3, dtype=torch.int64))
    assert not lower.any()
    assert student.embed(student.init(0), "text", lower).isfinite().all()


def test_a_device_holds_what_its_modalities_run(student: Student) -> None:
    params = student.init(0)
    assert set(student.part(params, frozenset({"text"}))) == {"heads", "words"}
    camera = student.part(params, frozenset({"rgb", "ir"}))
    assert set(camera) == {"heads", "eye"}
    assert set(camera["heads"]) == {"rgb", "ir"}


def test_only_the_upper_layers_learn(student: Student) -> None:
    words = student.init(0)["words"]
    assert set(words) == {"0"}
    assert set(replace(student, trained=2).init(0)["words"]) == {"0", "1"}
    lower = student.lower("text", torch.tensor([[1, 5, 2]]))
    all_of_it = replace(student, trained=2)
    # Whatever is frozen, the sentence comes out the same.
    assert torch.allclose(
        student.embed(student.init(0), "text", lower),
        all_of_it.embed(all_of_it.init(0), "text", all_of_it.lower("text", torch.tensor([[1, 5, 2]]))),
        atol=2e-3,
    )


def test_heads_are_drawn_from_the_seed_and_each_its_own(student: Student) -> None:
    heads = student.init(3)["heads"]
    assert torch.equal(heads["rgb"]["weight"], student.init(3)["heads"]["rgb"]["weight"])
    assert not torch.equal(heads["rgb"]["weight"], heads["ir"]["weight"])
    assert not torch.equal(heads["rgb"]["weight"], student.init(4)["heads"]["rgb"]["weight"])


def test_gradients_reach_all_that_learns(student: Student, lowered: Samples) -> None:
    params = {path: leaf.clone().requires_grad_() for path, leaf in leaves(student.init(0))}
    from mlecs_ray.tree import from_leaves

    tree = from_leaves(params.items())
    sum(student.embed(tree, m, x)[:, 0].sum() for m, x in lowered.inputs.items()).backward()  # type: ignore[union-attr]
    assert all(leaf.grad is not None for leaf in params.values())


@pytest.mark.parametrize(
    ("wrong", "rule"),
    [
        ({"trained": 0}, r"trained=0 must lie in 1\.\.layers=2"),
        ({"trained": 3}, "trained=3"),
        ({"side": 16}, "side=16"),
    ],
)
def test_a_student_that_could_not_learn_is_refused(student: Student, wrong: dict[str, int], rule: str) -> None:
    with pytest.raises(InputError, match=rule):
        replace(student, **wrong)  # type: ignore[arg-type]  # of parametrize


def test_more_layers_than_there_are_are_refused(student: Student) -> None:
    with pytest.raises(InputError, match="layers=4 must be 3 or fewer"):
        replace(student, layers=4).init(0)
