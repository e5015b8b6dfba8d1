"""The page is made of what was measured, and of nothing else."""

import re
from pathlib import Path

import pytest

from scenarios.reproduce.found import Found
from scenarios.reproduce.page import write
from scenarios.reproduce.reid.document import text
from scenarios.reproduce.reid.study import STUDY
from scenarios.reproduce.reid.targets import targets
from scenarios.reproduce.study import Facts
from tests.scenarios.reproduce.reid.fake import beside, found

FACTS = Facts("mlecs reproduce reid", "2026-01-01")


@pytest.fixture
def made(tmp_path: Path) -> Found:
    return beside(found(tmp_path))


@pytest.fixture
def empty(tmp_path: Path) -> Found:
    return found(tmp_path, lambda *_: None)


def rows(page: str, start: str) -> list[str]:
    return [line for line in page.splitlines() if line.startswith(f"| {start} |")]


def test_every_section_is_there_in_its_order(made: Found) -> None:
    assert re.findall(r"^## (.*)$", text(made, FACTS, {}), re.M) == [
        "Targets",
        "Teacher and student",
        "Distillation",
        "Principal components",
        "What identity teaches",
        "Adapters",
        "Models",
        "In a fleet of cameras",
        "Set-up",
        "Runs",
    ]


def test_data_and_teacher_are_said_not_to_be_the_papers(made: Found) -> None:
    head = text(made, FACTS, {}).split("## Targets")[0]
    assert "The data are not the paper's" in head
    assert "The teacher is not the paper's either" in head
    assert "*derived*" in head


def test_a_pair_has_all_three_sides_and_what_is_kept(made: Found) -> None:
    """Means over seeds: the student .39, .40, .41; in the teacher's gallery .005 less; the teacher .4."""
    line = rows(text(made, FACTS, {}), "text → rgb")[0]
    assert [cell.strip() for cell in line.split("|")[2:7]] == [
        "40.00 ± 0.00",
        "39.50 ± 1.00",
        "40.00 ± 1.00",
        "31.00 ± 1.00",
        "100.0 %",
    ]


def test_what_was_not_run_says_so_and_has_no_figure(empty: Found) -> None:
    page = text(empty, FACTS, {})
    assert "not run" in rows(page, "mean over pairs")[0]
    assert not re.search(r"\d\.\d\d ±", page)
    assert all(target.reached is None for target in targets(empty))


def verdicts(made: Found) -> dict[str, str]:
    return {target.claim.split(",")[0]: target.row[2] for target in targets(made)}


def test_targets_are_judged_by_what_was_measured(made: Found) -> None:
    """Whole less cosine: .03, .029 and .026 over three seeds."""
    found_ = verdicts(made)
    assert found_["PCM + FR + CM beats cosine alone on every pair"] == "yes"
    assert found_["the student keeps 95 % of the teacher's mAP or more"] == "yes"
    assert found_["at a fifth of the teacher's parameters or fewer"] == "yes"
    assert found_["the student's queries in the teacher's gallery are within 5 % of the teacher's own"] == "yes"
    assert found_["the teacher's features have low rank: 50 directions of them hold most of their energy"] == "yes"


def test_one_seed_has_no_significance(tmp_path: Path) -> None:
    one = beside(found(tmp_path, seeds=(0,)))
    assert verdicts(one)["PCM + FR + CM beats cosine alone on every pair"] == "yes, not significant"


def test_the_page_is_written_with_its_plots(made: Found, tmp_path: Path) -> None:
    write(STUDY, made, FACTS)
    assert {path.name for path in tmp_path.glob("*.svg")} == {
        "reid-sides.svg",
        "reid-distillation.svg",
        "reid-spectrum.svg",
    }
    page = (tmp_path / "reid.md").read_text()
    assert "![The teacher's features](reid-spectrum.svg)" in page


def test_what_an_export_loses_is_told(made: Found) -> None:
    page = text(made, FACTS, {})
    assert "37.00 ± 0.00" in rows(page, "ONNX, int8")[0]
    assert "37 MB" in rows(page, "ONNX, int8")[0]
