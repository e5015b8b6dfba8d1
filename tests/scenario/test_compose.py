"""Methods by name, by option, by file, and around one another."""

from pathlib import Path
from typing import Any

import pytest

from mlecs_ray.data.pool import Dataset
from mlecs_ray.errors import InputError
from mlecs_ray.method import Arrival, Client, Job, Method
from mlecs_ray.methods.fedavg import FedAvg
from mlecs_ray.methods.optimizers import SGD, AdamW
from mlecs_ray.scenario.compose import (
    WRAPPERS,
    hyperparameters,
    make_local,
    make_method,
    system_parts,
)
from mlecs_ray.scenario.config import LocalConfig
from mlecs_ray.scenario.deal import deal
from mlecs_ray.scenario.learn import make_task
from mlecs_ray.scenario.names import ADAPTATIONS, METHODS, SEARCHES, SYSTEMS, WRAPS
from mlecs_ray.scenario.overrides import apply
from mlecs_ray.tree import tree_digest
from scenarios.smoke import SCENARIO as SMOKE
from tests.methods import fleet
from tests.server.fakes import BUDGET

SCAFFOLD = Path(__file__).parents[2] / "examples" / "scaffold.py"
OPTIONS: dict[str, dict[str, Any]] = {
    "fedavg": {},
    "fedprox": {"mu": 0.1},
    "fedopt": {"kind": "yogi", "lr": 0.05, "betas": [0.9, 0.95]},
    "fedasync": {"alpha": 0.3, "staleness": "hinge"},
    "fedbuff": {"lr": 0.5, "power": 1.0},
    "fedat": {"tiers": 3},
    "mma": {"weighting": "samples", "power": 0.0},
}

NEEDED = {"fedprox": {"mu": 0.1}}
"""Options without a usual value."""


def digits() -> Dataset:
    return deal(SMOKE)[0]


def method(name: str, options: dict[str, Any] | None = None, **changes: Any) -> Method:
    scenario = apply(SMOKE, {"method": {"name": name, "options": options or {}}, **changes})
    return make_method(scenario, make_task(scenario, digits().shape), digits().public)


def test_every_shipped_method_is_tried_here() -> None:
    assert {*OPTIONS, *SYSTEMS, *ADAPTATIONS, *SEARCHES} == set(METHODS)


@pytest.mark.parametrize("name", OPTIONS)
def test_a_shipped_method_is_made_with_and_without_options(name: str) -> None:
    assert method(name, NEEDED.get(name)).init(0)
    made = method(name, OPTIONS[name], **{"schedule.tiers": OPTIONS[name].get("tiers", 1)})
    for option, value in OPTIONS[name].items():
        assert getattr(made, option) == (tuple(value) if isinstance(value, list) else value)


def test_fedat_has_the_tiers_of_the_schedule() -> None:
    assert method("fedat", None, **{"schedule.tiers": 4}).tiers == 4
    with pytest.raises(InputError, match=r"method.options.tiers=2 must be schedule.tiers=4"):
        method("fedat", {"tiers": 2}, **{"schedule.tiers": 4})


@pytest.mark.parametrize("name", OPTIONS)
def test_an_option_that_a_method_does_not_have_is_refused(name: str) -> None:
    with pytest.raises(InputError, match=f"method.options.colour is no option of {name}, so nothing was started"):
        method(name, {"colour": "red"})


def test_an_option_without_a_usual_value_must_be_set() -> None:
    with pytest.raises(InputError, match=r"method.options.mu must be set for fedprox, which has no usual value for it"):
        method("fedprox")


def test_an_option_out_of_range_is_refused_by_its_rule() -> None:
    with pytest.raises(InputError, match=r"method.options: power=-1 must be 0 or above"):
        method("fedbuff", {"power": -1})


def test_an_option_of_another_type_is_refused() -> None:
    with pytest.raises(
        InputError, match=r"method.options.power='big' must be a finite number, or fedbuff cannot be made"
    ):
        method("fedbuff", {"power": "big"})


