"""What is claimed, what was measured, and whether it is reached."""

from collections.abc import Mapping
from pathlib import Path

from scenarios.reproduce.cells import Cell
from scenarios.reproduce.eclm.cost import STEP, WHOLE
from scenarios.reproduce.eclm.rows import METHODS, ROWS, SHIFTING
from scenarios.reproduce.eclm.targets import targets
from scenarios.reproduce.eclm.timings import timed
from scenarios.reproduce.measures import Result
from scenarios.reproduce.store import Timing
from scenarios.reproduce.target import Target
from tests.scenarios.reproduce.eclm.fake import ROW, Measure, by_name, found, result, stepped
from tests.scenarios.reproduce.fake import MADE

EVEN = dict.fromkeys(METHODS, 0.7)
BEST = f"{ROW}: best, or within noise of the best"
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
    assert sum("within noise of the best" in one.claim for one in made) == len(ROWS)


def test_the_best_has_reached_it(tmp_path: Path) -> None:
    one = lines(tmp_path, table({**EVEN, "eclm": 0.8, "heterofl": 0.75}))[BEST]
    assert one.row[1:] == ["+5.00 points, p < 0.001 (n = 2), over HeteroFL", "yes"]


def test_who_is_worse_by_less_than_noise_has_reached_it_too(tmp_path: Path) -> None:
    """-0.03 and +0.01: p = 0.7."""
    one = lines(tmp_path, table(EVEN, {0: -0.03, 1: 0.01}))[BEST]
    assert one.row[2] == "yes, not significant"
    assert one.measured.startswith("-1.00 points, p = 0.705 (n = 2), over ")
    assert one.measured.endswith(": within noise")


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
    assert own.row[1:] == ["+10.00 points, p < 0.001 (n = 14), by seed < 0.001", "yes"]
    assert starting(made, "mean over the rows, over the collaborative").measured.startswith("+12.00 points")
    assert starting(made, HARD).row[1:] == ["+18.00 points, p < 0.001 (n = 2)", "no"]


def test_a_gain_in_some_rows_is_one_so_far(tmp_path: Path) -> None:
    made = lines(tmp_path, by_name({**EVEN, "eclm": 0.95}, settings=(ROW,)))
    assert starting(made, "mean over the rows, over the on-device").row[2] == "yes, so far"
    assert starting(made, HARD).row[2] == "yes"


def test_bytes_are_held_against_the_mean_and_the_best(tmp_path: Path) -> None:
    """FedAvg moves seven times as much as all others."""
    made = lines(tmp_path, table(EVEN))
    assert starting(made, "bytes of a job, mean over the rows: ≥ 4.6 times").row[1:] == ["7.00 times", "yes"]
    assert starting(made, "bytes of a job, mean over the rows: ≥ 2.76 times").row[1:] == ["1.00 times", "no"]
    assert starting(made, "bytes of a job, best row").row[1:] == ["7.00 times", "no"]


def test_sizes_are_told_as_fractions(tmp_path: Path) -> None:
    made = found(tmp_path, table(EVEN))
    key = next(iter(timed(made)))
    made.store.timings[key] = Timing(MADE, {"1 module a layer": {STEP: 0.1}, WHOLE: {STEP: 1.2}})
    by = {one.claim: one for one in targets(made)}
    assert starting(by, "memory of a sub-model, by the device model: down to 1/9").row[1:] == ["1/10.00", "yes"]
    assert starting(by, "time of a training step on this machine: down to 1/11.64").row[1:] == ["1/12.00", "yes"]


def test_small_sub_models_may_lose_a_little(tmp_path: Path) -> None:
    start = f"{ROW}: sub-models of 0.2 lose ≤ 3.65 points"
    some = lines(tmp_path, by_name({"0.2": 0.70, "0.5": 0.73}, "sizes"))
    assert starting(some, start).row[1:] == ["-3.00 points, p < 0.001 (n = 2)", "yes"]
    assert starting(lines(tmp_path, by_name({"0.2": 0.6, "0.5": 0.73}, "sizes")), start).row[2] == "no"


def test_environments_that_shift_have_their_gain_and_their_time(tmp_path: Path) -> None:
    values, seconds = {"eclm": [0.9, 0.8], "localadaptation": [0.7, 0.7]}, {"eclm": 1.0, "localadaptation": 2.0}

    def measured(cell: Cell, seed: int) -> Result | None:
        if cell.group != "continuous" or cell.setting != ROW or cell.name not in values:
            return None
        period = SHIFTING[ROW].periods[cell.name]
        return stepped([value + 0.01 * seed for value in values[cell.name]], period, seconds[cell.name])

    made = lines(tmp_path, measured)
    gain = starting(made, f"{ROW}, environments that shift: ≥ +4.33 points")
    assert gain.row[1:] == ["+15.00 points, p < 0.001 (n = 2)", "yes"]
    time = starting(made, f"{ROW}, environments that shift: adaptation takes less time")
    assert time.row[1:] == ["-50.00 %, p < 0.001 (n = 2); paper -45.5 %", "yes"]
