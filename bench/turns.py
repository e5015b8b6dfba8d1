"""The contenders take turns, A B A B, each time in a fresh process."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.case import Case, Contender, Result, Turn
from bench.environments import Environment, make
from bench.memory import tree_pss
from bench.order import ANSWER
from mlecs_ray.errors import InputError

SEEDS = (0, 1, 2, 3, 4, 5, 6, 7, 8, 9)
"""Of the turns, in their order; they begin again after the last."""
LIMIT_SECONDS = 3600.0
SAMPLE_SECONDS = 1.0
"""Between two looks at the memory; one look at a process of 2 GB takes a tenth of a second."""
QUIET = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "error"}
"""As ``mlecs`` has it: models load from the cache alone."""

Tell = Callable[[str], None]
Make = Callable[[Environment], Path]


@dataclass(frozen=True)
class Outcome:
    """What was measured, and who was left out for which reason."""

    turns: list[Turn] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)


def take_turns(case: Case, repeats: int, tell: Tell, make: Make | None = make) -> Outcome:
    """Every contender once a turn; with no ``make``, peers take part only where their environments are there.

    A peer that cannot run is left out; raises InputError where one of ours fails.
    """
    outcome = Outcome(left_out=_absent(case.contenders, tell, make))
    for number in range(repeats):
        seed = SEEDS[number % len(SEEDS)]
        with tempfile.TemporaryDirectory() as name:
            order = {"seed": seed, **case.prepare(seed, Path(name))}
            turn: dict[str, Result] = {}
            for contender in case.contenders:
                if contender.name not in outcome.left_out:
                    tell(f"{case.name} {number + 1}/{repeats}: {contender.name}")
                    _one(contender, order, Path(name), turn, outcome)
            outcome.turns.append(turn)
    return outcome


def _absent(contenders: Sequence[Contender], tell: Tell, make: Make | None) -> dict[str, str]:
    """Who cannot take part, and why; the environments of all others are there when this returns."""
    absent: dict[str, str] = {}
    for contender in contenders:
        environment = contender.environment
        if environment is None or environment.ready:
            continue
        if make is None:
            absent[contender.name] = "its environment was not made, and --quick makes none"
            continue
        tell(f"making the environment of {environment.peer}")
        try:
            make(environment)
        except InputError as error:
            absent[contender.name] = str(error)
    return absent


def _one(contender: Contender, order: Mapping[str, Any], folder: Path, turn: dict[str, Result], out: Outcome) -> None:
    try:
        turn[contender.name] = measure(contender, order, folder)
    except InputError as error:
        if contender.environment is None:
            raise
        out.left_out[contender.name] = str(error)


def measure(contender: Contender, order: Mapping[str, Any], folder: Path) -> Result:
    """One measurement in ``folder``; raises InputError where the script fails."""
    path, said, complaint = folder / "order.json", folder / "said", folder / "complaint"
    path.write_text(json.dumps({**order, **contender.order}))
    with said.open("wb") as out, complaint.open("wb") as err:
        process = subprocess.Popen(_command(contender), env=_surroundings(contender, path), stdout=out, stderr=err)
        peak = _follow(process, contender.memory)
    lines = said.read_text(errors="replace").splitlines()
    answer = next((line for line in reversed(lines) if line.startswith(ANSWER)), None)
    if answer is None:
        last = [line for line in complaint.read_text(errors="replace").splitlines() if line.strip()] or ["no reason"]
        raise InputError(f"{contender.name} ended with {process.returncode} and no result: {last[-1]}")
    found: dict[str, float] = json.loads(answer.removeprefix(ANSWER))
    return {**found, "pss_bytes": float(peak)} if contender.memory else found


def _command(contender: Contender) -> list[str]:
    python = contender.environment.python if contender.environment else sys.executable
    if not contender.script.endswith(".py"):
        return [str(python), "-m", contender.script]
    return [str(python), str(Path(__file__).parent / contender.script)]


def _surroundings(contender: Contender, order: Path) -> dict[str, str]:
    """Ours, with the order; what would lead a peer's interpreter to our packages is taken away."""
    if contender.environment is None:
        return {**QUIET, **os.environ, "BENCH_ORDER": str(order)}
    others = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    return {**others, "BENCH_ORDER": str(order)}


def _follow(process: "subprocess.Popen[bytes]", memory: bool) -> int:
    """Wait for the end; the most memory that was seen, in bytes, or 0 where nobody looked."""
    peak, until = 0, time.monotonic() + LIMIT_SECONDS
    try:
        while process.poll() is None:
            if time.monotonic() > until:
                raise InputError(f"a measurement took more than {LIMIT_SECONDS:.0f} s, so it was ended")
            try:
                process.wait(SAMPLE_SECONDS)
            except subprocess.TimeoutExpired:
                peak = max(peak, tree_pss(process.pid)) if memory else 0
    finally:
        process.kill()
    return peak
