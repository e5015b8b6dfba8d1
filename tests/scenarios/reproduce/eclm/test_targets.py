"""What is claimed, what was measured, and whether it is reached."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from scenarios.reproduce.cells import Cell
from scenarios.reproduce.eclm import cells
from scenarios.reproduce.eclm.cost import PEAK, STEP, WHOLE
from scenarios.reproduce.eclm.rows import METHODS, ROWS, SHIFTING
from scenarios.reproduce.eclm.tables import gain_table
from scenarios.reproduce.eclm.targets import targets
from scenarios.reproduce.eclm.timings import timed
from scenarios.reproduce.measures import Result
from scenarios.reproduce.store import Timing
from scenarios.reproduce.target import Target
from tests.scenarios.reproduce.eclm.fake import ROW, Measure, by_name, found, result, stepped
from tests.scenarios.reproduce.fake import MADE

EVEN = dict.fromkeys(METHODS, 0.7)
NOISE = "best, or within noise: less than 1 point behind, and no significant difference"
BEST = f"{ROW}: {NOISE}"
HARD = "over no adaptation, where that does worst"


def lines(tmp_path: Path, measure: Measure) -> Mapping[str, Target]:
    return {one.claim: one for one in targets(found(tmp_path, measure))}


def starting(made: Mapping[str, Target], start: str) -> Target:
    (one,) = (target for claim, target in made.items() if claim.startswith(start))
    return one


def table(strength: Mapping[str, float], noise: Mapping[int, float] | None = None) -> Measure:
    """Every row was run; of ours each seed has its own ``noise``."""

    def measured(cell: Cell, seed: int) -> Result | None:
        if cell.group != "table":
            return None
        more = (noise or {}).get(seed, 0.0) if cell.name == "eclm" else 0.0
        return result(strength[cell.name] + 0.01 * seed + more, 700.0 if cell.name == "fedavg" else 100.0)

    return measured


def test_nothing_run_is_nothing_claimed(tmp_path: Path) -> None:
    made = lines(tmp_path, lambda *_: None)
    assert {one.reached for one in made.values()} == {None}
    assert {one.row[2] for one in made.values()} == {"not run"}


def test_every_row_has_a_claim_and_all_have_one_name(tmp_path: Path) -> None:
    made = targets(found(tmp_path, table(EVEN)))
    assert len({one.claim for one in made}) == len(made)
    assert sum(NOISE in one.claim for one in made) == len(ROWS)


def test_the_best_has_reached_it(tmp_path: Path) -> None:
    one = lines(tmp_path, table({**EVEN, "eclm": 0.8, "heterofl": 0.75}))[BEST]
    assert one.row[1:] == ["+5.00 points, p < 0.001, Holm < 0.001 (n = 2), over HeteroFL", "yes"]


def test_the_best_is_sure_where_the_table_of_gains_is(tmp_path: Path) -> None:
    """+0.049 and +0.051: t = 50, p = 1 - 2 / pi * atan(50) = 0.0127; times the 35 tests of the table that are as sure
    or less it is none any more."""
    made = found(tmp_path, table({**EVEN, "eclm": 0.75}, {0: -0.001, 1: 0.001}))
    one = {one.claim: one for one in targets(made)}[BEST]
    assert one.row[1:] == ["+5.00 points, p = 0.013, Holm 0.446 (n = 2), over No adaptation", "yes, not significant"]
    assert "| +5.00 points, p = 0.013, Holm 0.446 (n = 2) |" in gain_table(made)


def test_who_is_worse_by_less_than_noise_has_reached_it_too(tmp_path: Path) -> None:
    """-0.028 and +0.01: t = -0.009 / 0.019, and with one degree of freedom p = 1 - 2 / pi * atan(0.4737) = 0.718."""
    one = lines(tmp_path, table(EVEN, {0: -0.028, 1: 0.01}))[BEST]
    assert one.row[2] == "within noise"
    assert one.measured.startswith("-0.90 points, p = 0.718, Holm 1.000 (n = 2), over ")


def test_who_is_a_point_behind_has_not_whatever_the_test_says(tmp_path: Path) -> None:
    """-0.032 and +0.01: no test over two seeds could tell, p = 0.7."""
    one = lines(tmp_path, table(EVEN, {0: -0.032, 1: 0.01}))[BEST]
    assert one.row[2] == "no"
    assert one.measured.startswith("-1.10 points, p = 0.69")


def test_who_is_a_little_behind_for_sure_has_not(tmp_path: Path) -> None:
    """Half a point with each seed."""
    assert lines(tmp_path, table({**EVEN, "eclm": 0.695}))[BEST].row[2] == "no"


def test_who_is_worse_for_sure_has_not(tmp_path: Path) -> None:
    assert lines(tmp_path, table({**EVEN, "eclm": 0.6}))[BEST].row[2] == "no"


def test_of_one_seed_nobody_knows_what_noise_is(tmp_path: Path) -> None:
    measure = table({**EVEN, "eclm": 0.69})
    one = lines(tmp_path, lambda cell, seed: None if seed else measure(cell, seed))[BEST]
    assert one.row[2] == "no, so far"


def test_gains_are_means_over_the_rows_against_means_of_two(tmp_path: Path) -> None:
    """0.8 is 10 points over the mean of 0.65 and 0.75 and 12 over that of 0.66 and 0.70."""
    strength = {"localadaptation": 0.65, "adaptivenet": 0.75, "fedavg": 0.66, "heterofl": 0.7, "eclm": 0.8}
    made = lines(tmp_path, table({**strength, "noadaptation": 0.62}))
    own = starting(made, "mean over the rows, over the on-device")
    assert own.row[1:] == ["+10.00 points (p < 0.001, n = 2)", "yes"]
    assert starting(made, "mean over the rows, over the collaborative").measured.startswith("+12.00 points")
    assert starting(made, HARD).row[1:] == ["+18.00 points (p < 0.001, n = 2)", "no"]


def test_a_gain_in_some_rows_is_one_so_far(tmp_path: Path) -> None:
    made = lines(tmp_path, by_name({**EVEN, "eclm": 0.95}, settings=(ROW,)))
    assert starting(made, "mean over the rows, over the on-device").row[2] == "yes, so far"
    assert starting(made, HARD).row[2] == "yes"


@pytest.mark.parametrize(("gain", "verdict"), [(0.0904, "no"), (0.0908, "yes")])
def test_the_papers_own_figures_are_the_bounds(tmp_path: Path, gain: float, verdict: str) -> None:
    """9.06 and 11.07 points, of which the second is 2.01 more."""
    strength = {**EVEN, "fedavg": 0.6799, "heterofl": 0.6799, "eclm": 0.7 + gain}
    made = lines(tmp_path, table(strength))
    for start in ("on-device baselines: ≥ +9.06", "collaborative baselines: ≥ +11.07"):
        assert starting(made, f"mean over the rows, over the {start} points").row[2] == verdict


def test_bytes_are_held_against_the_mean_and_the_best(tmp_path: Path) -> None:
    """FedAvg moves seven times as much as all others."""
    made = lines(tmp_path, table(EVEN))
    assert starting(made, "bytes of a job, mean over the rows: ≥ 4.6 times").row[1:] == ["7.00 times", "yes"]
    assert starting(made, "bytes of a job, mean over the rows: ≥ 2.76 times").row[1:] == ["1.00 times", "no"]
    assert starting(made, "bytes of a job, best row").row[1:] == ["7.00 times", "no"]


def test_sizes_are_told_as_fractions(tmp_path: Path) -> None:
    made = found(tmp_path, table(EVEN))
    small = {"1 module a layer": {STEP: 0.1, PEAK: 10.0}, WHOLE: {STEP: 1.2, PEAK: 92.0}}
    made.store.timings |= dict.fromkeys(timed(made), Timing(MADE, small))
    by = {one.claim: one for one in targets(made)}
    assert starting(by, "memory of a sub-model, by the device model: down to 1/9.28 of").row[1:] == ["1/10.00", "yes"]
    assert starting(by, "memory of a training step, measured: down to 1/9.28 of").row[1:] == ["1/9.20", "no"]
    assert starting(by, "time of a training step on this machine: down to 1/11.64").row[1:] == ["1/12.00", "yes"]


def test_times_of_some_of_the_networks_are_those_so_far(tmp_path: Path) -> None:
    made = found(tmp_path, table(EVEN))
    one = {STEP: 0.1, PEAK: 10.0}
    made.store.timings[next(iter(timed(made)))] = Timing(
        MADE, {"1 module a layer": one, WHOLE: {STEP: 1.2, PEAK: 92.0}}
    )
    by = {one.claim: one for one in targets(made)}
    assert starting(by, "memory of a training step, measured").row[2] == "no, so far"
    assert starting(by, "time of a training step").row[2] == "yes, so far"


def test_the_smallest_of_some_rows_or_seeds_is_one_so_far(tmp_path: Path) -> None:
    made = lines(tmp_path, by_name(EVEN, settings=(ROW,)))
    assert starting(made, "memory of a sub-model, by the device model").row[2] == "yes, so far"


SIZES = ("0.28", "0.4", "0.5", "0.75", "1")
LOSES = f"{ROW}: sub-models of 20 % of the parameters lose ≤ 3.65 points against 50 %"


@pytest.fixture
def sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The table's own are tuned."""
    monkeypatch.setattr(cells, "SHARES", tuple(map(float, SIZES)))


