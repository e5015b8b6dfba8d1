"""The benchmark as it is called."""

import io
import os
import subprocess
import sys

import pytest
from rich.console import Console

from bench.command import bench
from bench.document import sections
from mlecs_ray.errors import InputError


def console() -> Console:
    return Console(file=io.StringIO(), width=100)


@pytest.mark.parametrize(
    ("names", "repeats", "message"),
    [(["engin"], 3, "did you mean engine"), (["x"], 3, "there are engine"), ([], 0, "repeats=0")],
)
def test_what_cannot_be_run_is_refused_in_one_line(names, repeats, message):
    with pytest.raises(InputError, match=message):
        bench(console(), names, repeats)


@pytest.mark.slow
def test_a_quick_look_at_the_engine_writes_its_section(tmp_path):
    """Without peers: their environments are never made here."""
    own = {**os.environ, "MLECS_CACHE": str(tmp_path / "cache")}
    out = tmp_path / "speed.md"
    command = [sys.executable, "-m", "scenarios", "bench", "engine", "--quick", "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=own)
    assert done.returncode == 0, done.stderr
    (text,) = sections(out.read_text()).values()
    assert "| plain PyTorch loop |" in text
    assert "| ours, 2 Ray actors, cohorts |" in text
    assert "Left out: Flower 1.41: its environment was not made, and --quick makes none." in text
