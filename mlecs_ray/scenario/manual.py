"""The options of the shipped methods as they are declared: what `mlecs list NAME` and the tables of the docs say.

``python -m mlecs_ray.scenario.manual docs/methods.md`` writes those tables anew.
"""

import inspect
import re
import sys
from pathlib import Path
from typing import Any, get_type_hints

from mlecs_ray.methods.fedavg import FedAvg
from mlecs_ray.scenario.compose import KINDS, hyperparameters
from mlecs_ray.scenario.fields import Option, default, markdown, told, value
from mlecs_ray.scenario.names import known_method

_MARKS = re.compile(r"(<!-- options of (\w+)[^>]*-->\n).*?(<!-- end of options -->)", re.DOTALL)


def options(name: str) -> list[Option]:
    """Those of the method ``name``, in their order. Raises InputError where none that ships has the name."""
    kind = KINDS.get(known_method(name))
    return options_of(kind) if kind else []


def about(name: str) -> str:
    """What the method is: its docstring, a paragraph a line."""
    kind = KINDS.get(known_method(name), FedAvg)
    return "\n".join(" ".join(part.split()) for part in inspect.cleandoc(kind.__doc__ or "").split("\n\n"))


def options_of(kind: type[Any]) -> list[Option]:
    """The fields of a method's dataclass that a scenario may set."""
    hints, said = get_type_hints(kind, include_extras=True), told(kind)
    return [
        Option(name, default(usual), value(hints[name]), said.get(name, ""))
        for name, usual in hyperparameters(kind).items()
    ]


def table(name: str) -> str:
    """The options of a method as a Markdown table."""
    return markdown("option", options(name))


def rewritten(text: str) -> str:
    """``text`` with the tables between ``<!-- options of NAME -->`` and ``<!-- end of options -->`` as they are now."""
    return _MARKS.sub(lambda found: f"{found[1]}\n{table(found[2])}\n{found[3]}", text)


if __name__ == "__main__":
    for file in map(Path, sys.argv[1:]):
        file.write_text(rewritten(file.read_text()))
