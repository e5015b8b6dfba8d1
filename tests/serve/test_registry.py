"""What a request's model means."""

import dataclasses
from pathlib import Path

import pytest

from mlecs_ray.errors import InputError
from mlecs_ray.run.bundle import adopt
from mlecs_ray.serving.rollout import Rules
from serve.faults import Absent
from serve.protocol import Wish
from serve.registry import STATE, Registry, open_registry
from tests.serve.fakes import write_artifact
from tests.serving import spoken


def _registry(only: tuple[str, ...] = (), above: str | None = None) -> Registry:
    run = spoken.run()
    version = adopt(run / "artifact", run / "store").version
    return open_registry(run / "store", version, "cascade", only, above, Rules())


def test_auto_means_both_sides_and_the_servers_policy() -> None:
    chosen = _registry().choose("auto", Wish())
    assert chosen.route.edge is not None
    assert chosen.route.edge.startswith("tiny-edge")
    assert (chosen.route.cloud, chosen.policy, chosen.bound) == ("cloud", "cascade", False)
    assert _registry().choose("auto", Wish(policy="cloud")).policy == "cloud"


def test_a_name_means_one_model_alone() -> None:
    registry = _registry()
    chosen = registry.choose("client-1", Wish())
    assert (chosen.route.edge, chosen.policy, chosen.bound) == ("client-1", "edge", True)
    assert registry.choose("cloud", Wish()).policy == "cloud"
    assert registry.choose("edge", Wish()).route.edge == registry.choose("auto", Wish()).route.edge


def test_a_client_or_a_domain_choose_the_edge() -> None:
    registry = _registry()
    assert registry.choose("auto", Wish(client=1)).route.edge == "client-1"
    assert registry.choose("auto", Wish(domain="south")).route.edge == "client-0"
    with pytest.raises(Absent, match="client 9 keeps no model"):
        registry.choose("auto", Wish(client=9))
    with pytest.raises(Absent, match=r"domain 'west' is none of \['north', 'south'\]"):
        registry.choose("auto", Wish(domain="west"))


def test_a_version_can_be_named() -> None:
    registry = _registry()
    version = registry.rollout.stable
    assert registry.choose(f"cloud@{version}", Wish()).route.model("cloud") == f"cloud@{version}"
    with pytest.raises(Absent, match="version '1-00000000' is none of"):
        registry.choose("cloud@1-00000000", Wish())


def test_an_unknown_model_is_told_the_nearest() -> None:
    with pytest.raises(Absent, match="did you mean cloud"):
        _registry().choose("clowd", Wish())


def test_one_model_is_not_two() -> None:
    registry = _registry()
    for wish in (Wish(client=1), Wish(domain="south")):
        with pytest.raises(InputError, match="model 'client-0' is one model, so client and domain choose nothing"):
            registry.choose("client-0", wish)
        assert registry.choose("edge", wish).route.edge is not None
    with pytest.raises(ValueError, match="leave one of them out"):
        Wish(client=1, domain="south")
    with pytest.raises(Absent, match="makes vectors of words and says nothing"):
        registry.choose("minilm", Wish())
    with pytest.raises(Absent, match="'gpt-4o' is not served; there are auto, edge and others: GET"):
        registry.choose("gpt-4o", Wish())


def test_only_those_that_were_chosen_are_served() -> None:
    registry = _registry(("client-1",))
    assert {card.id for card in registry.models()} == {"auto", "edge", "client-1", "cloud", "minilm"}
    assert registry.choose("auto", Wish()).route.edge == "client-1"
    with pytest.raises(InputError, match="model 'client-99' is not in version"):
        _registry(("client-99",))


def test_another_cloud_or_none_can_be_chosen() -> None:
    assert _registry(above="none").choose("auto", Wish()).policy == "edge"
    route = _registry(above="client-0").choose("auto", Wish()).route
    assert (route.cloud, route.edge != "client-0") == ("client-0", True)
    # The one that has learned most answers as the cloud, and not on both sides.
    route = _registry(("client-0", "client-1"), above="client-1").choose("auto", Wish()).route
    assert (route.edge, route.cloud) == ("client-0", "client-1")
    with pytest.raises(InputError, match="model 'nobody' is not in version"):
        _registry(above="nobody")


