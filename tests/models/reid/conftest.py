"""Small models with random weights, and people made up of blocks of colour."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch

from mlecs_ray.models.reid.student import Student
from mlecs_ray.samples import Samples
from tests.models.reid.tiny import write_encoders

WIDTH = 24
IDENTITIES = 6


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """As ``build`` has it: sums of several threads do not round the same each time."""
    usual = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(usual)


@pytest.fixture(scope="session")
def student(tmp_path_factory: pytest.TempPathFactory) -> Student:
    """MobileNetV2 and a BERT of three narrow layers, both random."""
    folder = tmp_path_factory.mktemp("student")
    write_encoders(folder / "eye.pth", folder / "words")
    return Student(str(folder / "eye.pth"), str(folder / "words"), WIDTH, "random", side=32, layers=2, trained=1)


@pytest.fixture(scope="session")
def people() -> Samples:
    """Six identities before two cameras; a sketch and a sentence with the first. Pictures of one identity are alike."""
    draws = torch.Generator().manual_seed(1)
    looks = torch.randint(0, 256, (IDENTITIES, 3, 4, 4), generator=draws, dtype=torch.uint8)
    rgb = looks.repeat_interleave(2, 0).repeat_interleave(8, 2).repeat_interleave(8, 3)
    first = torch.arange(2 * IDENTITIES) % 2 == 0
    names = torch.arange(2 * IDENTITIES) // 2
    words = torch.where(first[:, None], torch.tensor([[1, 0, 2, 0]]) + names[:, None] * torch.tensor([0, 1, 0, 0]), 0)
    return Samples(
        inputs={"rgb": rgb, "ir": rgb[:, :1], "sketch": 255 - rgb[:, 1:2], "text": words},
        present={"rgb": torch.ones(12, dtype=torch.bool), "ir": first, "sketch": first, "text": first},
        labels=names + 3,
        texts=tuple(f"person {i}" if here else "" for i, here in zip(names.tolist(), first.tolist(), strict=True)),
        ids=tuple(f"p{i}" for i in names.tolist()),
        domains=("a", "b") * IDENTITIES,
    )


@pytest.fixture(scope="session")
def lowered(student: Student, people: Samples) -> Samples:
    """The same as the student's frozen part leaves them."""
    return replace(people, inputs={m: student.lower(m, x) for m, x in people.inputs.items()})
