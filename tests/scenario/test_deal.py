"""Who owns what: every way to deal data, on a folder small enough to count by hand."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mlecs_ray.data.pool import Dataset
from mlecs_ray.errors import InputError
from mlecs_ray.method import Client
from mlecs_ray.samples import Samples
from mlecs_ray.scenario.config import Scenario
from mlecs_ray.scenario.deal import deal, of_domains
from mlecs_ray.scenario.overrides import apply
from scenarios.smoke import SCENARIO as SMOKE
from tests.data.recorded import write_urfall
from tests.scenario.own import write_folder
from tests.server.fakes import BUDGET


def digits(**changes: Any) -> Scenario:
    """1,438 training samples, 359 test samples."""
    return apply(SMOKE, {"data.minimum": 1, "clients.count": 10, **{f"data.{k}": v for k, v in changes.items()}})


def client(number: int, step: int = 0) -> Client:
    return Client(number, frozenset(), BUDGET, "test", 1, step=step)


def own(folder: Path, **changes: Any) -> Scenario:
    write_folder(folder)
    data = {"name": "parquet", "path": str(folder), **changes}
    return apply(SMOKE, {"clients.count": 3, "task": "fusion", "data": data})


@pytest.mark.parametrize("partition", ["iid", "dirichlet", "quantity"])
def test_every_sample_has_one_owner_and_every_client_some(partition: str) -> None:
    _, hand = deal(digits(partition=partition, minimum=5))
    owned = np.concatenate(hand.parts)
    assert sorted(owned) == list(range(1438))
    assert min(hand.sizes) >= 5
    assert len(hand.sizes) == 10


def test_iid_parts_differ_by_one_at_most() -> None:
    _, hand = deal(digits(partition="iid"))
    assert sorted(hand.sizes) == [143] * 2 + [144] * 8


def test_a_small_alpha_gives_few_labels_and_a_large_one_all() -> None:
    def labels(alpha: float) -> float:
        dataset, hand = deal(digits(partition="dirichlet", alpha=alpha))
        return float(np.mean([len(np.unique(dataset.train.labels[part])) for part in hand.parts]))

    assert labels(0.05) < 5 < 9 < labels(100.0)


def test_sigma_spreads_the_sizes() -> None:
    spread = {sigma: np.std(deal(digits(partition="quantity", sigma=sigma))[1].sizes) for sigma in (0.1, 2.0)}
    assert spread[0.1] < 50 < 100 < spread[2.0]


def test_per_client_draws_so_many_for_each() -> None:
    _, hand = deal(digits(partition="iid", per_client=200))
    assert hand.sizes.tolist() == [200] * 10
    assert all(len(set(part.tolist())) == 200 for part in hand.parts)


def test_a_domain_stays_together(tmp_path: Path) -> None:
    """Domains: north for ann and bob, south for cid; three clients, of whom two share the north."""
    dataset, hand = deal(own(tmp_path, partition="domain"))
    domains = [{dataset.train.domains[i] for i in part} for part in hand.parts]
    assert sorted(map(sorted, domains)) == [["north"], ["north"], ["south"]]


def test_given_follows_the_client_column_in_the_order_of_the_names(tmp_path: Path) -> None:
    """Clients ann, bob and cid own 6 rows each, in turn."""
    dataset, hand = deal(own(tmp_path, partition="given"))
    assert [part.tolist() for part in hand.parts] == [list(range(k, 18, 3)) for k in range(3)]
    assert [dataset.owners[part[0]] for part in hand.parts] == ["ann", "bob", "cid"]


def test_given_needs_as_many_clients_as_there_are_names(tmp_path: Path) -> None:
    scenario = apply(own(tmp_path, partition="given"), {"clients.count": 4})
    with pytest.raises(InputError, match=r"clients.count=4 but .* names 3 clients: set clients.count=3"):
        deal(scenario)


def test_what_each_client_has_samples_of_is_known(tmp_path: Path) -> None:
    """cid's rows have no sound."""
    _, hand = deal(own(tmp_path, partition="given"))
    assert hand.held == ({"image", "sound"}, {"image", "sound"}, {"image"})


def test_a_client_without_modalities_is_refused(tmp_path: Path) -> None:
    """Through sound alone, cid has nothing."""
    with pytest.raises(InputError, match=r"client 2 has none of \['sound'\] in its 6 samples, so it has nothing to"):
        deal(own(tmp_path, partition="given", modalities=["sound"]))


def test_the_cloud_owns_the_public_samples_and_a_client_its_own(tmp_path: Path) -> None:
    dataset, hand = deal(own(tmp_path, partition="given"))
    assert hand.shard(client(-1)).ids == dataset.public.ids == ("public-0", "public-1")
    assert hand.shard(client(1)).ids == tuple(f"train-{i}" for i in range(1, 18, 3))
    assert hand.test.ids == hand.local_test(client(1)).ids == hand.local_truth(client(1)).ids == dataset.test.ids


