"""What a command waits for before it does its work: no module that it has no use for, and Ray beside torch.

Seconds are measured by the bench; what costs them is told by ``sys.modules``, the same on every machine.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.scenarios.conftest import sets
from tests.small import SMALL

PROGRAM = """
import json, sys
from scenarios.cli import main
sys.argv = ["mlecs", *json.loads(sys.argv[1])]
try:
    main()
except SystemExit:
    pass
print(json.dumps(sorted(sys.modules)))
"""
SLOW = {"torch", "pandas", "pyarrow", "scipy", "sklearn", "ray", "transformers", "plotly"}
"""Each takes from a quarter of a second to two."""


def imported(folder: Path, program: str, *args: object) -> set[str]:
    """The modules that a process of its own has imported after ``program``."""
    command = [sys.executable, "-c", program, json.dumps([str(arg) for arg in args])]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    "command",
    [
        ["keys"],
        ["--help"],
        ["run", "smok"],
        ["run", "smoke", "--set", "clients.cuont=3"],
        ["run", "smoke", "--method", "fedbuf"],
    ],
    ids=" ".join,
)
def test_what_is_refused_or_listed_at_once_waits_for_nothing(tmp_path: Path, command: list[str]) -> None:
    assert not SLOW & imported(tmp_path, PROGRAM, *command)


def test_the_scenarios_are_listed_before_torch_is_imported(tmp_path: Path) -> None:
    first = """
import json, sys
from scenarios import listing
next(iter(listing.tables()))
print(json.dumps(sorted(sys.modules)))
"""
    assert not SLOW & imported(tmp_path, first)


AT_THE_FIRST_UPDATE = """
import json, os, sys
from mlecs_ray.run import session
from scenarios.cli import main

class Journal(session.RunJournal):
    def event(self, row):
        if row.kind == "finished":
            print(json.dumps(sorted(sys.modules)), flush=True)
            os._exit(0)
        super().event(row)

session.RunJournal = Journal
sys.argv = ["mlecs", *json.loads(sys.argv[1])]
main()
"""


def test_a_local_run_of_digits_has_imported_only_what_it_uses_at_its_first_update(tmp_path: Path) -> None:
    run = ["run", "smoke", "--local", "--out", "run", *sets(SMALL)]
    found = imported(tmp_path, AT_THE_FIRST_UPDATE, *run)
    assert not {"scipy", "sklearn", "ray", "transformers", "plotly", "jinja2", "nltk", "PIL", "soundfile"} & found


def test_an_edge_actor_of_digits_imports_only_what_it_uses(tmp_path: Path) -> None:
    worker = """
import json, sys
from actors.client import EdgeHost
from mlecs_ray.scenario.build import make_worker
from scenarios.smoke import SCENARIO
make_worker(SCENARIO)
print(json.dumps(sorted(sys.modules)))
"""
    found = imported(tmp_path, worker)
    assert not {*SLOW - {"torch", "ray"}, "jinja2", "nltk", "PIL", "soundfile", "ray.serve"} & found


def test_ray_starts_before_torch_is_imported(tmp_path: Path) -> None:
    runtime = """
import json, sys
from actors.runtime import runtime
import scenarios.prepare
print(json.dumps(sorted(sys.modules)))
"""
    assert not (SLOW - {"ray"}) & imported(tmp_path, runtime)
