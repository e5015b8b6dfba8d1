"""The commands that say what there is to be named: scenarios, methods, devices, data, and every key."""

from typing import Annotated

import typer

from scenarios.consoles import console


def list_(
    name: Annotated[
        str | None, typer.Argument(help="scenarios, methods, devices, data, or a method: its options. Default: all")
    ] = None,
) -> None:
    """What can be run: scenarios, methods, devices, data sets and assets; what the options of a method mean.

    Examples: [bold]mlecs list[/bold] · [bold]mlecs list methods[/bold] · [bold]mlecs list eclm[/bold]
    """
    from scenarios import listing

    for table in listing.tables(name):
        console.print(table)


def keys(
    part: Annotated[str | None, typer.Argument(help="A key, or a group as data or clients.load. Default: all")] = None,
) -> None:
    """Every key that --set takes: its default, what it may be, what it does.

    Examples: [bold]mlecs keys[/bold] · [bold]mlecs keys schedule[/bold] · [bold]mlecs keys local.lr[/bold]
    """
    from scenarios import listing

    if console.is_terminal:
        console.print(listing.keys(part))
        return
    for line in listing.key_lines(part):
        typer.echo(line)
