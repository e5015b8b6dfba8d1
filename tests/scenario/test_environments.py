"""What surrounds clients, as keys of a scenario."""

from dataclasses import fields
from typing import Any, get_args

import pytest
from pydantic import ValidationError

from mlecs_ray.data.corruption import CORRUPTIONS
from mlecs_ray.data.environment import NONE, Rules
from mlecs_ray.errors import InputError
from mlecs_ray.scenario.config import DataConfig, EvaluationConfig
from mlecs_ray.scenario.environments import Corruption, EnvironmentsConfig
from mlecs_ray.scenario.overrides import apply
from tests.small import small_scenario


def test_every_corruption_can_be_named() -> None:
    assert set(get_args(Corruption)) == {NONE, *CORRUPTIONS}


def test_rules_and_keys_have_the_same_defaults() -> None:
    config, rules = EnvironmentsConfig(), Rules()
    names = {field.name for field in fields(Rules)}
    assert {name: getattr(config, name) for name in names} == {name: getattr(rules, name) for name in names}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"least": 20, "most": 10}, "data.environments.least=20 must be at most most=10"),
        ({"contexts": 3}, "data.environments.contexts=3 needs classes"),
        ({"ordered": True}, "ordered=true needs a list of domains, domains=None has none"),
        ({"ordered": True, "domains": "all"}, "ordered=true needs a list of domains, domains=all has none"),
        ({"stay": 3}, "data.environments.stay=3 needs ordered=true and a list of domains, or nobody stays in any"),
        ({"stay": 3, "domains": ("a", "b")}, "data.environments.stay=3 needs ordered=true"),
        ({"domains": ()}, r"data.environments.domains=\[\] must be one or more different names"),
        ({"domains": ("a", "a")}, "must be one or more different names"),
        ({"corruptions": ("blurr",)}, "Input should be 'none', 'noise'"),
        ({"severity": 0.0}, "greater than 0"),
        ({"share": 1.1}, "less than or equal to 1"),
        ({"shifts": -1}, "greater than or equal to 0"),
    ],
)
def test_a_value_that_could_not_be_is_none(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        EnvironmentsConfig(**given)


def test_environments_without_their_partition_are_refused() -> None:
    with pytest.raises(ValidationError, match=r"data.environments need data.partition=environments, here iid"):
        DataConfig(environments=EnvironmentsConfig(classes=2))
    assert DataConfig(partition="environments").environments.share == 0.5


def test_clients_are_measured_on_their_own_tests_where_some_are_chosen() -> None:
    with pytest.raises(ValidationError, match=r"evaluation.local=true needs evaluation.clients of 1 or more"):
        EvaluationConfig(local=True)


def test_every_key_can_be_set_by_its_dotted_name() -> None:
    changed = apply(
        small_scenario(data={"partition": "environments"}),
        {"data.environments.domains": ["b", "a"], "data.environments.corruptions": ["blur"]},
    )
    assert changed.data.environments.domains == ("b", "a")
    assert apply(changed, {"data.environments.domains": "all"}).data.environments.domains == "all"
    with pytest.raises(InputError, match=r"data.environments.corruptions.*'rotat'.*'rotate'"):
        apply(changed, {"data.environments.corruptions": ["rotat"]})
