"""How long each method learns before the first job."""

from pathlib import Path

from mlecs_ray.methods.adaptivenet import AdaptiveNet
from mlecs_ray.methods.eclm.options import ECLM
from mlecs_ray.methods.heterofl import HeteroFL
from mlecs_ray.scenario.config import Scenario
from mlecs_ray.scenario.overrides import apply
from scenarios.reproduce.cells import Cell
from scenarios.reproduce.eclm.offline import offline_table, resolved, stages
from scenarios.reproduce.found import Found
from scenarios.reproduce.store import Store
from tests.scenarios.reproduce.eclm.fake import BASE, ROW


def scenario(name: str, **options: object) -> Scenario:
    return apply(BASE, {"method": {"name": name, "options": options}, "task.pretrain_epochs": 7})


def test_options_that_are_not_set_are_those_of_the_method() -> None:
    assert ECLM(**resolved(scenario("eclm", top=4))) == ECLM(top=4)
    assert resolved(scenario("adaptivenet"))["branch_epochs"] == AdaptiveNet.branch_epochs
    assert resolved(scenario("adaptivenet")).keys().isdisjoint({"task", "local", "seed"})
    assert resolved(scenario("fedavg")) == resolved(scenario("localadaptation")) == {}


def test_ours_has_two_stages_the_first_as_long_as_the_pretraining() -> None:
    """Without the second it has that many epochs fewer."""
    assert stages(scenario("eclm")) == [7, ECLM.enhance_epochs]
    assert stages(scenario("eclm", enhance_epochs=9)) == [7, 9]
    assert stages(scenario("eclm", without=["enhancing"], enhance_epochs=9)) == [7]


def test_others_have_one_or_none() -> None:
    assert stages(scenario("adaptivenet", branch_epochs=5)) == [5]
    assert stages(scenario("heterofl")) == [HeteroFL.offline_epochs]
    assert [stages(scenario(name)) for name in ("fedavg", "localadaptation", "noadaptation")] == [[]] * 3


def test_the_table_has_a_row_for_each_of_the_pages(tmp_path: Path) -> None:
    options = {"eclm": {"enhance_epochs": 9}, "heterofl": {"offline_epochs": 4}, "fedavg": {}}
    cells = [
        Cell("table", name, ROW, {"method": {"name": name, "options": chosen}, "task.pretrain_epochs": 7})
        for name, chosen in options.items()
    ]
    assert offline_table(Found(BASE, cells, (0,), Store(tmp_path / "eclm.json"))).splitlines() == [
        "| offline epochs: pretraining + stages | ECLM | HeteroFL | FedAvg |",
        "| --- | ---: | ---: | ---: |",
        f"| {ROW} | 7 + 7 + 9 = 23 | 7 + 4 = 11 | 7 |",
    ]
