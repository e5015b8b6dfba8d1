"""`mlecs fetch`, with progress bars."""

from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from mlecs_ray.data import assets
from mlecs_ray.data.catalogue import CATALOGUE
from mlecs_ray.errors import InputError

NEEDED = ("stamps", "mobilenet", "smollm2", "minilm", "wordnet")
"""What the shipped scenarios read."""


def fetch(console: Console, names: list[str], archive: Path | None, every: bool) -> None:
    """Each asset in turn; what is there already is not fetched again."""
    if archive is not None and len(names) != 1:
        raise InputError(f"--archive {archive} needs exactly one asset name beside it, or nobody knows what it holds")
    columns = (TextColumn("{task.description:>14}"), BarColumn(), DownloadColumn())
    with Progress(*columns, TransferSpeedColumn(), TimeRemainingColumn(), console=console) as bars:
        for name in names or (list(CATALOGUE) if every else NEEDED):
            _one(bars, name, archive)


def _one(bars: Progress, name: str, archive: Path | None) -> None:
    bar = bars.add_task(name, total=None)

    def show(done: int, total: int | None, stage: str) -> None:
        label = name if stage == "download" else f"{name} ({stage})"
        bars.update(bar, completed=done, total=total, description=label)

    folder = assets.fetch(name, show, archive)
    bars.update(bar, description=name, completed=1, total=1)
    if not bars.console.is_terminal:
        bars.console.print(f"{name}: {folder}", soft_wrap=True, highlight=False)
