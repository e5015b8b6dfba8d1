"""Makes the runs that are missing, some side by side, and keeps each result as soon as it is there."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import mean
from threading import Lock
from typing import NamedTuple, Protocol

from mlecs_ray.errors import InputError
from mlecs_ray.scenario.config import Scenario
from scenarios.reproduce.measures import Result
from scenarios.reproduce.plan import Run
from scenarios.reproduce.store import Made, Record, Store
from scenarios.reproduce.worker import RESULT, SCENARIO

QUIET: Mapping[str, str] = {
    **dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"),
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_VERBOSITY": "error",
}
"""One thread for each run; models load from the cache alone."""
Tell = Callable[[Run, Record], None]


class Ran(NamedTuple):
    """What a run came to, in real seconds, by which code."""

    seconds: float
    result: Result
    source: str


class Runner(Protocol):
    """Carries out one run at a time for each of several threads."""

    def check(self, scenarios: Sequence[Scenario]) -> None:
        """Raise InputError where some of these could not run, before the first of them does."""

    def __call__(self, scenario: Scenario) -> Ran:
        """Raises InputError where the run fails."""

    def stop(self) -> None:
        """End whatever runs; their calls raise."""


@dataclass
class Processes:
    """Every run in a fresh process of this Python, whose folder is deleted when it has been measured."""

    _running: set[subprocess.Popen[bytes]] = field(default_factory=set)
    _stopped: bool = False
    _lock: Lock = field(default_factory=Lock)

    def check(self, scenarios: Sequence[Scenario]) -> None:
        """Read every data set once: one that was not fetched would show when the runs before it have taken an hour."""
        # Here, as who only writes the page need not wait for what reads data.
        from mlecs_ray.scenario.deal import deal

        for scenario in {one.data.name: one for one in scenarios}.values():
            deal(scenario)

    def __call__(self, scenario: Scenario) -> Ran:
        """Raises InputError with the last line that the process complained."""
        with tempfile.TemporaryDirectory(prefix="mlecs-") as name:
            folder = Path(name)
            (folder / SCENARIO).write_text(scenario.model_dump_json())
            complaints = folder / "stderr"
            code = self._run(folder, complaints)
            if code != 0:
                lines = [line for line in complaints.read_text(errors="replace").splitlines() if line.strip()]
                raise InputError(lines[-1].strip() if lines else f"its process ended with {code} and gave no reason")
            found = json.loads((folder / RESULT).read_text())
            return Ran(float(found["seconds"]), Result.from_json(found["result"]), found["source"])

    def _run(self, folder: Path, complaints: Path) -> int:
        command = [sys.executable, "-m", "scenarios.reproduce.worker", str(folder)]
        with complaints.open("wb") as stderr:
            with self._lock:
                if self._stopped:
                    raise InputError("stopped before it began")
                # Its input stays open and empty: that it closes tells the process that we have gone.
                process = subprocess.Popen(
                    command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    stderr=stderr,
                    env={**os.environ, **QUIET},
                )
                self._running.add(process)
            with process:
                code = process.wait()
        with self._lock:
            self._running.discard(process)
        return code

    def stop(self) -> None:
        """Their folders are deleted by the threads that wait for them."""
        with self._lock:
            self._stopped = True
            for process in self._running:
                process.terminate()


def missing(runs: Sequence[Run], store: Store) -> list[Run]:
    """Those without a result; what failed is tried again."""
    return [run for run in runs if store.result(run.digest) is None]


class Pace(NamedTuple):
    """How many runs go side by side, and what one takes before any was made."""

    jobs: int
    usual_seconds: float


def seconds_left(runs: Sequence[Run], store: Store, pace: Pace) -> float:
    """An estimate from what runs of the same cell took, else from all, else from what one usually takes."""
    done = [record for record in store.runs.values() if record.result]
    alike: dict[str, list[float]] = {}
    for record in done:
        alike.setdefault(record.what, []).append(record.seconds)
    usual = mean(record.seconds for record in done) if done else pace.usual_seconds
    return sum(mean(alike.get(run.what, [usual])) for run in missing(runs, store)) / min(pace.jobs, max(len(runs), 1))


def carry_out(runs: Sequence[Run], store: Store, runner: Runner, jobs: int, made: Made, tell: Tell) -> None:
    """Make these runs, ``jobs`` at once; one that fails is recorded, and the others go on.

    On Ctrl-C those under way are ended and forgotten; what was stored stays.
    """
    pool = ThreadPoolExecutor(jobs)
    try:
        asked: dict[Future[Ran], Run] = {pool.submit(runner, run.scenario): run for run in runs}
        for future in as_completed(asked):
            run = asked[future]
            record = _record(run, future, made)
            store.put(run.digest, record)
            tell(run, record)
    except BaseException:
        runner.stop()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _record(run: Run, future: Future[Ran], made: Made) -> Record:
    try:
        seconds, result, source = future.result()
    except InputError as error:
        return Record(run.what, run.scenario.seed, 0.0, made, error=str(error))
    return Record(run.what, run.scenario.seed, seconds, replace(made, source=source), result)
