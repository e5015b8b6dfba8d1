"""What `mlecs list` shows."""

import pytest

from mlecs_ray.data.dataset import FOLDERS, NAMES
from scenarios.catalogue import SCENARIOS
from tests.scenarios.conftest import Mlecs


def test_all_scenarios_and_data_sets_are_listed(mlecs: Mlecs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    words = mlecs("list").out.replace(",", " ").replace(";", " ").replace(".", " ").split()
    assert {*SCENARIOS, *NAMES, *FOLDERS, "parquet"} <= set(words)
