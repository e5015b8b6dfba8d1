"""What is claimed, what was measured, and whether it is reached."""

from pathlib import Path

from scenarios.reproduce.cells import Cell
from scenarios.reproduce.measures import Result, Traffic
from scenarios.reproduce.mlecs.targets import targets
from scenarios.reproduce.target import Target
from tests.scenarios.reproduce.fake import found, result


def lines(tmp_path: Path, strength: dict[str, float], traffic: Traffic | None = None) -> dict[str, Target]:
    """Methods and numbers of clients that were run, each with its value."""

    def measured(cell: Cell, seed: int) -> Result | None:
        if cell.group not in ("rates", "scale") or cell.name not in strength:
            return None
        value = strength[cell.name] + 0.001 * seed
        more = {"traffic": traffic} if traffic else {}
        return result({"0": value, "1": value}, value, **more)

    return {one.claim: one for one in targets(found(tmp_path, measured))}


def test_nothing_run_is_nothing_claimed(tmp_path: Path) -> None:
    made = lines(tmp_path, {})
    assert {one.reached for one in made.values()} == {None}
    assert {one.measured for one in made.values()} <= {"not run", "not recorded"}
    assert {one.row[2] for one in made.values()} == {"not run"}


def test_a_gain_on_clients_alone_may_be_one_of_their_seed(tmp_path: Path) -> None:
    """Every client gains, those of seed 0 by 0.1 and those of seed 1 by 0.001: 12 pairs say so, 2 seeds do not."""
    claim = "Rouge-LSum, clients, rate 0.7: ≥ +5.44 % over the best other"

    def measured(cell: Cell, seed: int) -> Result | None:
        if cell.group != "rates" or cell.name not in ("mlecs", "standalone") or cell.setting != "rate 0.7":
            return None
        gain = (0.1, 0.001)[seed] if cell.name == "mlecs" else 0.0
        return result({str(client): 0.3 + gain + 0.0001 * client * (gain > 0) for client in range(6)})

    one = {one.claim: one for one in targets(found(tmp_path, measured))}[claim]
    assert "(n = 12), by seed 0.4" in one.measured
    assert one.row[2] == "yes, not significant"


def test_a_server_is_held_against_several_at_once(tmp_path: Path) -> None:
    """Of four tests, on two data sets against two others, each with p = 1 / 3 or so, none is below 1."""
    by = {("mlecs", 0): 0.5, ("mlecs", 1): 0.6, ("standalone", 0): 0.4, ("standalone", 1): 0.3}
    by |= {("coplms", seed): by["standalone", seed] for seed in (0, 1)}

    def measured(cell: Cell, seed: int) -> Result | None:
        value = by.get((cell.name, seed)) if cell.group == "classes" else None
        return None if value is None else result({"0": value}, value, "macro_f1")

    made = {one.claim: one for one in targets(found(tmp_path, measured))}
    one = made["macro F1, cloud LLM, stamps: ≥ +0.65 % over Co-PLMs"]
    assert one.measured == "+57.14 %, p = 0.295, Holm 1.000 (n = 2)"
    assert one.row[2] == "yes, not significant"


def test_a_gain_is_reached_or_not(tmp_path: Path) -> None:
    """0.3005 over 0.2805 is 7.1 %; 0.2905 over 0.2805 is 3.6 %, enough for the server and not for the clients."""
    claim = "Rouge-LSum, clients, rate 0.7: ≥ +5.44 % over the best other"
    much = lines(tmp_path, {"mlecs": 0.3, "standalone": 0.28})[claim]
    assert much.reached is True
    assert much.measured.startswith("+7.13 % over Standalone, p")
    some = lines(tmp_path, {"mlecs": 0.29, "standalone": 0.28})
    assert some[claim].row[2] == "no"
    assert some["Rouge-LSum, cloud LLM, rate 0.7: ≥ +1.67 % over the best other"].reached is True
    for metric in ("Rouge-LSum", "BERTScore (MiniLM)"):
        assert any(claim.startswith(f"{metric}, cloud LLM, rate 0.7") and "over Co-PLMs" in claim for claim in some)
    assert some["Rouge-LSum, cloud LLM, rate 0.7: ≥ +1.67 % over Standalone"].reached is True


def test_what_was_not_measured_is_told_apart_from_what_was_not_run(tmp_path: Path) -> None:
    made = lines(tmp_path, {"mlecs": 0.3, "standalone": 0.28})
    assert made["macro F1, clients, stamps: ≥ +2.99 % over the best other"].measured == "not run"


def test_more_clients_may_cost_two_hundredths(tmp_path: Path) -> None:
    claim = "Rouge-LSum, clients, 3 clients to 20 clients: less than 2 % worse"
    assert lines(tmp_path, {"3 clients": 0.3, "20 clients": 0.297})[claim].row[1:] == ["-1.00 %", "yes"]
    assert lines(tmp_path, {"3 clients": 0.3, "20 clients": 0.28})[claim].reached is False
    assert lines(tmp_path, {"3 clients": 0.3})[claim].reached is None


def test_fewer_seeds_of_many_clients_are_held_against_the_same_of_few(tmp_path: Path) -> None:
    """Of seed 0, 0.297 against 0.3; seed 1, which 20 clients lack, would be 0.4."""
    claim = "Rouge-LSum, clients, 3 clients to 20 clients: less than 2 % worse"

    def measured(cell: Cell, seed: int) -> Result | None:
        value = {("3 clients", 0): 0.3, ("3 clients", 1): 0.4, ("20 clients", 0): 0.297}.get((cell.name, seed))
        return None if value is None or cell.group != "scale" else result({"0": value}, value)

    made = {one.claim: one for one in targets(found(tmp_path, measured))}
    assert made[claim].row[1:] == ["-1.00 %", "yes, so far"]


def test_traffic_is_held_against_both_volumes(tmp_path: Path) -> None:
    """1,000 bytes of 100,000 are 1 %, of 400,000 a quarter of that; of numbers, at 2 bytes and at 4, twice as much."""
    made = lines(tmp_path, {"mlecs": 0.3}, Traffic(30, {"lora": 500.0}, {"lora": 500.0}, 100_000.0, 300_000))
    own = made["bytes of a job, both ways, of the client's own model: ≤ 0.65 %"]
    both = made["bytes of a job, both ways, of the client's and the cloud's models: ≤ 0.65 %"]
    assert (own.measured, own.reached) == ("1.000 %", False)
    assert (both.measured, both.reached) == ("0.250 %", True)
    numbers = made["numbers of a job, both ways, of the client's and the cloud's models: ≤ 0.65 %"]
    assert (numbers.measured, numbers.reached) == ("0.500 %", True)
