"""The page is made of what was measured, and of nothing else."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from mlecs_ray.scenario.overrides import apply
from scenarios.reproduce.cells import Cell
from scenarios.reproduce.eclm import prose
from scenarios.reproduce.eclm.budgets import fill
from scenarios.reproduce.eclm.cells import VARIANTS, WHOLE, quick
from scenarios.reproduce.eclm.document import text
from scenarios.reproduce.eclm.offline import offline_table
from scenarios.reproduce.eclm.rows import SHIFTING
from scenarios.reproduce.eclm.study import STUDY
from scenarios.reproduce.found import Found
from scenarios.reproduce.measures import Result
from scenarios.reproduce.page import write
from scenarios.reproduce.study import Facts
from tests.scenarios.reproduce.eclm.fake import BASE, ROW, found, result, stepped
from tests.scenarios.reproduce.fake import MADE

FACTS = Facts("mlecs reproduce eclm --jobs 2", "2026-01-01")


def some(cell: Cell, _: int) -> Result | None:
    """One setting of each group."""
    if cell.setting != ROW:
        return None
    return stepped([0.6, 0.7], SHIFTING[ROW].periods[cell.name]) if cell.group == "continuous" else result(0.7, 100.0)


@pytest.fixture
def made(tmp_path: Path) -> Found:
    return found(tmp_path, some)


def row(page: str, start: str) -> str:
    return next(line for line in page.splitlines() if line.startswith(f"| {start} |"))


def test_every_section_is_there_in_its_order(made: Found) -> None:
    assert re.findall(r"^## (.*)$", text(made, FACTS, {}), re.M) == [
        "In short",
        "Accuracy",
        "Claims",
        "The paper's rule, and averages that are fine-tuned",
        "Without its parts",
        "Sets of classes that overlap",
        "Environments that shift",
        "Bytes",
        "Budgets",
        "Sub-models",
        "On this machine",
        "Who waits",
        "Tests and clock",
        "Set-up",
        "Runs",
    ]


def test_what_each_method_learns_offline_and_what_ours_is_told_is_said(made: Found) -> None:
    setup = text(made, FACTS, {}).split("## Set-up")[1].replace("\n", " ")
    for said in (
        "two stages",
        "its supernet",
        "narrower slices",
        "No other method is told",
        "without that know",
    ):
        assert said in setup


def test_what_is_left_out_is_explained(made: Found) -> None:
    section = text(made, FACTS, {}).split("## Without its parts")[1].split("##")[0]
    assert "they install it and answer with it" in section
    assert "the question and that sub-model still travel" in section
    told = [line.split(":")[0] for line in section.splitlines() if line.startswith("- ")]
    assert told == [f"- {name}" for name in VARIANTS if name != WHOLE]


def test_offline_epochs_stand_below_what_is_learned_offline(made: Found) -> None:
    setup = text(made, FACTS, {}).split("## Set-up")[1]
    assert setup.split("Epochs over the public samples:")[1].strip().startswith(offline_table(made))


def test_what_devices_carry_from_job_to_job_is_told_before_the_first_figure(made: Found) -> None:
    before = text(made, FACTS, {}).split("## Accuracy")[1].split("| --")[0].replace("\n", " ")
    assert "What is ours in ECLM here" in before
    assert "The paper has one job in an adaptation step" in before
    assert "looking at seed 0, its test samples included" in before
    assert "FedAvg and HeteroFL answer with the shared model alone" in before


def test_styles_of_emoji_and_loads_are_told_where_environments_shift(made: Found) -> None:
    """101 steps of three styles."""
    section = text(made, FACTS, {}).split("## Environments that shift")[1].split("##")[0].replace("\n", " ")
    assert "which go from google to twitter to openmoji, for 34, 34 and 33 steps" in section
    assert "nearly all devices can spare less than ECLM's smallest sub-model" in section


def test_loads_stand_below_budgets_that_were_counted(made: Found) -> None:
    assert prose.LOADED not in text(made, FACTS, {})
    plain = dict.fromkeys(("memory", "compute", "bandwidth"), 0.3)
    told = {f"{kind}: {what}": plain for kind in BASE.clients.devices for what in ("spare", "eclm", "adaptivenet")}
    fill(made, MADE, lambda _: told)
    section = text(made, FACTS, {}).split("## Budgets")[1].split("## ")[0]
    assert "as many as a sample can pass: an upper bound" in section
    assert section.split(prose.LOADED)[1].strip() == f"- {ROW}: from a load of 1.00 on"


def test_sections_of_fewer_seeds_say_whose(tmp_path: Path) -> None:
    """The table, FedAvg apart, has both; the whole method is of the table, and all that is run of sizes lacks one."""

    def fewer(cell: Cell, seed: int) -> Result | None:
        lacks = cell.group in ("ablations", "sizes") or (cell.group, cell.name) == ("table", "fedavg")
        return None if seed and lacks else some(cell, seed)

    page = text(found(tmp_path, fewer), FACTS, {})
    start = "Fewer seeds, here and in the plots: 1 of 2:"
    table, sizes, without, tests = (
        page.split(f"\n## {name}\n")[1].split("\n## ")[0]
        for name in ("Accuracy", "Sub-models", "Without its parts", "Tests and clock")
    )
    assert f"{start} FedAvg on {ROW}. One seed has no" in table
    assert "n = 1" in tests
    assert f"{start} all that was run. One seed" in sizes
    assert f"{start} without local training on {ROW}; without cloud on {ROW};" in without


def test_nothing_is_said_of_seeds_where_all_were_run(made: Found) -> None:
    assert "Fewer seeds" not in text(made, FACTS, {})


def test_devices_of_unequal_parts_are_told(tmp_path: Path) -> None:
    unequal = apply(BASE, {"clients.devices": {"phone-low": 2.0, "phone-high": 1.0}})
    made = replace(found(tmp_path, some), base=unequal)
    assert "phone-low, phone-high as [2.0, 1.0]" in text(made, FACTS, {})


def test_the_page_and_its_plots_are_written_beside_the_results(made: Found, tmp_path: Path) -> None:
    page = write(STUDY, made, FACTS)
    plots = re.findall(r"!\[.*?\]\((.*?)\)", page.read_text())
    names = ("table", "ablations", "continuous-2", "sizes", "schedules-1")
    assert plots == [f"eclm-{name}.svg" for name in names]
    assert {one.name for one in tmp_path.glob("*.svg")} == set(plots)


def test_an_empty_table_is_a_page_without_figures(tmp_path: Path) -> None:
    page = write(STUDY, found(tmp_path, lambda *_: None), FACTS).read_text()
    assert "±" not in page.split("## Set-up")[1]
    assert "![" not in page
    assert page.count("not run") > 100


def test_a_quick_look_has_the_sections_that_it_has_cells_for(tmp_path: Path) -> None:
    made = found(tmp_path, lambda *_: None)
    page = text(replace(made, cells=quick(), seeds=(0,)), FACTS, {})
    assert "## Bytes" in page
    assert "## Who waits" not in page
