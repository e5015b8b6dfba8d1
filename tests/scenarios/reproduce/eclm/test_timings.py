"""What is timed for the page: once for each network, and only where runs were made."""

from dataclasses import replace
from pathlib import Path

import pytest

from mlecs_ray.models.classifier import Network
from mlecs_ray.models.decompose import Grain
from mlecs_ray.scenario.overrides import apply
from scenarios.reproduce.eclm import timings
from scenarios.reproduce.eclm.cost import ANSWER, FLOPS, MEMORY, MODEL_MEMORY, PEAK, STEP, WHOLE, Costs
from scenarios.reproduce.eclm.timings import fill, options_of, shares, timed, timing_tables
from scenarios.reproduce.found import Found
from scenarios.reproduce.plan import scenario_of
from tests.scenarios.reproduce.eclm.fake import BASE, OTHER, ROW, by_name, found
from tests.scenarios.reproduce.fake import MADE

NETWORK = Network((4,), 2, "mlp", (8,))


def costs(*_: object) -> Costs:
    whole = {STEP: 0.002, ANSWER: 0.001, PEAK: 4000.0, MEMORY: 2000.0, FLOPS: 2e6, MODEL_MEMORY: 2000.0}
    return {"1 module a layer": {name: value / 4 for name, value in whole.items()}, WHOLE: whole}


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Found:
    """No data is read."""
    monkeypatch.setattr(timings, "network_of", lambda _: NETWORK)
    return found(tmp_path, by_name({"eclm": 0.9, "fedavg": 0.8}, settings=(ROW,)))


def test_rows_of_one_network_share_its_timing(made: Found) -> None:
    titles = [one.title for one in timed(made).values()]
    assert titles == [
        "mlp [256] of `watch`",
        "resnet [16, 32, 64, 128] of `mnist10k`",
        "resnet [16, 32, 64, 128] of `emoji`",
        "resnet [16, 32, 64, 128] of `syllables`",
        "resnet of ResNet18's size",
    ]


def test_only_what_was_run_is_timed_and_only_once(made: Found) -> None:
    asked: list[Network] = []

    def measure(network: Network, grain: Grain, top: int) -> Costs:
        asked.append(network)
        return costs(network, grain, top)

    fill(made, MADE, measure)
    fill(made, MADE, measure)
    assert asked == [NETWORK, timings.RESNET18]
    assert set(made.store.timings) <= set(timed(made))


def test_the_page_alone_times_nothing(made: Found) -> None:
    fill(made, None, lambda *_: pytest.fail("timed"))
    assert timing_tables(made) == ["Times: not run."]


def test_a_quick_look_leaves_the_large_network_out(made: Found) -> None:
    few = replace(made, cells=[cell for cell in made.cells if cell.group == "table"])
    assert not any("ResNet18" in one.title for one in timed(few).values())


def test_times_stand_beside_what_the_device_model_says(made: Found) -> None:
    fill(made, MADE, costs)
    table, where, *_ = timing_tables(made)
    assert "| 1 module a layer | 0.5 ms (0.250) | 0.25 ms (0.250) | 1 kB (0.250) | 500 B (0.250) |" in table
    assert table.splitlines()[2].endswith("| 500 B (0.250) | 0.5 MFLOP (0.250) | 500 B (0.250) |")
    assert "memory: measured | counted" in table
    assert where == "2026-01-01, 2 cores; torch 2."
    assert shares(made, STEP) == [0.25, 0.25]


def test_a_network_is_known_again_by_what_its_sub_models_are(made: Found) -> None:
    cell = next(one for one in made.group("table", OTHER) if one.name == "eclm")
    scenario = scenario_of(BASE, cell, 0)
    same = apply(scenario, {"local.lr": 0.5, "data.environments.classes": 3, "seed": 3, "method.options.share": 0.1})
    assert timings._named(same) == timings._named(scenario)
    for change in ({"task.hidden": [8, 16]}, {"method.options.modules": 8}, {"method.options.top": 1}):
        assert timings._named(apply(scenario, change)) != timings._named(scenario)


def test_options_are_those_of_ours_whoever_is_run() -> None:
    assert options_of(apply(BASE, {"method.options": {"modules": 8, "without": ["local"]}})).modules == 8
    assert options_of(apply(BASE, {"method": "fedavg"})).modules == 16
