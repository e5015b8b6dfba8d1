"""``mlecs apikeys``: who may ask a server, and how much."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from scenarios.consoles import complaint, console

app = typer.Typer(help="Who may ask a server. It notices a changed file by itself.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="Whose key it is; the name stands in logs")]
File = Annotated[Path, typer.Option("--file", help="The file of keys; it holds their hashes alone")]


@app.command()
def add(
    name: Name,
    file: File,
    admin: Annotated[bool, typer.Option("--admin", help="May also look at the server and change it")] = False,
    days: Annotated[float | None, typer.Option(help="Ends after so many days; else never")] = None,
    per_minute: Annotated[float, typer.Option(help="Requests a minute, in the long run")] = 60.0,
    burst: Annotated[int, typer.Option(help="Requests at once after a pause")] = 10,
    concurrent: Annotated[int, typer.Option(help="Requests that run or wait")] = 4,
) -> None:
    """Make a key and print it, this once: only its hash is kept.

    Example: [bold]KEY=$(mlecs apikeys add alice --file keys.jsonl)[/bold]
    """
    from serve import keyfile
    from serve.limits import Limits

    now = datetime.now(UTC)
    key, presented = keyfile.issue(
        name,
        now,
        None if days is None else _after(now, days),
        frozenset({"user", "admin"} if admin else {"user"}),
        Limits(per_minute, burst, concurrent),
    )
    keyfile.add(file, key)
    complaint.print(f"{name}'s key, which cannot be shown again:", highlight=False, markup=False)
    print(presented)


@app.command()
def remove(name: Name, file: File) -> None:
    """Take a key away; servers refuse it within a second."""
    from serve import keyfile

    keyfile.remove(file, name)
    console.print(f"{name} is removed from {file}", soft_wrap=True, highlight=False, markup=False)


@app.command("list")
def list_(file: File) -> None:
    """Whose keys there are, until when, and how much each may ask."""
    from rich.table import Table

    from serve import keyfile

    now = datetime.now(UTC)
    table = Table("name", "roles", "created", "expires", "a minute", "burst", "at once", title=str(file))
    for key in keyfile.read(file):
        ends = "never" if key.expires is None else f"{key.expires:%Y-%m-%d %H:%M}"
        ends += " (expired)" if key.expired(now) else ""
        limits = key.limits
        numbers = (f"{limits.per_minute:g}", str(limits.burst), str(limits.concurrent))
        table.add_row(key.name, " ".join(sorted(key.roles)), f"{key.created:%Y-%m-%d %H:%M}", ends, *numbers)
    console.print(table)


def _after(now: datetime, days: float) -> datetime:
    from mlecs_ray.errors import InputError

    try:
        return now + timedelta(days=days)
    except (OverflowError, ValueError):
        raise InputError(f"days={days} must be a number that ends before the year 10000, so no key was made") from None
