"""The runs that docs/methods.md shows are runs."""

import re
import shlex
from pathlib import Path

import pytest

from mlecs_ray.models.decompose import decomposable
from mlecs_ray.run.records import read_run
from mlecs_ray.scenario.deal import deal
from mlecs_ray.scenario.learn import make_task
from tests.scenarios.conftest import Mlecs
from tests.small import small_scenario

TEXT = (Path(__file__).parents[2] / "docs" / "methods.md").read_text()
QUICK = ("seconds=0.3", "clients.count=4", "evaluation.clients=2", "task.pretrain_epochs=1")


def shown() -> list[str]:
    """The command's words, without ``mlecs``."""
    (command,) = re.findall(r"```sh\n(mlecs run .*?)```", TEXT, re.DOTALL)
    return shlex.split(command.replace("\\\n", ""))[1:]


def test_the_run_of_eclm_is_one_when_shortened(mlecs: Mlecs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the offline training one epoch, of the run 0.3 of 4 seconds: too short for a shift, which it says."""
    monkeypatch.setenv("MLECS_CACHE", str(tmp_path / "cache"))
    quick = [part for change in (*QUICK, "method.options.enhance_epochs=1") for part in ("--set", change)]
    said = mlecs(*shown(), "--out", "run", *quick)
    assert said.code == 0
    words = " ".join(said.out.split())
    assert "questions answered" in words
    assert "shifts met by a client │ 0 of 3: the run ended before the first" in words
    assert "devices on their own tests" in words
    assert "Sub-models, by device" in words
    assert read_run(tmp_path / "run").manifest["scenario"]["method"]["name"] == "eclm"


def test_the_network_of_ones_own_has_the_two_blocks_that_are_told(tmp_path: Path) -> None:
    (code,) = [block for block in re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL) if "class Gated" in block]
    (tmp_path / "own.py").write_text(code)
    scenario = small_scenario(task__kind="network", task__network=f"{tmp_path}/own.py:make")
    task = make_task(scenario, deal(scenario)[0].shape)
    assert decomposable(task.network.module) == ["2", "3"]
