"""What a table is made of: places to be filled by runs, each with what it changes of the base scenario."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Changes = Mapping[str, Any]
"""Dotted keys and values."""


@dataclass(frozen=True)
class Cell:
    """One place of the table, to be filled by a run for every seed."""

    group: str
    name: str
    """What is compared: a method, or a variant of ours."""
    setting: str
    """Under which condition: only cells of one setting are compared."""
    changes: Changes

    @property
    def what(self) -> str:
        """As a person would point to it."""
        return f"{self.group}: {self.name}, {self.setting}"


def only(cells: Sequence[Cell], groups: Sequence[str]) -> list[Cell]:
    """The cells of these groups; of all where none is named."""
    return [cell for cell in cells if cell.group in groups or not groups]