def test_the_deal_depends_on_the_seed_alone() -> None:
    def parts(seed: int) -> list[list[int]]:
        return [part.tolist() for part in deal(apply(digits(), {"seed": seed}))[1].parts]

    assert parts(1) == parts(1)
    assert parts(1) != parts(2)


SHIFTING = {"partition": "environments", "environments": {"classes": 2, "least": 20, "most": 40, "test_rows": 30}}


def test_environments_deal_by_client_and_step() -> None:
    """Half of the slots have other samples one step later; those of a test are of the same mixture."""
    dataset, hand = deal(digits(**SHIFTING))
    assert all(20 <= size <= 40 for size in hand.sizes)
    before, after = hand.shard(client(3)), hand.shard(client(3, step=1))
    assert len(before) == len(after) == hand.sizes[3]
    assert 0.2 < np.mean([one != other for one, other in zip(before.ids, after.ids, strict=True)]) < 0.8
    assert set(hand.local_test(client(3)).labels.tolist()) == set(before.labels.tolist())
    assert set(hand.local_test(client(3)).ids) <= set(dataset.test.ids)
    assert hand.test is dataset.test


def test_answers_are_judged_by_the_rows_of_the_local_test() -> None:
    _, hand = deal(digits(**SHIFTING))
    for step in (0, 2):
        test, truth = hand.local_test(client(1, step)), hand.local_truth(client(1, step))
        assert (truth.ids, truth.labels.tolist(), truth.inputs) == (test.ids, test.labels.tolist(), {})


def test_a_client_may_come_to_have_every_modality_that_the_data_has(tmp_path: Path) -> None:
    """A third of the rows has no sound."""
    folder = own(tmp_path, partition="environments", environments={"least": 2, "most": 2})
    assert deal(folder)[1].held == ({"image", "sound"},) * 3


def test_public_samples_may_be_of_some_domains_alone(tmp_path: Path) -> None:
    """Both public rows are of the north, and no row moves to the clients."""
    whole, cut = (deal(own(tmp_path, **chosen))[0] for chosen in ({}, {"public_domains": ["north"]}))
    assert cut.public.ids == whole.public.ids == ("public-0", "public-1")
    assert len(cut.train) == len(whole.train) == 18
    with pytest.raises(InputError, match=r"data.public_domains=\['south'\] must be one or more .*, which are north"):
        deal(own(tmp_path, public_domains=["south"]))


def test_samples_of_other_domains_leave_the_public_ones() -> None:
    watch = Samples({"x": torch.zeros(4, 1)}, ids=tuple("abcd"), domains=("p1", "p2", "p1", "p3"))
    dataset = Dataset("watch", watch, watch, watch, ("x",), ())
    assert of_domains(dataset, ("p1", "p3")).ids == ("a", "c", "d")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"partition": "domain"}, "data.partition=domain needs domains, digits has none"),
        ({"partition": "given"}, "data.partition=given needs a client column, digits has none"),
        ({"minimum": 200}, "clients=10 with at least 200 samples each need 2000, but there are 1438"),
        ({"modalities": ["smell"]}, "modality 'smell' must be one of image"),
        ({"public_domains": ["x"]}, r"data.public_domains=\['x'\] must be one or more domains .*, which are none"),
        ({**SHIFTING, "environments": {"classes": 11}}, "data.environments.classes=11 must be at most 10"),
        (
            {**SHIFTING, "environments": {"domains": ["x"]}},
            "data.environments.domains=.* needs samples that have domains",
        ),
    ],
)
def test_what_the_data_does_not_have_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        deal(digits(**changes))


def test_labels_are_needed_to_deal_by_them(tmp_path: Path) -> None:
    write_folder(tmp_path, drop=("label",))
    scenario = apply(SMOKE, {"data": {"name": "parquet", "path": str(tmp_path), "partition": "dirichlet"}})
    with pytest.raises(InputError, match=r"data.partition=dirichlet needs labels"):
        deal(scenario)


def test_recordings_are_dealt_from_the_folder_that_the_path_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two falls of three windows and two other recordings of two; one recording of the four is for the test."""
    monkeypatch.setenv("MLECS_CACHE", str(tmp_path / "cache"))
    data = {"name": "urfall", "path": str(write_urfall(tmp_path / "mine")), "modalities": ["accelerometer"]}
    dataset, hand = deal(apply(SMOKE, {"clients.count": 3, "data": {**data, "partition": "domain"}}))
    assert [len({dataset.train.domains[i] for i in part}) for part in hand.parts] == [1, 1, 1]
    assert len(set(dataset.test.ids)) == 1


def test_recordings_without_a_path_are_refused() -> None:
    with pytest.raises(InputError, match=r"data.name=vast needs data.path=FOLDER"):
        deal(apply(SMOKE, {"data": {"name": "vast"}}))
