"""Where the commands write."""

from typing import Any

from rich.console import Console

# Without emoji, as paths and error messages hold colons too.
console = Console(emoji=False)
complaint = Console(stderr=True, emoji=False)


def show(table: Any) -> None:
    """A report's table, turned where the terminal is too narrow for it."""
    from scenarios.grid import fitting

    console.print(fitting(console, table))