def test_the_parts_that_a_method_is_given_are_no_options() -> None:
    for name in OPTIONS:
        with pytest.raises(InputError, match=r"is no option"):
            method(name, {"task" if name == "fedavg" else "base": 3})
    assert not {"base", "task", "local"} & {key for kind in WRAPPERS.values() for key in hyperparameters(kind)}


@pytest.mark.parametrize(("name", "hint"), [("fedbuf", "did you mean fedbuff"), ("zzz", "known are fedavg, fedprox")])
def test_an_unknown_method_gets_a_hint(name: str, hint: str) -> None:
    with pytest.raises(InputError, match=f"method.name='{name}' is no method, so nothing was started; {hint}"):
        method(name)


def test_a_method_of_ones_own_is_loaded_from_its_file() -> None:
    made = method(f"{SCAFFOLD}:Scaffold", **{"local.momentum": 0.0})
    assert type(made).__name__ == "Scaffold"
    assert set(made.init(0)) == {"base", "c", "seen"}


WHOLE = "".join(
    f"    def {name}(self, *args): ...\n" for name in ("init", "assign", "work", "train", "merge", "predictor")
)
BROKEN = {
    "x =": "cannot be imported: SyntaxError",
    "y = 3": "defines no class 'Mine'",
    "Mine = 3": "defines no class 'Mine'",
    "def Mine(base): return base": "defines no class 'Mine'",
    "class Mine: pass": r"class Mine has no init\(\), so it is no method: it needs init, assign, work, train",
    f"class Mine:\n{WHOLE}": "do not fit .*Mine.* takes no arguments",
    f"class Mine:\n    def __init__(self, base, x): pass\n{WHOLE}": "method.options.x must be set for .*Mine",
}


@pytest.mark.parametrize("text", BROKEN)
def test_a_broken_method_of_ones_own_is_refused_by_its_file(tmp_path: Path, text: str) -> None:
    (tmp_path / "own.py").write_text(text)
    with pytest.raises(InputError, match=BROKEN[text]) as refusal:
        method(f"{tmp_path}/own.py:Mine")
    assert "own.py" in str(refusal.value)


@pytest.mark.parametrize("name", ["no.py:Mine", ".:Mine", ":", ":Mine", "no.py:"])
def test_a_file_that_is_not_there_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"is no file, so there is nothing to load from it"):
        method(name)


def test_clients_train_as_configured() -> None:
    local = make_local(
        LocalConfig(lr=0.3, momentum=0.5, weight_decay=0.1, batch=7, epochs=3, steps=9, clip=2.0, anneal=True)
    )
    assert local.optimizer == SGD(0.3, 0.5, 0.1)
    assert (local.batch, local.epochs, local.steps, local.clip, local.anneal) == (7, 3, 9, 2.0, True)
    assert isinstance(make_local(LocalConfig(optimizer="adamw", lr=1e-3)).optimizer, AdamW)


def wrapped(outer: str, inner: str) -> Method:
    """``outer`` around ``inner``, each with the options that it needs."""
    changes = {"method.base": {"name": inner, "options": NEEDED.get(inner, {})}}
    return method(outer, NEEDED.get(outer), **changes)


@pytest.mark.parametrize(("outer", "inner"), [(outer, inner) for outer, able in WRAPS.items() for inner in able])
def test_a_method_wraps_another(outer: str, inner: str) -> None:
    made = wrapped(outer, inner)
    assert (type(made), type(made.base), type(made.base.base)) == (WRAPPERS[outer], WRAPPERS[inner], FedAvg)
    state = made.init(0)
    client = Client(0, frozenset(("image",)), BUDGET, "pi4b", 8)
    job = Job(client, 0, 1, made.assign(state, client))
    update = made.train(job, digits().train.take(range(8)), {})
    assert tree_digest(made.merge(state, [Arrival(client, update, 0)])) != tree_digest(state)


