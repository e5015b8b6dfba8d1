"""What the page comes to."""

from collections.abc import Mapping
from pathlib import Path

from scenarios.reproduce.cells import Cell
from scenarios.reproduce.eclm.pooled import FREE, METRIC, OWN, fill
from scenarios.reproduce.eclm.rows import METHODS
from scenarios.reproduce.eclm.summary import over, summary
from scenarios.reproduce.measures import Result
from tests.scenarios.reproduce.eclm.fake import OTHER, ROW, by_name, found, result
from tests.scenarios.reproduce.fake import MADE

EVEN = dict.fromkeys(METHODS, 0.7)


def lines(path: Path, values: Mapping[str, float]) -> list[str]:
    return "\n".join(summary(found(path, by_name(dict(values))))).splitlines()


def test_nothing_run_comes_to_nothing(tmp_path: Path) -> None:
    assert not [*summary(found(tmp_path, lambda *_: None))]


def test_gains_are_means_over_the_rows_tested_by_seed(tmp_path: Path) -> None:
    """+5 points over local adaptation in two rows, with both seeds: two pairs, not four."""
    said = lines(tmp_path, {**EVEN, "eclm": 0.75})
    assert said[0] == "## In short"
    assert "- Mean over the rows of the table: ECLM has +5.00 points (p < 0.001, n = 2) over Local adaptation, " in (
        "\n".join(said)
    )
    assert any(line.endswith("+11.07 over that of the collaborative ones.") for line in said)


def test_rows_in_which_it_is_best_are_counted(tmp_path: Path) -> None:
    """With two seeds and ten tests a difference without noise is significant; a row behind by two points is told."""
    ahead = lines(tmp_path / "a", {**EVEN, "eclm": 0.75})
    assert "- It is the best in 2 of 2 rows, significantly (Holm) in 2." in ahead
    behind = lines(tmp_path / "b", {**EVEN, "eclm": 0.75, "adaptivenet": 0.77})
    best = "- It is the best in 0 of 2 rows, significantly (Holm) in none"
    assert f"{best}; elsewhere the best is ahead by at most 2.00 points." in behind


def test_the_seed_that_was_looked_at_is_left_out_once(tmp_path: Path) -> None:
    said = lines(tmp_path, {**EVEN, "eclm": 0.75, "fedavg": 0.6})
    gains = "+5.00 points (no test, n = 1) over Local adaptation and +15.00 points (no test, n = 1) over FedAvg."
    assert any(line.endswith(f"over the other seeds alone it has {gains}") for line in said)


def test_what_devices_have_alone_over_a_shared_model_is_told_and_what_ours_has_over_the_fine_tuned(
    tmp_path: Path,
) -> None:
    values = {
        "table": {**EVEN, "fedavg": 0.6},
        "personal": {"eclm": 0.7, "fedavgft": 0.69, "localadaptation": 0.66, "carrying nothing": 0.68},
    }

    def measured(cell: Cell, seed: int) -> Result | None:
        strength = values.get(cell.group, {})
        if cell.name not in strength or cell.setting not in (ROW, OTHER):
            return None
        return result(strength[cell.name] + 0.01 * seed, 100.0)

    made = found(tmp_path, measured)
    (said,) = (line for line in "\n".join(summary(made)).splitlines() if "Devices that train alone" in line)
    assert said.startswith(
        "- Devices that train alone have +10.00 points (p < 0.001, n = 2) over FedAvg, which answers with"
    )
    assert "ECLM has +1.00 points (p < 0.001, n = 2) over FedAvg, fine-tuned, +4.00 points" in said
    assert said.endswith("+2.00 points (p < 0.001, n = 2) over carrying nothing.")
    pair = over(made, "personal", ["fedavgft"], [1])
    assert pair is not None
    assert (pair.n, pair.seeds) == (2, 1)


def test_bytes_are_those_of_a_job(tmp_path: Path) -> None:
    assert "- A job moves 1.00 times fewer bytes than FedAvg's, mean over the rows." in lines(tmp_path, EVEN)


def test_what_could_be_gained_at_all_is_told(tmp_path: Path) -> None:
    """In the one row that was trained: .9 and .91 over AdaptiveNet's .7 and .71."""
    values = {"noadaptation": 0.5, "localadaptation": 0.6, "adaptivenet": 0.7, "eclm": 0.75}
    made = found(tmp_path, by_name(values, settings=(ROW,)))
    fill(made, MADE, lambda one: {FREE: {METRIC: 0.8}, OWN: {METRIC: 0.9 + 0.01 * one.seed}})
    (said,) = (line for line in "\n".join(summary(made)).splitlines() if "everybody's samples" in line)
    assert (
        "has +20.00 points over the best on-device method, mean over 1 of 7 rows; ECLM, by the same seeds, +5.00"
        in said
    )
