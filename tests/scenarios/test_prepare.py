"""Ray starts while what a run needs is read, and nothing of it stays where the run is refused."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from actors import runtime as rays
from mlecs_ray.errors import InputError
from mlecs_ray.scenario import build as building
from mlecs_ray.scenario.config import Scenario
from mlecs_ray.scenario.overrides import apply
from scenarios.plan import parts
from scenarios.prepare import prepared
from scenarios.smoke import SCENARIO


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What happens, in order; a runtime of two CPUs stands for Ray."""
    said: list[str] = []

    @contextmanager
    def runtime(*scenarios: Scenario) -> Iterator[None]:
        said.append(f"runtime for {len(scenarios)}")
        try:
            yield
        finally:
            said.append("shut down")

    build = building.build

    def told(scenario: Scenario) -> building.Built:
        said.append("build")
        return build(scenario)

    monkeypatch.setattr(rays, "runtime", runtime)
    monkeypatch.setattr(rays, "offered", lambda: {"CPU": 2.0})
    monkeypatch.setattr(building, "build", told)
    return said


def prepare(scenario: Scenario, seen: list[str]) -> None:
    with prepared(parts(scenario, Path("run"))):
        seen.append("run")


def test_one_runtime_starts_before_the_runs_of_a_study_are_built_and_ends_after_them(seen: list[str]) -> None:
    prepare(apply(SCENARIO, {"seeds": [0, 1]}), seen)
    assert seen == ["runtime for 2", "build", "build", "run", "shut down"]


def test_without_ray_none_starts(seen: list[str]) -> None:
    prepare(apply(SCENARIO, {"runtime.backend": "local"}), seen)
    assert seen == ["build", "run"]


def test_only_the_variants_that_ask_for_ray_get_it(seen: list[str]) -> None:
    prepare(apply(SCENARIO, {"variants": {"here": {"runtime.backend": "local"}, "there": {}}}), seen)
    assert seen == ["runtime for 1", "build", "build", "run", "shut down"]


def test_a_run_that_is_refused_leaves_no_runtime(seen: list[str]) -> None:
    with pytest.raises(InputError, match=r"data\.partition=domain needs domains"):
        prepare(apply(SCENARIO, {"data.partition": "domain"}), seen)
    assert seen == ["runtime for 1", "build", "shut down"]


def test_a_cluster_that_is_too_small_is_left_before_the_run(seen: list[str]) -> None:
    dedicated = apply(SCENARIO, {"runtime.clients_per_actor": 1})
    with pytest.raises(InputError, match="they would wait for ever"):
        prepare(dedicated, seen)
    assert seen == ["runtime for 1", "build", "shut down"]


@pytest.mark.parametrize("method", ["fedbuf", {"name": "fedavg", "base": "mma"}, {"name": "mma", "base": "fedpox"}])
def test_a_method_that_is_none_is_refused_before_ray_starts(seen: list[str], method: object) -> None:
    with pytest.raises(InputError, match="so nothing was started"):
        prepare(apply(SCENARIO, {"method": method}), seen)
    assert seen == []
