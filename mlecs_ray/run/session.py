"""One run from its scenario to its folder, on whatever fleet it is given; the same code alone and inside Ray."""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from pathlib import Path

import torch

from mlecs_ray.errors import InputError
from mlecs_ray.run import artifact, checkpoint, own
from mlecs_ray.run.checkpoint import Checkpoint
from mlecs_ray.run.manifest import manifest
from mlecs_ray.run.outcome import Outcome, write_outcome
from mlecs_ray.run.progress import Progress, Stage, observe
from mlecs_ray.run.records import MetricRow, Recorder, write_manifest
from mlecs_ray.run.rows import TrafficRow
from mlecs_ray.scenario.build import Built, make_engine
from mlecs_ray.server.engine import Engine
from mlecs_ray.server.journal import EventRow, JobRecord, Scope
from mlecs_ray.server.snapshot import freeze, thaw
from mlecs_ray.sim.fleet import Fleet
from mlecs_ray.sim.memory import keep_freed_memory, seldom_collected
from mlecs_ray.tree import Tree, tree_digest

MakeFleet = Callable[[Built], Awaitable[Fleet]]


class RunJournal:
    """The server's journal on a Recorder."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.first_update: float | None = None
        """Unix time at which the first update had come back."""

    def event(self, row: EventRow) -> None:
        if self.first_update is None and row.kind == "finished":
            self.first_update = time.time()
        self.recorder.event(row)

    def job(self, record: JobRecord) -> None:
        client, timing = record.client, record.timing
        row = TrafficRow(
            record.number,
            client.id,
            client.device,
            client.structure,
            client.role,
            "+".join(sorted(client.modalities)),
            record.version,
            record.start,
            record.finish,
            record.outcome,
            sum(record.download.values()),
            sum(record.upload.values()),
            timing.download,
            timing.compute,
            timing.upload,
            timing.joules_compute,
            timing.joules_radio,
            record.staleness,
            record.download,
            record.upload,
        )
        self.recorder.traffic(row)

    def metric(self, seconds: float, version: int, scope: Scope, subject: str, values: Mapping[str, float]) -> None:
        samples = int(values["samples"])
        for name, value in values.items():
            if name != "samples":
                self.recorder.metric(MetricRow(seconds, version, scope, subject, name, value, samples))


class Session:
    """``execute`` runs to the end or to ``stop``; ``progress`` may be read from another thread at any time."""

    def __init__(self, built: Built, folder: Path, variant: str = "", resume: bool = False) -> None:
        self._built, self.folder, self._variant, self._resume = built, folder, variant, resume
        self._engine: Engine | None = None
        self._journal: RunJournal | None = None
        self._stage: Stage = "starting"
        self._stopped = False
        self._began = time.monotonic()
        self._before = 0.0
        """Real seconds of the legs before this one."""

    def stop(self) -> None:
        """End at the next event, with a checkpoint."""
        self._stopped = True

    def progress(self) -> Progress:
        """This moment."""
        scenario, seconds = self._built.scenario, self._real_seconds()
        now = Progress(self._stage, self._variant, until=scenario.seconds, max_merges=scenario.merges)
        first = self._journal.first_update if self._journal else None
        observed = now if self._engine is None else observe(self._engine, now)
        return replace(observed, real_seconds=seconds, first_update=first)

    def _real_seconds(self) -> float:
        return self._before + time.monotonic() - self._began

    def snapshot(self) -> tuple[int, Tree]:
        """The server's newest version and state."""
        if self._engine is None:
            raise InputError("the run has not started, so there is no state yet; ask for progress first")
        return self._engine.server.latest

    async def execute(self, make_fleet: MakeFleet) -> Outcome:
        """Run; raises InputError for what the user can mend."""
        # As in the workers: merging must round the same wherever it runs.
        torch.set_num_threads(1)
        keep_freed_memory()
        recorder = Recorder.read(self.folder) if self._resume else Recorder()
        # The checkpoint is read before any actor starts, so that a run without one is refused at once.
        loaded = checkpoint.newest(self.folder) if self._resume else None
        if self._resume:
            # Again, and where it runs: files may have changed since whoever started it looked, or in between.
            own.check(self.folder)
        else:
            write_manifest(self.folder, manifest(self._built.scenario, self._variant))
            own.keep(self.folder, self._built.scenario)
        fleet = await make_fleet(self._built)
        try:
            with seldom_collected():
                return await self._run(fleet, recorder, loaded)
        finally:
            await fleet.close()

    async def _run(self, fleet: Fleet, recorder: Recorder, loaded: Checkpoint | None) -> Outcome:
        self._journal, self._stage = RunJournal(recorder), "preparing"
        engine = make_engine(self._built, fleet, self._journal)
        if loaded is not None:
            recorder.truncate(loaded.counts)
            fleet.restore(loaded.kept, loaded.answers)
            thaw(engine, loaded.snapshot)
            self._before = loaded.real_seconds
        self._engine, self._stage = engine, "running"
        every = self._built.scenario.runtime.checkpoint_every
        async for merged in engine.run(lambda: self._stopped):
            if merged.version % every == 0:
                await self._save(engine, fleet, recorder)
        # Looked at once: a stop that comes while the run is being finished comes too late.
        stopped = self._stopped
        if stopped:
            await self._save(engine, fleet, recorder)
        else:
            await self._finish(engine, fleet, recorder)
        return self._outcome(engine, recorder, not stopped)

    async def _save(self, engine: Engine, fleet: Fleet, recorder: Recorder) -> None:
        await engine.evaluator.drain()
        recorder.write(self.folder)
        kept, answers = await fleet.kept(), await fleet.answers()
        now = Checkpoint(freeze(engine), kept, recorder.counts(), self._real_seconds(), answers)
        checkpoint.save(self.folder, now)
        # Whoever serves a run that goes on takes its models from here.
        artifact.write(self.folder, self._built, engine.server, kept)

    async def _finish(self, engine: Engine, fleet: Fleet, recorder: Recorder) -> None:
        self._stage = "finishing"
        await engine.finish()
        recorder.write(self.folder)
        artifact.write(self.folder, self._built, engine.server, await fleet.kept())
        self._stage = "done"

    def _outcome(self, engine: Engine, recorder: Recorder, finished: bool) -> Outcome:
        outcome = Outcome(finished, recorder.digest(), tree_digest(engine.server.state), self.progress())
        write_outcome(self.folder, outcome)
        return outcome
