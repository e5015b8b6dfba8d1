"""The import contracts hold, and would fail if someone broke them."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("mlecs_ray", "actors", "serve", "tune", "scenarios", "bench")


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()", "--no-cache"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture
def copy(tmp_path):
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("file", "line", "contract"),
    [
        ("mlecs_ray/tree.py", "import ray", "mlecs_ray knows no Ray"),
        ("mlecs_ray/sim/clock.py", "import mlecs_ray.server.core", "rooms of mlecs_ray"),
        ("actors/fleet.py", "import scenarios.cli", "floors"),
        ("serve/models.py", "import tune.objective", "floors"),
    ],
)
def test_a_planted_violation_breaks_its_contract(copy, file, line, contract):
    path = copy / file
    path.write_text(path.read_text() + f"\n{line}\n")
    found = lint(copy)
    assert found.returncode != 0
    broken = [row for row in found.stdout.splitlines() if "BROKEN" in row]
    assert any(contract in row for row in broken), found.stdout


def test_the_tree_as_it_is_keeps_all_contracts(copy):
    found = lint(copy)
    assert found.returncode == 0, found.stdout
