"""Tasks with the shapes of the data."""

from pathlib import Path

import pytest
import torch

from mlecs_ray.data.pool import Dataset
from mlecs_ray.errors import InputError
from mlecs_ray.models.classifier import ClassifierTask, Network
from mlecs_ray.models.mlp import FusionTask, MLPTask
from mlecs_ray.scenario.deal import deal
from mlecs_ray.scenario.learn import make_task
from mlecs_ray.scenario.overrides import apply
from mlecs_ray.task import Task
from mlecs_ray.tree import tree_digest
from scenarios.smoke import SCENARIO as SMOKE
from tests.scenario.own import write_folder


def digits() -> Dataset:
    return deal(SMOKE)[0]


SHAPE = digits().shape


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


@pytest.mark.parametrize("kind", ["mlp", "vgg", "resnet", "transformer"])
def test_a_network_has_the_form_and_the_classes_of_the_data(kind: str) -> None:
    """Digits: 64 values, which networks of pictures see as 8 x 8."""
    task = make_task(apply(SMOKE, {"task.kind": "network", "task.network": kind, "task.hidden": [8, 8]}), SHAPE)
    assert isinstance(task, ClassifierTask)
    assert task.network == Network((64,), 10, kind, (8, 8))
    assert task.modalities == (("image", 64),)
    assert task.logits(task.init(0), digits().test.take(range(3))).shape == (3, 10)


def test_a_network_reads_several_modalities_one_after_another_and_zeros_where_one_is_absent(tmp_path: Path) -> None:
    """4 + 3 values; of the training samples every third, cid's, has no sound."""
    data = {"name": "parquet", "path": str(write_folder(tmp_path)), "partition": "given"}
    scenario = apply(SMOKE, {"task.kind": "network", "data": data, "clients.count": 3})
    dataset = deal(scenario)[0]
    task = make_task(scenario, dataset.shape)
    assert isinstance(task, ClassifierTask)
    assert (task.network.form, task.modalities) == ((7,), (("image", 4), ("sound", 3)))
    inputs = task.inputs(dataset.train)
    assert torch.equal(inputs[:, :4], dataset.train.inputs["image"])
    assert (inputs[:, 4:] == 0).all(1).tolist() == [not there for there in dataset.train.present["sound"]]


def test_a_network_that_does_not_ship_is_refused() -> None:
    with pytest.raises(InputError, match=r"task.network='rsnet' must be one of mlp, vgg, resnet, transformer"):
        make_task(apply(SMOKE, {"task.kind": "network", "task.network": "rsnet"}), SHAPE)


def test_a_file_of_ones_own_without_its_function_is_told_what_to_write() -> None:
    with pytest.raises(InputError, match=r"names no function of that file.*write task.network=own.py:make, where make"):
        make_task(apply(SMOKE, {"task.kind": "network", "task.network": "own.py"}), SHAPE)


def own(folder: Path, body: str) -> Task:
    """The task whose network is what this body of ``make(form, classes)`` returns."""
    (folder / "own.py").write_text(f"from torch import nn\ndef make(form, classes):\n    {body}\n")
    return make_task(apply(SMOKE, {"task.kind": "network", "task.network": f"{folder}/own.py:make"}), SHAPE)


def test_a_network_of_ones_own_is_made_by_its_function(tmp_path: Path) -> None:
    task = own(tmp_path, "return nn.Sequential(nn.Linear(*form, 5), nn.Tanh(), nn.Linear(5, classes))")
    assert isinstance(task, ClassifierTask)
    assert {part: tuple(tree["weight"].shape) for part, tree in task.init(0).items()} == {"0": (5, 64), "2": (10, 5)}
    assert tree_digest(task.init(0)) == tree_digest(task.init(0)) != tree_digest(task.init(1))


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("1 / 0", r"with form=\(64,\) and classes=10 fails, so there is no model: ZeroDivisionError"),
        ("return nn.Linear(64, classes)", r"must give a torch.nn.Sequential of its parts, not Linear"),
        ("return nn.Sequential(nn.Linear(63, classes))", r"fails, .*63"),
        ("return nn.Sequential(nn.Linear(64, 3))", r"must answer two samples with \(2, 10\) numbers, not \(2, 3\)"),
        (
            "return nn.Sequential(nn.Sequential(nn.Linear(64, 8), nn.Dropout(0.5)), nn.Linear(8, classes))",
            r"has part 0\.1, a Dropout, which does one thing in training and another",
        ),
        (
            "return nn.Sequential(nn.Linear(64, 8), nn.BatchNorm1d(8), nn.Linear(8, classes))",
            r"has part 1, a BatchNorm1d, .* use GroupNorm in place of BatchNorm",
        ),
        (
            "one = nn.Linear(64, 64); return nn.Sequential(one, nn.Sequential(one, nn.ReLU()), nn.Linear(64, classes))",
            r"parts 0 and 1 of the network share weights",
        ),
        ("return nn.Sequential(nn.LSTM(64, classes))", r"must answer two samples with \(2, 10\) numbers, not tuple"),
    ],
)
def test_a_network_of_ones_own_that_classifies_nothing_is_refused(tmp_path: Path, body: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        own(tmp_path, body)


@pytest.mark.parametrize(
    ("network", "words"), [("no.py:make", "no.py is no file"), ("own.py:nothing", "defines no 'nothing'")]
)
def test_a_network_of_ones_own_that_is_not_there_is_refused(tmp_path: Path, network: str, words: str) -> None:
    (tmp_path / "own.py").write_text("")
    with pytest.raises(InputError, match=words):
        make_task(apply(SMOKE, {"task.kind": "network", "task.network": f"{tmp_path}/{network}"}), SHAPE)
