"""A scenario is checked when it is made, wherever it is made."""

from typing import Any

import pytest
from pydantic import ValidationError

from mlecs_ray.data.dataset import FOLDERS, NAMES
from mlecs_ray.scenario.config import DataConfig, EvaluationConfig, Scenario, TaskConfig


@pytest.mark.parametrize(
    ("kind", "fields", "words"),
    [
        (DataConfig, {"modalities": ()}, r"data.modalities=\[\] must be one or more different names"),
        (DataConfig, {"modalities": ("a", "a")}, "one or more different names"),
        (DataConfig, {"path": "x"}, "data.path=x and data.name=digits: a path is needed by data.name=parquet"),
        (DataConfig, {"name": "parquet"}, "data.path=None and data.name=parquet"),
        (DataConfig, {"name": "stamps", "path": "x"}, "needed by data.name=parquet, vast, urfall, .*, and by nothing"),
        (TaskConfig, {"kind": "fusion", "hidden": ()}, "must have a first width"),
        (TaskConfig, {"kind": "caption", "slms": ()}, "must name one or more"),
        (
            TaskConfig,
            {"network": "own.py:make"},
            "task.network=own.py:make needs task.kind=network, here mlp, or another",
        ),
        (EvaluationConfig, {"metrics": ()}, "at least 1 item"),
        (EvaluationConfig, {"target": "loss"}, "evaluation.target='loss' must be one of"),
        (Scenario, {"name": "x", "seeds": (1, 1)}, r"seeds=\[1, 1\] must differ"),
        (Scenario, {"name": "x", "variants": {"": {}}}, "must all have a name"),
        (Scenario, {"name": "x", "variants": {"a": {"seed": 3}}}, "variants.a.seed cannot be set"),
        (Scenario, {"name": "x", "seconds": float("inf")}, "finite number"),
        (Scenario, {"name": "x", "colour": "red"}, "Extra inputs are not permitted"),
    ],
)
def test_a_value_that_could_not_run_is_none(kind: type, fields: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        kind(**fields)


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "-rf", "a b", ".hidden", "a\nb", "*"])
def test_a_name_that_is_no_folder_name_is_none(name: str) -> None:
    with pytest.raises(ValidationError, match=r"should match pattern"):
        Scenario(name=name)


def test_a_scenario_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match=r"frozen"):
        Scenario(name="x").seconds = 3.0  # type: ignore[misc]  # this is what the test is about


@pytest.mark.parametrize("name", [*NAMES, *FOLDERS])
def test_every_data_set_has_a_name_and_may_yet_have_no_path(name: str) -> None:
    assert DataConfig(name=name).path is None


@pytest.mark.parametrize("name", ["parquet", *FOLDERS])
def test_a_data_set_of_the_users_own_has_a_path(name: str) -> None:
    assert DataConfig(name=name, path="x").path == "x"


def test_a_name_is_all_that_a_scenario_needs() -> None:
    assert Scenario(name="x-1_b.2").clients.count == 100
