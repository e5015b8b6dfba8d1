"""Tasks with the shapes of the data."""

from pathlib import Path

import pytest

from mlecs_ray.data.pool import Dataset
from mlecs_ray.errors import InputError
from mlecs_ray.models.mlp import FusionTask, MLPTask
from mlecs_ray.scenario.deal import deal
from mlecs_ray.scenario.learn import make_task
from mlecs_ray.scenario.overrides import apply
from scenarios.smoke import SCENARIO as SMOKE
from tests.scenario.own import write_folder


def digits() -> Dataset:
    return deal(SMOKE)[0]


def test_an_mlp_has_the_shape_of_the_data() -> None:
    """Digits: 8 x 8 pixels, 10 classes."""
    task = make_task(apply(SMOKE, {"task.hidden": [32, 16]}), digits().shape)
    assert isinstance(task, MLPTask)
    assert (task.sizes, task.modality) == ((64, 32, 16, 10), "image")


def test_a_perceptron_without_hidden_layers_is_a_linear_model() -> None:
    assert make_task(apply(SMOKE, {"task.hidden": []}), digits().shape).sizes == (64, 10)


def test_fusion_has_an_encoder_for_each_modality(tmp_path: Path) -> None:
    data = {"name": "parquet", "path": str(write_folder(tmp_path)), "partition": "given"}
    scenario = apply(SMOKE, {"task": "fusion", "data": data, "clients.count": 3})
    task = make_task(scenario, deal(scenario)[0].shape)
    assert isinstance(task, FusionTask)
    assert (task.dims, task.classes) == ((("image", 4), ("sound", 3)), 2)


def test_an_mlp_of_two_modalities_is_refused(tmp_path: Path) -> None:
    data = {"name": "parquet", "path": str(write_folder(tmp_path)), "partition": "given"}
    scenario = apply(SMOKE, {"data": data, "clients.count": 3})
    with pytest.raises(
        InputError, match=r"task.kind=mlp reads one modality, .* choose one by data.modalities, or task"
    ):
        make_task(scenario, deal(scenario)[0].shape)


def test_a_classifier_without_labels_is_refused(tmp_path: Path) -> None:
    data = {"name": "parquet", "path": str(write_folder(tmp_path, drop=("label",))), "partition": "given"}
    scenario = apply(SMOKE, {"task": "fusion", "data": data, "clients.count": 3})
    with pytest.raises(InputError, match=r"task.kind=fusion needs labels of two or more classes, .* has 0"):
        make_task(scenario, deal(scenario)[0].shape)


def test_a_captioner_without_texts_is_refused() -> None:
    with pytest.raises(InputError, match=r"task.kind=caption needs texts to learn, digits has none"):
        make_task(apply(SMOKE, {"task": "caption"}), digits().shape)
