"""The live view of a run: a panel in a terminal, a line now and then elsewhere."""

import signal
import time
from types import FrameType, TracebackType
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table

from mlecs_ray.report.units import BYTES, JOULES, duration, size
from mlecs_ray.run.progress import Progress

PREPARING = "the cloud's first model is made, by offline training where the method has it and the cache has not"
LINE_SECONDS = 15.0
"""How often a log gets a line where there is no terminal."""


class LiveView:
    """Watches runs; ``watch`` tells the run to stop after Ctrl-C, and a second Ctrl-C ends at once."""

    def __init__(self, console: Console, title: str) -> None:
        self._console, self._title = console, title
        self._live = Live(console=console, refresh_per_second=4, transient=True) if console.is_terminal else None
        self._stopped = False
        self._line_at = 0.0

    def __enter__(self) -> "LiveView":
        self._previous = signal.signal(signal.SIGINT, self._interrupt)
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        signal.signal(signal.SIGINT, self._previous)
        if self._live:
            self._live.stop()

    def _interrupt(self, _: int, frame: FrameType | None) -> None:
        if self._stopped:
            signal.signal(signal.SIGINT, self._previous)
            raise KeyboardInterrupt
        self._stopped = True
        self._console.print("stopping at the next event, with a checkpoint; Ctrl-C again to end at once")

    def watch(self, progress: Progress) -> bool:
        """Show it; True when the user wants to stop."""
        if self._live:
            self._live.update(self._panel(progress))
        elif time.monotonic() - self._line_at > LINE_SECONDS:
            self._line_at = time.monotonic()
            self._console.print(line(progress), soft_wrap=True, highlight=False, markup=False)
        return self._stopped

    def _panel(self, progress: Progress) -> Panel:
        grid = Table.grid(padding=(0, 2))
        for name, value in facts(progress):
            grid.add_row(f"[bold]{name}", value)
        grid.add_row("", ProgressBar(total=1.0, completed=progress.share, width=40))
        variant = f" · {progress.variant}" if progress.variant else ""
        return Panel(grid, title=f"{self._title}{variant}", subtitle=_stage(progress), expand=False)


def _stage(progress: Progress) -> str:
    return PREPARING if progress.stage == "preparing" else progress.stage


def facts(progress: Progress) -> list[tuple[str, str]]:
    """What the panel says, row by row."""
    left = progress.seconds_left
    speed = progress.updates / progress.real_seconds if progress.real_seconds else 0.0
    last = ", ".join(f"{name} {value:.3f}" for name, value in progress.last.items()) or "none yet"
    return [
        ("virtual time", f"{duration(progress.virtual_seconds)} of {duration(progress.until)}"),
        ("real time", f"{duration(progress.real_seconds)}" + (f", about {duration(left)} left" if left else "")),
        ("merges", f"{progress.merges}" + (f" of {progress.max_merges}" if progress.max_merges else "")),
        ("updates", f"{progress.updates} ({speed:.1f}/s)"),
        ("clients", f"{progress.running} running, {progress.idle} idle, {progress.offline} offline"),
        ("jobs", f"{progress.lost} lost, {progress.discarded} discarded, {progress.refused} refused"),
        ("staleness", f"{progress.staleness:.2f} merges on average"),
        ("traffic", f"{_bytes(progress.download_bytes)} down, {_bytes(progress.upload_bytes)} up"),
        ("energy", size(progress.joules, JOULES)),
        ("last metric", last),
    ]


def line(progress: Progress) -> str:
    """One line for a log."""
    variant = f"{progress.variant} | " if progress.variant else ""
    if progress.stage == "preparing":
        return f"[{progress.stage}] {variant}{PREPARING}"
    shown: Any = dict(facts(progress))
    picks = ("virtual time", "merges", "updates", "clients", "last metric")
    return f"[{progress.stage}] {variant}" + " | ".join(f"{name} {shown[name]}" for name in picks)


def _bytes(count: int) -> str:
    return size(count, BYTES)
