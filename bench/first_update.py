"""How long from the start of ``mlecs run`` to the first update: what someone waits before anything happens."""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.order import Order, answer
from mlecs_ray.errors import InputError
from mlecs_ray.run.outcome import read_outcome


def measure(order: Order) -> dict[str, float]:
    """Run the command to its end; its outcome says when the first update had come back."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "run"
        command = [sys.executable, "-m", "scenarios", "run", *order["arguments"], "--out", str(folder)]
        began = time.time()
        done = subprocess.run(
            [*command, "--seed", str(order["seed"])], check=False, capture_output=True, text=True, errors="replace"
        )
        whole = time.time() - began
        outcome = read_outcome(folder)
        if done.returncode or outcome is None or outcome.progress.first_update is None:
            said = done.stderr.splitlines() or ["nothing"]
            raise InputError(
                f"mlecs run {' '.join(order['arguments'])} ended with {done.returncode} and said {said[-1]}"
            )
        return {"first_update_seconds": outcome.progress.first_update - began, "whole_seconds": whole}


if __name__ == "__main__":
    answer(measure)