HELD = {"0.28": 0.18, "0.4": 0.3, "0.5": 0.38, "0.75": 0.51, "1": 1.0}


def sized(
    accuracies: Mapping[str, float], seeds: tuple[int, ...] = (0, 1), held: Mapping[str, float] = HELD
) -> Measure:
    """Devices hold 1/8 of their largest sub-model's memory in parameters."""
    most = {name: 8 * share for name, share in held.items()}

    def measured(cell: Cell, seed: int) -> Result | None:
        if cell.group != "sizes" or cell.name not in accuracies or seed not in seeds:
            return None
        return result(accuracies[cell.name] + 0.01 * seed, 100.0, most=most[cell.name])

    return measured


@pytest.mark.usefixtures("sizes")
def test_small_sub_models_may_lose_a_little(tmp_path: Path) -> None:
    """Of the parameters 18 % are the nearest to 20, and 51 % to 50, whatever the sizes are called."""
    even = {"0.28": 0.70, "0.4": 0.1, "0.5": 0.1, "0.75": 0.73, "1": 0.1}
    some = starting(lines(tmp_path, sized(even)), LOSES)
    sizes = "size 0.28, 18.0 % of the parameters against size 0.75, 51.0 % of the parameters"
    assert some.row[1:] == [f"-3.00 points (p < 0.001, n = 2): {sizes}", "yes"]
    assert starting(lines(tmp_path, sized({**even, "0.28": 0.6})), LOSES).row[2] == "no"


