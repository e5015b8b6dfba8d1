"""Processes of one run are made with the same files of a user's own."""

from pathlib import Path

import pytest

from mlecs_ray.errors import InputError
from mlecs_ray.scenario.build import build
from tests.scenario.mine import edit, forget, write_method
from tests.small import small_scenario


def test_a_worker_is_made_with_the_file_that_the_run_began_with(tmp_path: Path) -> None:
    file = write_method(tmp_path)
    built = build(small_scenario(method={"name": f"{file}:Mine", "base": {"name": "fedavg"}}))
    make = built.make_worker
    edit(file)
    # This process goes on with the file that it loaded.
    make()
    forget(file)
    with pytest.raises(InputError, match=r"own.py is not the file that the run began with .* put back the copy"):
        make()


def test_a_worker_whose_file_is_gone_is_not_made(tmp_path: Path) -> None:
    file = write_method(tmp_path)
    make = build(small_scenario(method={"name": f"{file}:Mine", "base": {"name": "fedavg"}})).make_worker
    forget(file)
    file.unlink()
    with pytest.raises(InputError, match=r"own.py is no file"):
        make()
