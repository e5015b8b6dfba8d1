"""A user's own method: a file to be edited."""

import sys
from pathlib import Path

from mlecs_ray.scenario.modules import load_module

METHOD = """from dataclasses import dataclass
from mlecs_ray.methods.fedprox import FedProx

@dataclass(frozen=True)
class Mine(FedProx):
    mu: float = 0.1
"""


def write_method(folder: Path, text: str = METHOD) -> Path:
    """``own.py`` with the class ``Mine``."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "own.py").write_text(text)
    return folder / "own.py"


def edit(file: Path) -> None:
    """Other bytes, the same method."""
    file.write_text(METHOD + "# edited\n")


def forget(file: Path) -> None:
    """As a new process has it: the file was not loaded yet."""
    sys.modules.pop(load_module(file).__name__)