@pytest.mark.usefixtures("sizes")
@pytest.mark.parametrize(
    ("held", "told"),
    [
        ({"0.28": 0.28, "0.75": 0.5}, "28.0 % and 50.0 %"),
        ({"0.28": 0.2, "0.75": 0.42}, "20.0 % and 42.0 %"),
        ({"0.28": 0.12, "0.75": 0.5}, "12.0 % and 50.0 %"),
        ({"0.28": 0.18, "0.75": 0.9}, "18.0 % and 18.0 %"),
    ],
)
def test_sizes_far_from_what_is_claimed_of_answer_nothing(tmp_path: Path, held: Mapping[str, float], told: str) -> None:
    one = starting(lines(tmp_path, sized(dict.fromkeys(held, 0.7), held={**HELD, **held})), LOSES)
    assert one.row[1:] == [f"not measured: the nearest are {told}", "-"]


@pytest.mark.usefixtures("sizes")
def test_seven_points_away_is_near_enough(tmp_path: Path) -> None:
    even = dict.fromkeys(SIZES, 0.7)
    one = starting(
        lines(tmp_path, sized(even, held={**HELD, "0.28": 0.27, "0.4": 0.3, "0.75": 0.57, "0.5": 0.4})), LOSES
    )
    assert one.row[2] == "yes"


@pytest.mark.usefixtures("sizes")
def test_while_some_sizes_were_not_run_others_may_be_nearer(tmp_path: Path) -> None:
    assert starting(lines(tmp_path, sized({"0.28": 0.7, "0.75": 0.7})), LOSES).row[2] == "yes, so far"


@pytest.mark.usefixtures("sizes")
def test_one_size_alone_answers_nothing_and_one_seed_is_one_so_far(tmp_path: Path) -> None:
    alone = starting(lines(tmp_path, sized({"0.28": 0.7})), LOSES)
    assert alone.row[1:] == ["not measured: the nearest are 18.0 % and 18.0 %", "-"]
    one = starting(lines(tmp_path, sized({"0.28": 0.7, "0.75": 0.7}, (0,))), LOSES)
    assert one.row[2] == "yes, so far"
    assert "(no test, n = 1)" in one.measured


def test_environments_that_shift_have_their_gain_and_their_time(tmp_path: Path) -> None:
    values, seconds = {"eclm": [0.9, 0.8], "localadaptation": [0.7, 0.7]}, {"eclm": 1.0, "localadaptation": 2.0}

    def measured(cell: Cell, seed: int) -> Result | None:
        if cell.group != "continuous" or cell.setting != ROW or cell.name not in values:
            return None
        period = SHIFTING[ROW].periods[cell.name]
        return stepped([value + 0.01 * seed for value in values[cell.name]], period, seconds[cell.name])

    made = lines(tmp_path, measured)
    gain = starting(made, f"{ROW}, environments that shift: ≥ +4.33 points")
    assert gain.row[1:] == ["+15.00 points (p < 0.001, n = 2)", "yes"]
    time = starting(made, f"{ROW}, environments that shift: adaptation takes less time")
    assert time.row[1:] == ["0.50 times as long (p < 0.001, n = 2); paper 0.545 times", "yes"]
