"""The page of results: sections come and go by themselves."""

import pytest

from bench.case import Case, Column, Contender, faster
from bench.document import HEAD, Facts, obstructed, replaced, section, sections, table, write
from bench.turns import Outcome
from mlecs_ray.errors import InputError

ORDER = ["engine", "lora"]


def case() -> Case:
    contenders = (Contender("ours", "x.py", {}), Contender("theirs", "y.py", {}))
    columns = (Column("ms_per_update", "ms per update"),)
    return Case("engine", "Small updates", "About them.", contenders, columns, (faster("ours", "theirs", 2.0),))


def test_a_section_says_what_was_measured_reached_and_left_out():
    turns = [{"ours": {"ms_per_update": 1.0}, "theirs": {"ms_per_update": 4.0}}]
    outcome = Outcome(turns, {"another": "it cannot be installed"})
    facts = Facts("mlecs bench engine --repeats 1", "2026-01-01", "2 cores", "torch 2.13.0")
    assert section(case(), outcome, facts) == (
        "## engine\n\nSmall updates.\n\nAbout them.\n\n"
        "| contender | ms per update |\n| --- | ---: |\n| ours | 1 |\n| theirs | 4 |\n\n"
        "| target | bound | reached | yes or no |\n| --- | ---: | ---: | ---: |\n"
        "| ours: times as fast as theirs | ≥ 2 x | 4 | yes |\n\n"
        "Left out: another: it cannot be installed.\n\n"
        "`mlecs bench engine --repeats 1`, 2026-01-01; 2 cores; torch 2.13.0; 1 turns, seeds 0.\n"
    )


def test_only_the_section_of_its_own_name_is_replaced():
    page = replaced(replaced("", "lora", "## lora\n\nold\n", ORDER), "engine", "## engine\n\nfirst\n", ORDER)
    assert page == f"{HEAD}\n## engine\n\nfirst\n\n## lora\n\nold\n"
    assert replaced(page, "lora", "## lora\n\nnew\n", ORDER) == f"{HEAD}\n## engine\n\nfirst\n\n## lora\n\nnew\n"


def test_writing_a_section_twice_changes_nothing():
    page = replaced("", "lora", "## lora\n\nold\n", ORDER)
    assert replaced(page, "lora", "## lora\n\nold\n", ORDER) == page


def test_a_section_that_is_not_known_stays_at_the_end():
    page = replaced("# Speed\n\n## other one\n\nkept\n", "engine", "## engine\n\nx\n", ORDER)
    assert list(sections(page)) == ["engine", "other"]
    assert page.endswith("## other one\n\nkept\n")


def test_a_page_without_sections_has_none():
    assert sections("") == {}
    assert sections("# Speed\n\ntext\n") == {}


def test_a_case_that_cannot_run_here_says_why():
    assert obstructed(case(), "there is no GPU").endswith("Not measured: there is no GPU.\n")


def test_a_table_is_markdown_with_figures_to_the_right():
    assert table(["a", "b"], [["x", "1"]]) == "| a | b |\n| --- | ---: |\n| x | 1 |"


def test_a_page_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="results of engine were not written"):
        write(tmp_path / "file" / "speed.md", "engine", "## engine\n", ORDER)