@pytest.mark.parametrize(
    ("outer", "inner", "way_out"),
    [
        ("fedasync", "fedopt", "fedopt goes inside fedbuff, mma"),
        ("mma", "fedbuff", "fedbuff goes inside fedopt"),
        ("fedavg", "fedprox", "fedprox goes inside fedopt, fedasync, fedbuff, fedat, mma"),
        ("fedprox", "fedasync", "make method.name=fedasync"),
    ],
)
def test_a_pair_that_does_not_work_is_refused_with_the_way_out(outer: str, inner: str, way_out: str) -> None:
    with pytest.raises(InputError, match=f"method.name={outer} cannot wrap method.base.name={inner}.*{way_out}"):
        wrapped(outer, inner)


def test_fedavg_wraps_nothing_of_ones_own() -> None:
    with pytest.raises(InputError, match=r"method.name=fedavg cannot wrap method.base.name=.*Scaffold"):
        method("fedavg", **{"method.base": f"{SCAFFOLD}:Scaffold"})


def test_what_a_constructor_of_ones_own_raises_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(f"class Mine:\n    def __init__(self, base): base.nothing\n{WHOLE}")
    with pytest.raises(InputError, match=r"do not fit .*own.py:Mine: 'FedAvg' object has no attribute 'nothing'"):
        method(f"{tmp_path}/own.py:Mine")


def test_what_is_wrong_inside_is_named_by_its_key() -> None:
    with pytest.raises(InputError, match=r"method.base.options.colour is no option of mma"):
        method("fedopt", **{"method.base": {"name": "mma", "options": {"colour": "red"}}})
    with pytest.raises(InputError, match=r"method.base.name='mm' is no method.*did you mean mma"):
        method("fedopt", **{"method.base": "mm"})


def test_another_method_starts_without_the_base_of_the_one_before() -> None:
    scenario = apply(SMOKE, {"method": "fedopt", "method.base": "mma", "method.base.options.power": 1.0})
    assert scenario.method.base.options == {"power": 1.0}
    assert apply(scenario, {"method": "fedavg"}).method.base.name == "fedavg"


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_system_needs_captions_and_a_cloud_model(name: str) -> None:
    with pytest.raises(InputError, match=rf"method.name={name} needs task.kind=caption and task.cloud_llm"):
        method(name)


@pytest.mark.parametrize(
    ("instruction", "heard"),
    [("Caption:", "Caption, without considering the modality:"), ("Say", "Say, without considering the modality")],
)
def test_what_a_system_adds_to_the_instruction_comes_before_the_colon(
    tmp_path: Path, instruction: str, heard: str
) -> None:
    changes = {"task.kind": "caption", "task.cloud_llm": "edge-base", "task.instruction": instruction}
    made = make_method(apply(SMOKE, {**changes, "method.name": "fedmllm"}), fleet.task(tmp_path), fleet.samples())
    assert made.task.instruction == heard


def test_ranks_that_differ_are_for_systems() -> None:
    changes = {"task.kind": "caption", "task.slms": ["edge-base", "edge-small"], "task.ranks": {"edge-small": 4}}
    with pytest.raises(InputError, match=r"task.ranks=\{'edge-small': 4\} differ from task.rank=8"):
        make_method(apply(SMOKE, changes), make_task(SMOKE, digits().shape), digits().public)


@pytest.mark.parametrize("key", ["task.ranks", "task.fusions"])
def test_what_names_no_structure_is_refused(key: str) -> None:
    value = {"edge-big": 4 if key == "task.ranks" else "pooling"}
    with pytest.raises(InputError, match=rf"{key} names 'edge-big', which is none of task.slms"):
        method("fedavg", **{key: value})


@pytest.mark.parametrize(
    ("name", "options", "meet", "words"),
    [
        ("mlecs", {}, True, True),
        ("mlecs", {"words": False}, True, False),
        ("mlecs", {"without": ["seccl"]}, True, True),
        ("mlecs", {"without": ["ccl"]}, False, False),
        ("creamfl", {}, True, False),
        *((name, {}, False, False) for name in ("standalone", "multifedavg", "fedilora", "fedmllm", "coplms")),
    ],
)
def test_edge_and_cloud_meet_where_clients_learn_by_anchors(
    name: str, options: dict[str, Any], meet: bool, words: bool
) -> None:
    parts = system_parts(apply(SMOKE, {"method": {"name": name, "options": options}}))
    assert (parts.meet, parts.words_meet) == (meet, words)
