"""The npm registry without the npm program: where it is, and the bytes of one pinned tarball."""

import json
import os
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

_SECONDS = 60
"""How long a registry may be silent."""
_BLOCK = 1 << 16


def settings() -> list[Path]:
    """The user's and the machine's npm settings, the first to be heard first; some may not exist."""
    prefixes = (os.environ.get("PREFIX") or "/usr/local", "/", "/usr/local", "/usr")
    return [Path("~/.npmrc").expanduser(), *(Path(prefix) / "etc" / "npmrc" for prefix in prefixes)]


def registry(environment: Mapping[str, str], files: Sequence[Path]) -> str:
    """The address that npm would ask, ending in a slash: the environment's, else a file's, else npm's own.

    Raises ConnectionError where nothing names one.
    """
    own = environment.get("npm_config_registry") or environment.get("NPM_CONFIG_REGISTRY")
    found = own or next(filter(None, map(_named_in, files)), "") or _asked_of_npm(environment)
    if not found:
        raise ConnectionError("nothing names it: set npm_config_registry to its address, or install npm")
    return found.rstrip("/") + "/"


def _asked_of_npm(environment: Mapping[str, str]) -> str:
    program = shutil.which("npm", path=environment.get("PATH", ""))
    if program is None:
        return ""
    command = [program, "config", "get", "registry"]
    return subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL).stdout.strip()


def tarball(source: str, package: str, version: str) -> Iterator[bytes]:
    """The blocks of this version's archive. Raises ConnectionError with the reason where they do not all come."""
    # A scope's slash is part of the name, not of the path.
    with _open(f"{source}{quote(package, safe='@')}/{quote(version)}") as answer:
        told = b"".join(_blocks(answer))
    try:
        address = str(json.loads(told)["dist"]["tarball"])
    except (ValueError, KeyError, TypeError) as error:
        raise ConnectionError(f"its answer names no tarball: {told[:80]!r}") from error
    with _archive(source, address) as answer:
        yield from _blocks(answer)


def _archive(source: str, address: str) -> Any:
    """A mirror repeats what the registry behind it says of itself, so the mirror is asked first, as npm does."""
    if not address.startswith(source):
        with suppress(ConnectionError):
            return _open(source + urlsplit(address).path.lstrip("/"))
    return _open(address)


def _open(address: str) -> Any:
    try:
        return urllib.request.urlopen(address, timeout=_SECONDS)
    except (OSError, ValueError, HTTPException) as error:
        raise ConnectionError(f"{error}") from error


def _blocks(answer: Any) -> Iterator[bytes]:
    done, due = 0, int(answer.headers.get("Content-Length") or 0)
    try:
        while block := answer.read(_BLOCK):
            done += len(block)
            yield block
    except (OSError, HTTPException) as error:
        raise ConnectionError(f"{error}") from error
    if done < due:
        raise ConnectionError(f"the connection ended after {done:,} of {due:,} bytes")


def _named_in(file: Path) -> str:
    """What ``registry = ADDRESS`` says in an ini file, ``${NAME}`` replaced; "" where it does not."""
    try:
        lines = file.read_text().splitlines()
    except (OSError, UnicodeDecodeError):
        return ""
    pairs = [line.partition("=") for line in lines]
    values = [value.strip().strip("\"'") for key, _, value in pairs if key.strip() == "registry"]
    return os.path.expandvars(values[-1]) if values else ""
