"""One measurement of ours: a scenario through the real engine, alone or on Ray."""

import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from bench.order import Order, answer
from mlecs_ray.run.local import run_locally
from mlecs_ray.run.outcome import Outcome
from mlecs_ray.run.progress import Progress
from mlecs_ray.scenario.build import build
from mlecs_ray.scenario.config import Scenario
from mlecs_ray.scenario.overrides import apply, validate


@dataclass(frozen=True)
class Leg:
    """The steady part of a run: from one moment to a later one."""

    seconds: float
    updates: int

    @property
    def ms_per_update(self) -> float:
        return self.seconds * 1000 / self.updates


def steady(seen: Sequence[Progress]) -> Leg:
    """From the first sight of a merge to the first sight of the most updates, both while the run was going on.

    Progress carries the run's own clock, read together with its counts, so how often one looks does not matter. Of
    a run that was over too soon its whole time counts, with all that comes before and after.
    """
    going = [moment for moment in seen if moment.stage == "running" and moment.merges]
    last = next((moment for moment in going if moment.updates == going[-1].updates), None)
    if last is None or last.updates == going[0].updates:
        return Leg(seen[-1].real_seconds, seen[-1].updates)
    return Leg(last.real_seconds - going[0].real_seconds, last.updates - going[0].updates)


def run(scenario: Scenario, folder: Path) -> tuple[Outcome, list[Progress]]:
    """Run it wherever it says; all that was seen on the way."""
    seen: list[Progress] = []

    def watch(moment: Progress) -> bool:
        seen.append(moment)
        return False

    if scenario.runtime.backend == "local":
        return run_locally(scenario, folder, watch=watch), seen
    from actors.launch import run_on_ray

    return run_on_ray(scenario, folder, watch=watch), seen


def measure(order: Order) -> dict[str, float]:
    """Run the control, which is also the warm-up, then what is timed; both in one Ray runtime."""
    scenario = apply(validate(order["scenario"]), {"seed": order["seed"]})
    with ExitStack() as stack:
        if scenario.runtime.backend == "ray":
            from actors.runtime import runtime

            stack.enter_context(runtime(scenario))
        return _measured(order, scenario, Path(stack.enter_context(tempfile.TemporaryDirectory())))


def _measured(order: Order, scenario: Scenario, folder: Path) -> dict[str, float]:
    found: dict[str, float] = {}
    if rounds := order.get("control"):
        outcome, _ = run(apply(scenario, {"merges": rounds}), folder / "control")
        found["control"] = outcome.progress.last["accuracy"]
    outcome, seen = run(scenario, folder / "timed")
    leg = steady(seen)
    rows = pq.read_metadata(folder / "timed" / "events.parquet").num_rows
    found |= {"ms_per_update": leg.ms_per_update, "rounds": outcome.progress.merges}
    found["events_per_second"] = rows / outcome.progress.updates * leg.updates / leg.seconds
    if "accuracy" in outcome.progress.last:
        found["accuracy"] = outcome.progress.last["accuracy"]
    if order.get("nll"):
        from bench.captions import artifact_nll

        found["nll"] = artifact_nll(build(scenario), folder / "timed")
    return found


if __name__ == "__main__":
    answer(measure)
