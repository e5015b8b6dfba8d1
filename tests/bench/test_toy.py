"""The toy counts merges, through the real engine and from its file."""

from pathlib import Path

import bench
from bench.cases.population import toy
from mlecs_ray.run.local import run_locally
from mlecs_ray.run.records import read_run
from mlecs_ray.wire import load_tree


def test_after_n_merges_the_toy_is_n(tmp_path):
    """7 merges of 4 updates; nobody is lost, so there are 28 finished jobs."""
    from mlecs_ray.scenario.overrides import apply

    scenario = apply(toy(50, 4, 7), {"schedule.buffer": 4})
    outcome = run_locally(scenario, tmp_path / "run")
    assert outcome.progress.merges == 7
    assert float(load_tree(tmp_path / "run" / "artifact" / "state.safetensors")["w"]) == 7.0
    events = read_run(tmp_path / "run").events
    assert (events.kind == "finished").sum() == 28


def test_the_toy_is_found_by_its_path():
    assert toy(50, 4, 7).method.name == f"{Path(bench.__file__).parent / 'toy.py'}:Toy"
