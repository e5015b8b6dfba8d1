"""What a runtime of our own offers, and what it does not start."""

from typing import Any

import pytest
import ray
from ray._private.node import Node

from actors.placement import check, place
from actors.runtime import SPARED, device_resources, runtime
from mlecs_ray.scenario.build import build
from mlecs_ray.scenario.overrides import apply
from scenarios.dedicated import SCENARIO


def test_a_runtime_for_several_runs_offers_what_the_largest_may_ask_for() -> None:
    other = apply(SCENARIO, {"clients.devices": {"pi4b": 1.0, "jetson-orin": 1.0}, "clients.count": 30})
    assert device_resources(SCENARIO, other) == {
        "device:jetson-nano": 24.0,
        "device:jetson-orin": 30.0,
        "device:phone-mid": 24.0,
        "device:pi4b": 30.0,
    }


def test_what_it_offers_is_enough_whatever_devices_are_drawn() -> None:
    check(place(build(SCENARIO), {"CPU": 2.0}), {"CPU": 2.0, "memory": 1e11, **device_resources(SCENARIO)})


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What Ray is asked for, in place of Ray; a head node then starts what it can."""
    asked: list[dict[str, Any]] = []

    def init(**options: Any) -> None:
        asked.append(options)
        for name in SPARED:
            vars(Node)[name](None)

    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setattr(ray, "init", init)
    monkeypatch.setattr(ray, "shutdown", lambda: asked.append({}))
    return asked


def test_ours_starts_without_what_nobody_needs_and_leaves_ray_as_it_was(begun: list[dict[str, Any]]) -> None:
    """Ray's own methods would fail here, on no node at all."""
    real = {name: vars(Node)[name] for name in SPARED}
    with runtime(SCENARIO):
        assert {name: vars(Node)[name] for name in SPARED} == real
    assert [bool(options) for options in begun] == [True, False]


def test_a_running_cluster_is_joined_as_it_is(begun: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SPARED:
        monkeypatch.setattr(Node, name, lambda _: None)
    with runtime(apply(SCENARIO, {"runtime.address": "ray://there"})):
        pass
    assert begun[0] == {"address": "ray://there", "log_to_driver": False, "logging_level": "ERROR"}


def test_a_runtime_that_is_there_is_shared_and_left_alone(
    begun: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray, "is_initialized", lambda: True)
    with runtime(SCENARIO):
        pass
    assert begun == []


def test_a_runtime_ends_when_what_it_was_for_is_refused(begun: list[dict[str, Any]]) -> None:
    with pytest.raises(ValueError, match="refused"), runtime(SCENARIO):
        raise ValueError("refused")
    assert begun[-1] == {}
