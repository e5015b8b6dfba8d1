"""The cases hang together."""

from importlib.util import find_spec
from pathlib import Path

import bench
from bench.case import Contender
from bench.cases.catalogue import CASES


def is_there(contender: Contender) -> bool:
    if contender.script.endswith(".py"):
        return (Path(bench.__file__).parent / contender.script).is_file()
    return find_spec(contender.script) is not None


def test_scripts_of_every_case_exist():
    for make in CASES.values():
        for quick in (True, False):
            assert all(is_there(contender) for contender in make(quick).contenders)


def test_every_target_is_of_contenders_and_columns_that_the_case_has():
    for make in CASES.values():
        case = make(False)
        ones = {one.name: {column.key: 1.0 for column in case.columns} for one in case.contenders}
        assert all(target.value(ones) is not None for target in case.targets), case.name
