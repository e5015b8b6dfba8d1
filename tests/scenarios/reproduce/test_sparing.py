"""Whoever is not measured and sends nothing need not learn: nothing that a study tells is any different."""

import asyncio
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from mlecs_ray.run.local import local_fleet
from mlecs_ray.run.records import read_run
from mlecs_ray.run.session import MakeFleet, Session
from mlecs_ray.scenario.build import Built, build
from mlecs_ray.sim.fleet import Fleet, LocalFleet
from scenarios.reproduce.measures import take
from scenarios.reproduce.sparing import SparingFleet, sparing
from scenarios.reproduce.volume import volume
from tests.shifting import small


def measured(built: Built, folder: Path, fleet: MakeFleet) -> dict[str, Any]:
    asyncio.run(Session(built, folder).execute(fleet))
    run = read_run(folder)
    return {**asdict(take(run, "accuracy", volume(built), 0.0)), "events": run.events.to_dict("records")}


@pytest.mark.parametrize("method", ["localadaptation", "adaptivenet"])
def test_a_run_tells_the_same_when_only_those_who_are_measured_learn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    monkeypatch.setenv("MLECS_CACHE", str(tmp_path / "cache"))
    built = build(small(method))
    fleets: list[Fleet] = []

    async def spared(built: Built) -> Fleet:
        fleets.append(await sparing(built))
        return fleets[0]

    assert measured(built, tmp_path / "spared", spared) == measured(built, tmp_path / "whole", local_fleet)
    assert sorted(fleets[0].keepers()) == [0, 4]


def made(**changes: Any) -> Fleet:
    return asyncio.run(sparing(build(small(**changes))))


@pytest.mark.parametrize("method", ["noadaptation", "fedavg"])
def test_of_other_methods_all_learn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    monkeypatch.setenv("MLECS_CACHE", str(tmp_path / "cache"))
    assert isinstance(made(method=method), LocalFleet)


def test_all_learn_where_the_server_picks_by_what_they_learned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLECS_CACHE", str(tmp_path / "cache"))
    assert isinstance(made(method="localadaptation"), SparingFleet)
    changes: dict[str, Any] = {"schedule.selection": "utility"}
    assert isinstance(made(method="localadaptation", **changes), LocalFleet)
