"""A run's student as files that edge devices run."""

import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from rich.console import Console

from mlecs_ray.errors import InputError
from mlecs_ray.models.reid.sight import resized
from mlecs_ray.run.bundle import Bundle
from mlecs_ray.run.local import run_locally
from mlecs_ray.scenario.config import Scenario
from mlecs_ray.scenario.deal import deal, read
from scenarios.exporting import write
from tests.serving import found
from tests.small import small_scenario


def test_classifiers_are_not_exported(tmp_path: Path) -> None:
    run_locally(small_scenario(), tmp_path / "run")
    with pytest.raises(InputError, match=r"only students of task\.kind=reid become ONNX"):
        write(tmp_path / "run", tmp_path / "out", Console(quiet=True))


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> tuple[Scenario, Bundle]:
    return found.run(tmp_path_factory.mktemp("served"), "vision-language model")


@pytest.mark.slow
def test_files_answer_as_the_run_did_and_say_what_they_lose(served: tuple[Scenario, Bundle]) -> None:
    scenario, bundle = served
    folder = bundle.folder.parents[1]
    told = Console(record=True, width=160)
    with found.world(folder):
        write(folder / "run", folder / "edge", told)
        raw, lowered = read(scenario).test, deal(scenario)[0].test
        with pytest.raises(InputError, match="is there already"):
            write(folder / "run", folder / "edge", told)
        assert bundle.searcher is not None
        student, params = bundle.searcher.student, bundle.params(bundle.card("model"))
        row = int(raw.present["ir"].nonzero()[0])
        mine = student.embed(params, "ir", lowered.inputs["ir"][row : row + 1])[0]
    facts = json.loads((folder / "edge" / "student.json").read_text())
    # It sees two modalities and reads no sentences.
    assert facts["modalities"] == ["ir", "rgb"]
    assert facts["reads"].keys() == {"pictures"}
    assert not (folder / "edge" / "tokenizer.json").exists()
    session = onnxruntime.InferenceSession(str(folder / "edge" / "pictures.onnx"))
    assert sorted(one.name for one in session.get_outputs()) == ["ir", "rgb"]
    picture = resized(raw.inputs["ir"][row][None].float(), facts["side"]).expand(-1, 3, -1, -1)
    answer = session.run(["ir"], {"pixels": picture.contiguous().numpy()})[0][0]
    assert np.linalg.norm(answer) == pytest.approx(1, abs=1e-4)
    assert torch.allclose(torch.from_numpy(answer), mine, atol=5e-3)
    assert facts["test"].keys() == {"student", "ONNX, float32", "ONNX, int8"}
    assert facts["test"]["ONNX, float32"]["map"] == pytest.approx(facts["test"]["student"]["map"], abs=0.05)
    assert "map" in told.export_text()
