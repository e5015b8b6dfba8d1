"""What edge devices run: the same answers as float32 ONNX, nearly the same in int8, for any number and length."""

from pathlib import Path

import numpy as np
import pytest
import torch

from mlecs_ray.models.reid.export import Files, export
from mlecs_ray.models.reid.student import Student
from mlecs_ray.samples import Samples

# The exporter takes 20 s for a model of any size.
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def files(student: Student, people: Samples, tmp_path_factory: pytest.TempPathFactory) -> Files:
    return export(student, student.init(0), tmp_path_factory.mktemp("edge"), people.inputs)


def test_float32_answers_are_the_students(student: Student, people: Samples, files: Files) -> None:
    params = student.init(0)
    for modality, inputs in people.inputs.items():
        mine = student.embed(params, modality, student.lower(modality, inputs)).numpy()
        there = people.present[modality].numpy()
        # The frozen part's numbers are halved in training.
        assert files.answer(modality, inputs)[there] == pytest.approx(mine[there], abs=5e-3)


def test_int8_answers_point_nearly_the_same_way_and_take_a_quarter(people: Samples, files: Files) -> None:
    for modality, inputs in people.inputs.items():
        there = people.present[modality].numpy()
        whole, small = files.answer(modality, inputs)[there], files.answer(modality, inputs, small=True)[there]
        assert float((whole * small).sum(1).mean()) > 0.9, modality
    assert files.at("pictures", small=True).stat().st_size < 0.4 * files.at("pictures").stat().st_size


def test_one_alone_is_answered_as_among_others(people: Samples, files: Files) -> None:
    rgb = people.inputs["rgb"]
    assert files.answer("rgb", rgb[2:3])[0] == pytest.approx(files.answer("rgb", rgb)[2], abs=1e-4)
    words = torch.tensor([[1, 3, 2, 0, 0, 0, 0, 0, 0]])
    assert files.answer("text", words)[0] == pytest.approx(files.answer("text", words[:, :3])[0], abs=1e-4)
    assert np.linalg.norm(files.answer("text", words)) == pytest.approx(1, abs=1e-4)


def test_a_camera_has_no_file_for_sentences(student: Student, people: Samples, tmp_path: Path) -> None:
    camera = student.part(student.init(0), frozenset({"text"}))
    found = export(student, camera, tmp_path, {"text": people.inputs["text"]})
    assert found.at("text").is_file()
    assert not found.at("pictures").exists()
