"""Plain English for healing: the documentation inside installed packages, extracted the same way every time."""

import ast
import hashlib
import inspect
import re
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from mlecs_ray.errors import InputError

PACKAGES = ("numpy", "networkx", "nltk", "rich", "typer")
"""Dependencies of ours whose documentation is long and in English; the versions come from the lock file."""
_SHORTEST = 80
# Doctests, signatures in tables and rules of dashes are not English.
_NOISE = re.compile(r"^\s*(>>>|\.\.\. |[-=~^+|*_.`#]{3,}|\|)")


def versions(packages: tuple[str, ...] = PACKAGES) -> dict[str, str]:
    """The installed version of each package; raises InputError for one that is not installed."""
    try:
        return {name: distribution(name).version for name in packages}
    except PackageNotFoundError as error:
        raise InputError(f"package {error.name!r} must be installed, or there is no text to heal with") from error


def documents(packages: tuple[str, ...] = PACKAGES) -> list[str]:
    """The texts of these packages: each one's description, then its docstrings by file name and line."""
    versions(packages)
    seen: dict[str, None] = {}
    for name in packages:
        for text in _texts(name):
            clean = _clean(text)
            if len(clean) >= _SHORTEST:
                seen.setdefault(clean)
    return list(seen)


def glosses(folder: Path) -> list[str]:
    """ "Word: meaning; "example"." of each entry in a WordNet database (files ``data.noun`` and so on) in ``folder``.

    Documentation of software hardly ever names a bear or a spoon; a dictionary does. Raises InputError without files.
    """
    files = sorted(path for part in ("noun", "verb", "adj", "adv") for path in folder.rglob(f"data.{part}"))
    if len(files) != 4:
        raise InputError(f"{folder} must hold data.noun, .verb, .adj and .adv of WordNet, or it adds no words")
    lines = (line for file in files for line in file.read_text(encoding="utf-8", errors="replace").splitlines())
    # The licence at the top of each file is indented.
    return [_gloss(line) for line in lines if not line.startswith("  ")]


def _gloss(line: str) -> str:
    """Of ``offset file type count word ... | meaning``; an adjective's word may end in a marker such as ``(p)``."""
    entry, _, meaning = line.partition("|")
    word = entry.split(" ")[4].partition("(")[0].replace("_", " ")
    return f"{word[:1].upper()}{word[1:]}: {meaning.strip()}."


def digest(texts: Sequence[str]) -> str:
    """SHA-256 over the texts in order."""
    total = hashlib.sha256()
    for text in texts:
        total.update(text.encode() + b"\0")
    return total.hexdigest()


def _texts(package: str) -> Iterator[str]:
    found = distribution(package)
    yield (found.read_text("METADATA") or "").partition("\n\n")[2]
    files = sorted(
        str(file.locate()) for file in found.files or () if file.suffix == ".py" and "tests" not in file.parts
    )
    for file in files:
        yield from _docstrings(Path(file))


def _docstrings(file: Path) -> Iterator[str]:
    module = ast.parse(file.read_text(encoding="utf-8", errors="replace"))
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    nodes = [node for node in ast.walk(module) if isinstance(node, documented)]
    for node in sorted(nodes, key=lambda node: getattr(node, "lineno", 0)):
        yield ast.get_docstring(node) or ""


def _clean(text: str) -> str:
    lines = [line.rstrip() for line in inspect.cleandoc(text).splitlines() if not _NOISE.match(line)]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
