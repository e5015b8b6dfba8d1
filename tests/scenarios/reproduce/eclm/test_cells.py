"""The table says what is compared with what, and gives every method the same."""

import pytest

from mlecs_ray.scenario.config import Scenario
from mlecs_ray.scenario.overrides import apply
from scenarios.reproduce.cells import Cell
from scenarios.reproduce.eclm import cells
from scenarios.reproduce.eclm.cells import PAPERS, SHARES, SHIFTS, TUNED, quick, table
from scenarios.reproduce.eclm.rows import LEAST, METHODS, ROWS, SHIFTING, SOME, SPARING
from scenarios.reproduce.plan import digest, scenario_of
from tests.scenarios.reproduce.eclm.fake import BASE, ROW

CELLS = table(BASE)


def group(name: str, setting: str | None = None) -> dict[str, Cell]:
    return {one.name: one for one in CELLS if one.group == name and setting in (None, one.setting)}


def test_every_method_meets_every_row() -> None:
    met = {(one.name, one.setting) for one in CELLS if one.group == "table"}
    assert met == {(name, row) for name in METHODS for row in ROWS}


def test_methods_of_a_row_differ_in_nothing_else() -> None:
    for row in ROWS:
        alike = {
            digest(apply(scenario_of(BASE, one, 0), {"method": "fedavg", "local": BASE.local.model_dump(mode="json")}))
            for one in CELLS
            if (one.group, one.setting) == ("table", row)
        }
        assert len(alike) == 1, row


def test_sets_of_classes_are_apart_in_the_table_and_overlap_beside_it() -> None:
    """Digits: two sets of five of ten classes; syllables: four sets of five of 22."""
    apart = {row: scenario_of(BASE, group("table", row)["eclm"], 0).data.environments.contexts for row in SOME}
    assert list(apart.values()) == [2, 4]
    for row in SOME:
        for name, one in group("overlap", row).items():
            usual = scenario_of(BASE, group("table", row)[name], 0)
            many = apply(fewer(usual), {"data.environments.contexts": 20})
            assert digest(scenario_of(BASE, one, 0)) == digest(many)


def fewer(one: Scenario) -> Scenario:
    """A quarter of the jobs of the table."""
    return apply(one, {"clients.count": 100, "merges": 10, "evaluation.every_merges": 1})


def test_devices_that_tune_all_of_the_network_meet_every_row_and_the_papers_rule_too() -> None:
    """With a quarter of the jobs; ours is the whole method of the ablations where these have the row."""
    for row in ROWS:
        beside = group("personal", row)
        assert [*beside] == ["eclm", PAPERS, *TUNED]
        ours = scenario_of(BASE, beside["eclm"], 0)
        assert digest(ours) == digest(fewer(scenario_of(BASE, group("table", row)["eclm"], 0)))
        papers = scenario_of(BASE, beside[PAPERS], 0)
        assert digest(papers) == digest(apply(ours, {"method.options.personal": "none"}))
        tuned = scenario_of(BASE, beside["fedavgft"], 0)
        assert digest(apply(tuned, {"method": "fedavg"})) == digest(
            fewer(scenario_of(BASE, group("table", row)["fedavg"], 0))
        )
    assert digest(scenario_of(BASE, group("ablations", ROW)["whole"], 0)) == digest(
        scenario_of(BASE, group("personal", ROW)["eclm"], 0)
    )


def test_what_is_tuned_comes_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cells, "OWN", {"fedavg": {"local.lr": 3e-4, "local.epochs": 2}})
    monkeypatch.setattr(cells, "EXCEPTIONS", {(ROW, "fedavg"): {"local.lr": 1e-4}})
    fedavg = [one for one in table(BASE) if (one.group, one.name) == ("table", "fedavg")]
    local = {one.setting: scenario_of(BASE, one, 0).local for one in fedavg}
    assert (local[ROW].lr, local[ROW].epochs) == (1e-4, 2)
    assert {one.lr for row, one in local.items() if row != ROW} == {3e-4}


def test_options_of_the_base_are_those_of_ours_everywhere() -> None:
    tuned = table(apply(BASE, {"method.options": {"top": 4, "share": 0.5}}))
    by = {one.what: scenario_of(BASE, one, 0).method for one in tuned}
    assert all(method.options["top"] == 4 for method in by.values() if method.name == "eclm")
    assert not any("top" in method.options for method in by.values() if method.name != "eclm")


