"""A report's table in a terminal."""

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table as Grid

from mlecs_ray.report.tables import Table


def fitting(console: Console, table: Table) -> Grid:
    """As it is, or turned where the terminal is too narrow for it and that helps."""
    shown, turned = _grid(table), _grid(table.turned())
    wide = _width(console, shown)
    return turned if _width(console, turned) < wide and wide > console.width else shown


def _width(console: Console, shown: Grid) -> int:
    """Columns that it takes unwrapped."""
    return Measurement.get(console, console.options.update(max_width=10_000), shown).maximum


def _grid(table: Table) -> Grid:
    shown = Grid(title=table.title)
    for name in table.header:
        # A key that is cut off would not be known any more.
        shown.add_column(name, overflow="fold")
    for row in table.rows:
        shown.add_row(*row)
    return shown