def test_a_version_on_trial_is_listed_under_its_full_names_and_gets_its_share(tmp_path: Path) -> None:
    first, second = (write_artifact(tmp_path, merges, words=True) for merges in (6, 8))
    registry = open_registry(tmp_path, first, "cascade", (), None, Rules(share=0.5))
    registry.add(second)
    registry.rollout.begin(second)
    assert f"cloud@{second}" in {card.id for card in registry.models()}
    chosen = {registry.choose("auto", Wish()).route.version for i in range(50)}
    assert chosen == {first, second}
    assert registry.choose(f"auto@{first}", Wish()).route.version == first


def test_old_versions_go_but_never_those_in_use(tmp_path: Path) -> None:
    names = [write_artifact(tmp_path, merges, words=False) for merges in range(1, 9)]
    registry = open_registry(tmp_path, names[0], "edge", (), None, Rules())
    for name in names[1:]:
        registry.add(name)
    assert set(registry.versions) == {names[0], *names[-4:]}


def test_metrics_know_the_models_by_name() -> None:
    registry = _registry()
    assert "cloud" in registry
    assert "auto" in registry
    assert "someone" not in registry


def test_a_client_without_a_threshold_of_its_own_has_that_of_its_structure(tmp_path: Path) -> None:
    version = open_registry(tmp_path, write_artifact(tmp_path, 6, words=True), "edge", (), None, Rules()).versions
    one = next(iter(version.values()))
    card = dataclasses.replace(one.cards["edge"], name="client-3", client=3)
    assert one.calibration(card) == one.calibrations["edge"]


def _two(tmp_path: Path) -> tuple[Registry, str, str]:
    first, second = (write_artifact(tmp_path, merges, words=True) for merges in (6, 8))
    registry = open_registry(tmp_path, first, "cascade", (), None, Rules(share=0.5))
    registry.began = "a start"
    registry.add(second)
    registry.rollout.begin(second)
    registry.rollout.promote()
    return registry, first, second


def test_a_gateway_that_is_started_anew_goes_on_with_who_answered(tmp_path: Path) -> None:
    registry, first, second = _two(tmp_path)
    registry.remember()
    again = open_registry(tmp_path, first, "cascade", (), None, Rules())
    again.began = "a start"
    again.recall()
    assert (again.rollout.stable, again.rollout.previous) == (second, first)
    assert again.choose("auto", Wish()).route.version == second
    other = open_registry(tmp_path, first, "cascade", (), None, Rules())
    other.began = "another start"
    other.recall()
    assert other.rollout.stable == first


def test_a_damaged_version_to_go_back_to_does_not_keep_the_gateway_from_starting(tmp_path: Path) -> None:
    registry, first, second = _two(tmp_path)
    registry.remember()
    third = write_artifact(tmp_path, 9, words=True)
    next((tmp_path / first).rglob("*.safetensors")).write_bytes(b"")
    again = open_registry(tmp_path, third, "cascade", (), None, Rules())
    again.began = "a start"
    again.recall()
    assert (again.rollout.stable, again.rollout.previous) == (second, None)


@pytest.mark.parametrize(
    "damaged", ["", "{", "[]", "5", '{"began": "a start"}', '{"began": "a start", "stable": null}']
)
def test_a_damaged_record_of_who_answers_is_none(tmp_path: Path, damaged: str) -> None:
    first = write_artifact(tmp_path, 6, words=True)
    registry = open_registry(tmp_path, first, "cascade", (), None, Rules())
    registry.began = "a start"
    (tmp_path / STATE).write_text(damaged)
    registry.recall()
    assert registry.rollout.stable == first


def test_a_version_that_may_come_back_is_never_forgotten(tmp_path: Path) -> None:
    registry, first, second = _two(tmp_path)
    for version in (first, second):
        registry.forget(version)
    assert set(registry.versions) == {first, second}


def test_an_old_version_is_read_again_where_someone_asks_for_it(tmp_path: Path) -> None:
    names = [write_artifact(tmp_path, merges, words=True) for merges in range(1, 8)]
    registry = open_registry(tmp_path, names[-1], "edge", (), None, Rules())
    assert registry.choose(f"cloud@{names[0]}", Wish()).route.version == names[0]
    with pytest.raises(Absent):
        registry.choose("cloud@../../etc", Wish())