def test_a_curve_has_eight_points_or_a_few_more_however_many_merges_there_are() -> None:
    every = {name: scenario_of(BASE, one, 0) for name, one in group("schedules", ROW).items()}
    assert {name: (one.merges, one.evaluation.every_merges) for name, one in every.items()} == {
        "synchronous": (10, 1),
        "buffers of 5": (50, 6),
        "asynchronous": (250, 31),
    }


def test_ablations_leave_out_one_part_each() -> None:
    whole, *others = (dict(_first(one).method.options) for one in group("ablations", ROW).values())
    left = [{name: value for name, value in one.items() if whole.get(name) != value} for one in others]
    parts = ["local", "cloud", "enhancing", "derivation"]
    # What devices carry in the whole method is no change.
    assert left == [*({"without": [part]} for part in parts), {"personal": "none"}, {}, {"personal": "whole"}]


def _first(cell: Cell):
    return scenario_of(BASE, cell, 0)


@pytest.mark.parametrize(("name", "of"), [("whole", "ablations"), ("synchronous", "schedules")])
def test_the_whole_method_is_run_once_on_fewer_devices(name: str, of: str) -> None:
    for row in SOME:
        assert digest(_first(group(of, row)[name])) == digest(fewer(_first(group("table", row)["eclm"])))


def test_every_cell_of_methods_with_sub_models_has_the_least_that_fits_them_all() -> None:
    for one in CELLS:
        method = _first(one).method
        if one.group != "sizes":
            wanted = LEAST if method.name in SPARING else None
            assert method.options.get("least") == wanted, one.what


def test_levels_are_even_parts_of_the_widths() -> None:
    levels = _first(group("table", ROW)["heterofl"]).method.options["levels"]
    assert levels == [part / len(levels) for part in range(len(levels), 0, -1)]


def test_quick_looks_have_these_too() -> None:
    ours = next(scenario_of(BASE, one, 0).method for one in quick() if one.name == "eclm")
    assert ours.options == {"enhance_epochs": 1, "least": LEAST, "personal": "offset"}


def test_a_size_is_what_every_device_has() -> None:
    for row in SOME:
        sizes = group("sizes", row)
        assert list(sizes) == [f"{share:g}" for share in SHARES]
        for name, one in sizes.items():
            options = _first(one).method.options
            assert options["share"] == options["least"] == float(name)
            assert options["enough"] == 1.0
        assert not {digest(_first(one)) for one in sizes.values()} & {
            digest(_first(group("schedules", row)["synchronous"]))
        }


def test_emoji_move_from_style_to_style_and_syllables_shift_too() -> None:
    assert list(SHIFTING)[2:] == ["emoji, 10 classes", "syllables, 5 classes"]
    for one in group("continuous", "emoji, 10 classes").values():
        rules = _first(one).data.environments
        assert (rules.domains, rules.ordered, rules.stay) == (("google", "twitter", "openmoji"), True, 34)
        load = _first(one).clients.load
        assert (load.fewest, load.processes) == (1, 4)
        assert _first(one).clients.count == 10
    assert not _first(group("continuous", "syllables, 5 classes")["eclm"]).data.environments.ordered


def test_environments_shift_for_all_methods_alike() -> None:
    for row, shifting in SHIFTING.items():
        scenarios = {name: _first(one) for name, one in group("continuous", row).items()}
        assert list(scenarios) == list(shifting.periods)
        for one in scenarios.values():
            rules = one.data.environments
            assert (rules.shifts, rules.share) == (SHIFTS, 0.5)
            assert one.clients.load.period == rules.period
            assert rules.period * SHIFTS < one.seconds < rules.period * (SHIFTS + 1)
            assert one.seconds / one.evaluation.every_seconds == pytest.approx(4 * SHIFTS + 3)
        assert len({apply(one, {"data.environments.period": 1.0}).data for one in scenarios.values()}) == 1


def test_a_quick_look_has_rounds_that_end() -> None:
    scenarios = [scenario_of(BASE, one, 0) for one in quick()]
    assert [one.method.name for one in scenarios] == ["noadaptation", "localadaptation", "fedavg", "eclm"]
    assert {one.merges for one in scenarios} == {2}
