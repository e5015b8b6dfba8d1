"""``--set`` reaches every field, typed and checked; a scenario is a value that changes leave as it was."""

import pytest

from mlecs_ray.errors import InputError
from mlecs_ray.scenario.config import Scenario
from mlecs_ray.scenario.overrides import apply, dotted, expand, parse, validate
from scenarios.catalogue import SCENARIOS

SMOKE = SCENARIOS["smoke"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("k=3", 3),
        ("k=0.5", 0.5),
        ("k=true", True),
        ("k=null", None),
        ("k=fedbuff", "fedbuff"),
        ('k="3"', "3"),
        ("k=[1, 2]", [1, 2]),
        ('k={"pi4b": 1}', {"pi4b": 1}),
        ("k=a=b", "a=b"),
        ("k=", ""),
        ("k={broken", "{broken"),
    ],
)
def test_a_value_is_json_where_it_is_json_and_text_elsewhere(text: str, value: object) -> None:
    assert parse(text) == ("k", value)


@pytest.mark.parametrize("text", ["", "k", "=3"])
def test_what_is_no_assignment_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"is not of the form key=value, so it sets nothing"):
        parse(text)


def test_any_depth_is_reached_and_the_original_stays() -> None:
    changed = apply(SMOKE, {"seconds": 5, "clients.availability.mean_on": 2.5, "schedule.buffer": 7})
    assert (changed.seconds, changed.clients.availability.mean_on, changed.schedule.buffer) == (5.0, 2.5, 7)
    assert (SMOKE.seconds, SMOKE.schedule.buffer) == (60.0, 5)
    assert changed.clients.availability.mean_off == SMOKE.clients.availability.mean_off


def test_what_would_be_set_is_known_field_by_field() -> None:
    changes = {"method": "mma", "schedule": {"buffer": 3}, "clients.devices": {"pi4b": 1}, "clients.jitter": 0}
    assert dotted(SMOKE, changes) == ["method.name", "schedule.buffer", "clients.devices.pi4b", "clients.jitter"]


def test_a_mapping_is_replaced_whole_and_extended_by_its_entries() -> None:
    replaced = apply(SMOKE, {"clients.devices": {"pi4b": 1}})
    assert replaced.clients.devices == {"pi4b": 1.0}
    extended = apply(SMOKE, {"clients.devices.jetson-nano": 3})
    assert extended.clients.devices == {"phone-mid": 2.0, "phone-low": 1.0, "pi4b": 1.0, "jetson-nano": 3.0}


def test_a_group_is_replaced_whole_the_rest_of_it_by_defaults() -> None:
    faults = apply(SMOKE, {"clients.faults": {"upload_loss": 0.5}}).clients.faults
    assert (faults.upload_loss, faults.dropout) == (0.5, 0.0)


def test_settings_take_effect_in_their_order() -> None:
    assert apply(SMOKE, {"method.options": {}, "method.options.power": 1.0}).method.options == {"power": 1.0}
    assert apply(SMOKE, {"method.options.power": 1.0, "method.options": {}}).method.options == {}


@pytest.mark.parametrize(
    ("key", "value", "full"),
    [
        ("clients.masks", "fixed", "clients.masks.kind"),
        ("clients.availability", "always", "clients.availability.kind"),
        ("task", "fusion", "task.kind"),
        ("data", "watch", "data.name"),
        ("method", "fedprox", "method.name"),
    ],
)
def test_a_group_with_a_kind_or_a_name_can_be_set_by_it(key: str, value: str, full: str) -> None:
    changed = apply(SMOKE, {key: value})
    group, _, last = full.rpartition(".")
    node = changed
    for part in group.split("."):
        node = getattr(node, part)
    assert getattr(node, last) == value


def test_a_kind_leaves_the_rest_of_its_group_as_it_is() -> None:
    """It is short for setting ``kind``: smoke's own mean_on is 20, and the order of --set does not matter."""
    assert apply(SMOKE, {"clients.availability": "markov"}).clients.availability.mean_on == 20.0
    masks = apply(SMOKE, {"clients.masks.rate": 0.3, "clients.masks": "fixed"}).clients.masks
    assert (masks.kind, masks.rate) == ("fixed", 0.3)


def test_a_key_of_a_variant_is_a_dotted_key() -> None:
    changed = apply(SCENARIOS["stragglers"], {"variants.buffered.schedule.buffer": 9, "variants.new": {"merges": 3}})
    assert changed.variants["buffered"]["schedule.buffer"] == 9
    assert changed.variants["new"] == {"merges": 3}


@pytest.mark.parametrize("key", ["clients.devices.pi4b.x", "title.x", "clients.devices.pi4b.x.y"])
def test_what_has_nothing_inside_cannot_be_set_inside(key: str) -> None:
    with pytest.raises(InputError, match=r"clients.devices.pi4b is 1.0, which has nothing inside|title.x is no key"):
        apply(SMOKE, {key: 1})


def test_text_is_no_number_and_true_is_none_either() -> None:
    for value in ("3", True, 3.0, [3], None):
        with pytest.raises(InputError, match=r"clients.count=.*: input should be a valid integer, so nothing was"):
            apply(SMOKE, {"clients.count": value})
    assert apply(SMOKE, {"local.lr": 1}).local.lr == 1.0


def test_a_broken_rule_between_fields_is_told_by_the_rule() -> None:
    with pytest.raises(InputError, match=r"^schedule: buffer=5 must lie in 1\.\.concurrency=2, or the server never"):
        apply(SMOKE, {"schedule.concurrency": 2})
    with pytest.raises(InputError, match=r"^data.modalities=\[\] must be one or more"):
        apply(SMOKE, {"data.modalities": []})


def test_a_broken_rule_of_a_whole_scenario_names_it() -> None:
    with pytest.raises(InputError, match=r"^a scenario=\[\]: input should be an object, so nothing was started"):
        validate([])


def test_a_position_in_a_list_is_part_of_the_key() -> None:
    with pytest.raises(InputError, match=r"^clients.faults.partitions.1.0=-5"):
        apply(SMOKE, {"clients.faults.partitions": [[0, 1, 0.5], [-5, 1, 0.5]]})


def test_one_scenario_is_one_run() -> None:
    assert expand(SMOKE) == [("", 0, SMOKE)]


def test_a_study_is_every_variant_with_every_seed_reference_first() -> None:
    study = apply(SMOKE, {"seeds": [4, 5], "variants": {"b": {}, "a": {"schedule.buffer": 2}}})
    runs = expand(study)
    assert [(name, seed) for name, seed, _ in runs] == [("b", 4), ("b", 5), ("a", 4), ("a", 5)]
    assert [single.seed for _, _, single in runs] == [4, 5, 4, 5]
    assert [single.schedule.buffer for _, _, single in runs] == [5, 5, 2, 2]
    assert all(single.variants == {} and single.seeds == () for _, _, single in runs)


def test_a_study_of_seeds_alone_has_no_variants() -> None:
    assert [(name, seed) for name, seed, _ in expand(apply(SMOKE, {"seeds": [4, 5]}))] == [("", 4), ("", 5)]


def test_a_mistake_in_a_variant_is_told_with_its_name() -> None:
    with pytest.raises(InputError, match=r"^variants.slow: schedule.bufer is no key .*did you mean schedule.buffer"):
        expand(apply(SMOKE, {"variants": {"slow": {"schedule.bufer": 3}}}))


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_shipped_scenario_comes_back_from_its_plain_values(name: str) -> None:
    raw = SCENARIOS[name].model_dump(mode="json")
    assert validate(raw) == SCENARIOS[name]
    assert isinstance(validate(raw), Scenario)
