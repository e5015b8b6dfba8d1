"""``python -m bench`` is ``mlecs bench``."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bench.command import bench
from mlecs_ray.errors import InputError


def run(
    names: Annotated[list[str] | None, typer.Argument()] = None,
    repeats: Annotated[int, typer.Option()] = 3,
    quick: Annotated[bool, typer.Option("--quick")] = False,
    out: Annotated[Path | None, typer.Option()] = None,
) -> None:
    """As the command line has it."""
    try:
        bench(Console(emoji=False), names or [], repeats, quick, out)
    except InputError as error:
        print(f"error: {' '.join(str(error).splitlines())}", file=sys.stderr)
        raise typer.Exit(2) from None


typer.run(run)
