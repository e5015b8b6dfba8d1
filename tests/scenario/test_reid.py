"""From a scenario to people that are found: data as student and teacher read it, the methods, and what is refused."""

from pathlib import Path

import pytest

from mlecs_ray.data import assets
from mlecs_ray.errors import InputError
from mlecs_ray.method import cloud_trains
from mlecs_ray.methods.fedavg import FedAvg
from mlecs_ray.methods.reid.schooled import Schooled
from mlecs_ray.methods.reid.system import Cameras
from mlecs_ray.run.local import run_locally
from mlecs_ray.run.records import read_run
from mlecs_ray.scenario.build import Built, build
from mlecs_ray.scenario.deal import deal, read
from mlecs_ray.scenario.overrides import apply
from mlecs_ray.scenario.reid import Lowered, cloud_of, known_of_test, student_of, teacher_of
from scenarios.smoke import SCENARIO as SMOKE
from tests.scenario import persons


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """People, a teacher and assets, and a cache of these tests' own."""
    folder = tmp_path_factory.mktemp("people")
    persons.write_regdb(folder / "regdb")
    persons.write_teacher(folder / "teacher")
    persons.write_assets(folder / "assets")
    return folder


@pytest.fixture(autouse=True)
def world(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLECS_CACHE", str(written / "cache"))
    monkeypatch.setattr(assets, "find", persons.Fetched(written / "assets"))


def built(written: Path, **changes: object) -> Built:
    return build(persons.scenario(written / "regdb", written / "teacher", **changes))


def test_student_and_teacher_read_the_same_rows(written: Path) -> None:
    """Both views are split alike, so that what the teacher makes of a row is about what the student sees in it."""
    scenario = persons.scenario(written / "regdb", written / "teacher")
    mine, raw = deal(scenario)[0], read(scenario)
    assert mine.public.ids == raw.public.ids
    assert mine.test.domains == raw.test.domains
    assert mine.public.inputs["rgb"].shape[1:] == (96, 2, 2)
    assert raw.public.inputs["rgb"].shape[1:] == (3, 288, 144)
    lowered = student_of(scenario).lower("rgb", raw.public.inputs["rgb"])
    there = raw.public.present["rgb"]
    assert (mine.public.inputs["rgb"][there] - lowered[there]).abs().max() < 0.05


def test_a_run_teaches_first_and_then_the_cameras_learn(written: Path, tmp_path: Path) -> None:
    scenario = persons.scenario(written / "regdb", written / "teacher")
    outcome = run_locally(scenario, tmp_path / "run")
    assert outcome.finished
    assert {"map", "rank1_ir_rgb", "map_edgecloud", "map_cloud"} <= outcome.progress.last.keys()
    assert all(0 <= value <= 1 for value in outcome.progress.last.values())
    traffic = read_run(tmp_path / "run").traffic
    assert set(traffic["role"]) == {"edge", "cloud"}
    again = run_locally(scenario, tmp_path / "again")
    assert (again.state_digest, again.events_digest) == (outcome.state_digest, outcome.events_digest)


def test_what_the_teacher_finds_does_not_change_while_cameras_learn(written: Path, tmp_path: Path) -> None:
    run_locally(persons.scenario(written / "regdb", written / "teacher"), tmp_path / "run")
    metrics = read_run(tmp_path / "run").metrics
    by = metrics[metrics["scope"] == "global"].groupby("metric")["value"]
    assert by.nunique()["map_cloud"] == 1


@pytest.mark.parametrize(("name", "kind"), [("mllmembedreid", Cameras), ("fedavg", FedAvg)])
def test_any_method_begins_with_the_student_that_the_cloud_has_taught(
    written: Path, name: str, kind: type[object]
) -> None:
    method = built(written, method={"name": name}).method
    assert isinstance(method, kind)
    assert isinstance(method.task, Schooled)  # type: ignore[attr-defined]  # both have one
    assert cloud_trains(method) == (name == "mllmembedreid")


def test_nobody_is_taught_before_a_run_begins(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLECS_CACHE", str(written / "untouched"))
    built(written)
    # What the frozen part makes of them may be in memory by now.
    assert {path.name.split("-")[1] for path in (written / "untouched" / "derived").glob("reid-*")} <= {"lower"}


def test_the_teacher_answers_as_its_cached_features_have_it(written: Path) -> None:
    scenario = persons.scenario(written / "regdb", written / "teacher")
    dataset, raw = deal(scenario)[0], read(scenario)
    cloud = cloud_of(scenario, dataset.public)
    known = known_of_test(scenario, cloud, dataset.test)["rgb"]
    row = int(raw.test.present["rgb"].nonzero()[0])
    alone = teacher_of(cloud).embed("rgb", raw.test.inputs["rgb"][row : row + 1])
    assert (known[row] - alone[0]).abs().max() < 1e-4
    assert teacher_of(cloud).parameters > 10_000


def test_students_of_other_sides_read_otherwise(written: Path) -> None:
    usual = persons.scenario(written / "regdb", written / "teacher")
    other = apply(usual, {"reid.student.side": 64})
    assert Lowered(student_of(usual)) != Lowered(student_of(other))
    assert deal(other)[0].test.inputs["rgb"].shape[1:] == (96, 4, 4)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"evaluation__metrics": ["accuracy"]}, "metric 'accuracy' does not go with task.kind=reid"),
        ({"evaluation__metrics": ["map_text_rgb"]}, "searches by text, and regdb has ir, rgb alone"),
        ({"data__modalities": ["rgb"]}, "is a mean over pairs of modalities, and regdb has rgb alone: name the pair"),
        ({"reid__student__taught_steps": 0}, "again=1 needs a teacher, but reid.student.taught_steps=0"),
        (
            {"reid__student__taught_steps": 0, "method": {"name": "fedavg"}},
            "metric 'map_edgecloud' needs a teacher",
        ),
        ({"data__public_share": 0.0}, "data.public_share leaves the cloud 0 identities"),
        ({"method": {"name": "mllmembedreid", "options": {"anker": 1}}}, "anker is no option of mllmembedreid"),
        ({"method": {"name": "mllmembedreid", "options": {"anchor": -1.0}}}, "anchor=-1.0 must be 0 or more"),
        ({"reid__student__trained": 3}, "trained=3 must lie in 1..layers=2"),
        ({"reid__teacher__model": "nowhere/at-all"}, "nowhere/at-all must be a language model or a vision-language"),
        ({"reid__distillation": {"cm": 0, "pcm": 0, "fr": 0, "task": 0}}, "not all 0"),
    ],
)
def test_what_cannot_run_is_refused_before_anything_is_learned(
    written: Path, changes: dict[str, object], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        built(written, **changes)


def test_data_of_other_things_is_refused() -> None:
    with pytest.raises(InputError, match=r"task\.kind=reid finds people, and data\.name=digits has none: choose one"):
        apply(SMOKE, {"task.kind": "reid", "evaluation.metrics": ["map"]})


def test_a_search_needs_the_task() -> None:
    with pytest.raises(InputError, match=r"method\.name=mllmembedreid needs task\.kind=reid.*task\.kind=mlp"):
        build(apply(SMOKE, {"method": "mllmembedreid", "runtime.backend": "local"}))
    with pytest.raises(InputError, match=r"metric 'map' does not go with task\.kind=mlp"):
        build(apply(SMOKE, {"evaluation.metrics": ["map"], "runtime.backend": "local"}))
    with pytest.raises(InputError, match=r"reid needs task\.kind=reid, here mlp"):
        apply(SMOKE, {"reid.student.side": 64})
