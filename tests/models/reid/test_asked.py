"""A teacher as it is asked, and what a request holds for it."""

from typing import Any

import pytest
import torch
from torch.nn import functional as F

from mlecs_ray.errors import InputError
from mlecs_ray.models.reid.asked import LETTERS, Teacher, forms_of, rows_of
from mlecs_ray.models.reid.student import Student
from mlecs_ray.samples import Samples


class Letters:
    """Embeds a picture as its mean colour, a sentence as its first letters."""

    width = 3

    def prepared(self, modality: str, seen: Any) -> torch.Tensor:
        if modality == "text":
            return torch.tensor([[float(ord(letter)) for letter in said[:3]] for said in seen])
        return seen.float().mean((2, 3))

    def __call__(self, inputs: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        return inputs


FORMS = {"rgb": (3, 8, 4), "text": (LETTERS,)}


@pytest.mark.parametrize("said", ["a man in red", "ein Mann in Grün", "人"])
def test_a_sentence_comes_back_as_it_was(said: str) -> None:
    rows = rows_of(None, FORMS)
    row = rows.written("text", said)
    assert len(row) == rows.widths["text"] == LETTERS
    assert rows.read("text", row[None]) == [said]


def test_a_sentence_that_is_too_long_is_refused_by_the_teacher_alone() -> None:
    """Whoever else reads the row need not mind."""
    rows = rows_of(None, FORMS)
    row = rows.written("text", "x" * 401)
    assert len(row) == LETTERS
    with pytest.raises(InputError, match="401 bytes must be 400 or fewer"):
        rows.read("text", torch.stack([rows.written("text", "a"), row]))
    with pytest.raises(InputError, match="401 bytes must be 400 or fewer"):
        Teacher(Letters(), None).embed("text", ["abc", "x" * 401])


def test_many_sentences_are_read_a_few_at_a_time() -> None:
    seen: list[int] = []

    class Counting(Letters):
        def __call__(self, inputs: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
            seen.append(len(inputs["text"]))
            return inputs

    said = [chr(97 + i % 26) * 3 for i in range(70)]
    found = Teacher(Counting(), None).embed("text", said)
    assert found[:, 0].tolist() == [float(ord(one[0])) for one in said]
    assert max(seen) == 32


def test_a_picture_is_brought_to_the_form_that_the_teacher_knows() -> None:
    rows = rows_of(None, FORMS)
    same = torch.randint(0, 256, (3, 8, 4), dtype=torch.uint8)
    assert torch.equal(rows.read("rgb", rows.written("rgb", same)[None])[0], same)  # type: ignore[arg-type]  # a picture
    larger = rows.written("rgb", torch.full((3, 32, 16), 7, dtype=torch.uint8))
    assert rows.read("rgb", larger[None]).shape == (1, 3, 8, 4)  # type: ignore[union-attr]  # a picture
    assert bool((larger == 7).all())


def test_borrowed_eyes_have_seen_it_already(student: Student, people: Samples) -> None:
    lowered = Samples(inputs={"rgb": student.lower("rgb", people.inputs["rgb"]), "text": people.inputs["text"]})
    forms = forms_of(lowered, student)
    assert forms == {"rgb": (96, 2, 2), "text": (LETTERS,)}
    rows = rows_of(student, forms)
    read = rows.read("rgb", rows.written("rgb", people.inputs["rgb"][0])[None])
    assert isinstance(read, torch.Tensor)
    assert torch.allclose(read[0], lowered.inputs["rgb"][0].float(), atol=0.02)


def test_forms_are_those_of_pictures_where_it_has_eyes_of_its_own(people: Samples) -> None:
    assert forms_of(people, None) == {"ir": (1, 32, 32), "rgb": (3, 32, 32), "sketch": (1, 32, 32), "text": (LETTERS,)}


def test_who_has_several_modalities_lies_between_them() -> None:
    rows, teacher = rows_of(None, FORMS), Teacher(Letters(), None)
    picture = torch.tensor([200, 10, 30], dtype=torch.uint8)[:, None, None].expand(3, 8, 4).contiguous()
    columns = {"rgb": rows.written("rgb", picture)[None], "text": rows.written("text", "abc")[None]}
    apart = [teacher.vectors(Samples({m: x}), rows)[0] for m, x in columns.items()]
    assert torch.allclose(apart[0], F.normalize(torch.tensor([200.0, 10.0, 30.0]), dim=0), atol=1e-4)
    both = teacher.vectors(Samples(columns), rows)[0]
    assert torch.allclose(both, F.normalize(apart[0] + apart[1], dim=0), atol=1e-5)
