"""People as they are served: what a request shows is read as in the run, and found by what the run has learned."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch

from mlecs_ray.data.encoding import Frozen, samples_of
from mlecs_ray.errors import InputError
from mlecs_ray.methods.reid.cloud import Cloud
from mlecs_ray.run.artifact import TEACHER
from mlecs_ray.run.bundle import Bundle, adopt
from mlecs_ray.run.local import run_locally
from mlecs_ray.samples import Samples
from mlecs_ray.scenario.config import Scenario
from mlecs_ray.scenario.deal import deal, read
from mlecs_ray.scenario.overrides import apply
from mlecs_ray.scenario.reid import cloud_of, known_of_test
from mlecs_ray.serving.host import Ask, Host
from mlecs_ray.serving.people import Reader, people_of
from mlecs_ray.serving.turns import Turn
from serve.spaces import shared, space_of
from serve.version import Version
from tests.serving import found


@pytest.fixture(scope="module", params=found.TEACHERS)
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Scenario, Bundle]:
    return found.run(tmp_path_factory.mktemp("served"), request.param)


@pytest.fixture(autouse=True)
def world(served: tuple[Scenario, Bundle]) -> Iterator[None]:
    with found.world(served[1].folder.parents[1]):
        yield


@pytest.fixture
def host(served: tuple[Scenario, Bundle]) -> Host:
    return Host(served[1].folder.parent)


def asked(bundle: Bundle, modality: str, raw: torch.Tensor) -> Samples:
    """What a request with this picture becomes."""
    frozen = Frozen(people=people_of(bundle))
    return samples_of("regdb", {modality: raw}, bundle.row_widths, frozen)


@pytest.mark.parametrize("modality", ["rgb", "ir"])
def test_a_picture_is_read_as_the_run_read_it(served: tuple[Scenario, Bundle], modality: str) -> None:
    scenario, bundle = served
    raw, lowered = read(scenario).test, deal(scenario)[0].test
    row = int(raw.present[modality].nonzero()[0])
    shown = raw.inputs[modality][row].expand(3, -1, -1)
    mine = bundle.own_rows(bundle.card("model"), asked(bundle, modality, shown)).inputs[modality][0]
    assert torch.allclose(mine, lowered.inputs[modality][row].float().flatten(), atol=0.02)


def test_what_was_measured_is_what_is_served(served: tuple[Scenario, Bundle], host: Host) -> None:
    """The vector of a picture is the one that evaluation compared."""
    scenario, bundle = served
    raw, lowered = read(scenario).test, deal(scenario)[0].test
    row = int(raw.present["rgb"].nonzero()[0])
    resident = host.load(f"model@{bundle.version}")
    task = bundle.searcher
    assert task is not None
    measured = task.predictor(resident.params, resident.client)(lowered.take([row]))[0]["rgb"]
    vector = host.embed(resident, asked(bundle, "rgb", raw.inputs["rgb"][row]))
    assert vector.norm().item() == pytest.approx(1, abs=1e-5)
    assert torch.allclose(vector, torch.from_numpy(measured), atol=5e-3)


@pytest.mark.parametrize("modality", ["rgb", "ir"])
def test_the_teacher_answers_as_it_was_measured(served: tuple[Scenario, Bundle], host: Host, modality: str) -> None:
    scenario, bundle = served
    raw, dataset = read(scenario).test, deal(scenario)[0]
    row = int(raw.present[modality].nonzero()[0])
    known = known_of_test(scenario, cloud_of(scenario, dataset.public), dataset.test)[modality][row]
    resident = host.load(f"{TEACHER}@{bundle.version}")
    shown = raw.inputs[modality][row].expand(3, -1, -1)
    vector = host.embed(resident, asked(bundle, modality, shown))
    assert torch.allclose(vector, torch.nn.functional.normalize(known, dim=0), atol=0.02)


def test_the_students_space_is_the_teachers(served: tuple[Scenario, Bundle], host: Host) -> None:
    _, bundle = served
    resident = host.load(f"{TEACHER}@{bundle.version}")
    version = Version(bundle, bundle.cards, {})
    assert version.cloud() == bundle.card(TEACHER)
    assert space_of(version, resident.id, words=True) == space_of(version, f"model@{version.name}", words=False)


def test_the_teachers_answers_cost_what_it_computes(served: tuple[Scenario, Bundle]) -> None:
    _, bundle = served
    mine, theirs = (bundle.answer_flops(bundle.card(name), "rgb") for name in (TEACHER, "model"))
    assert mine > 0
    assert mine != theirs


def test_answers_that_are_asked_for_at_once_are_those_of_each_alone(
    served: tuple[Scenario, Bundle], host: Host
) -> None:
    """Student and teacher may share modules, in which their weights stand in turns."""
    scenario, bundle = served
    raw = read(scenario).test
    rows = [asked(bundle, "rgb", raw.inputs["rgb"][row]) for row in raw.present["rgb"].nonzero()[:, 0].tolist()]
    residents = [host.load(f"{name}@{bundle.version}") for name in ("model", TEACHER)]
    alone = [host.embed(resident, row) for row in rows for resident in residents]
    with ThreadPoolExecutor(8) as pool:
        at_once = list(pool.map(lambda pair: host.embed(*pair), [(r, row) for row in rows for r in residents] * 4))
    assert all(torch.equal(mine, alone[i % len(alone)]) for i, mine in enumerate(at_once))


def test_a_teacher_is_one_for_all_versions_that_have_it(served: tuple[Scenario, Bundle], host: Host) -> None:
    for _ in range(2):
        host.searchers.warm(host.load(f"{TEACHER}@{served[1].version}"))
    assert len(host.searchers._teachers) == 1


def test_rows_that_hold_nothing_for_the_teacher_are_refused(served: tuple[Scenario, Bundle], host: Host) -> None:
    _, bundle = served
    frozen = Frozen(people=Reader(bundle.searcher.student, bundle.shape.widths)) if bundle.searcher else Frozen()
    picture = torch.zeros(3, 16, 8, dtype=torch.uint8)
    before = samples_of("regdb", {"rgb": picture}, dict(bundle.shape.widths), frozen)
    assert host.embed(host.load(f"model@{bundle.version}"), before).norm().item() == pytest.approx(1, abs=1e-5)
    with pytest.raises(InputError, match="began with a version without this teacher"):
        host.embed(host.load(f"{TEACHER}@{bundle.version}"), before)


def test_a_teacher_of_another_language_model_is_refused(served: tuple[Scenario, Bundle]) -> None:
    bundle = served[1]
    facts = {**bundle.facts, "teacher": {**bundle.facts["teacher"], "model": "another"}}
    with pytest.raises(InputError, match="learned as adapters of another"):
        Bundle(bundle.folder, facts).teacher(bundle.params(bundle.card(TEACHER)))


def test_a_run_whose_teacher_is_not_here_serves_the_student_alone(
    served: tuple[Scenario, Bundle], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where it is resumed on another machine: nobody trains a teacher that has taught nobody."""
    monkeypatch.setattr(Cloud, "has_taught", False)
    run_locally(served[0], tmp_path / "run")
    assert list(adopt(tmp_path / "run" / "artifact", tmp_path).cards) == ["model"]


def test_a_student_that_learned_alone_has_no_teacher_beside_it(served: tuple[Scenario, Bundle], tmp_path: Path) -> None:
    alone = apply(
        served[0],
        {"reid.student.taught_steps": 0, "method": "fedavg", "evaluation.metrics": ["map"], "merges": 1},
    )
    run_locally(alone, tmp_path / "run")
    bundle = adopt(tmp_path / "run" / "artifact", tmp_path)
    assert list(bundle.cards) == ["model"]
    assert bundle.layout is not None
    assert bundle.layout.teacher is None
    assert bundle.row_widths == dict(bundle.shape.widths)


def test_a_row_of_two_modalities_points_between_them(served: tuple[Scenario, Bundle], host: Host) -> None:
    scenario, bundle = served
    raw = read(scenario).test
    resident = host.load(f"model@{bundle.version}")
    picture = raw.inputs["rgb"][int(raw.present["rgb"].nonzero()[0])]
    one, other = asked(bundle, "rgb", picture), asked(bundle, "ir", picture)
    both = Samples({**one.inputs, **other.inputs})
    apart = [host.embed(resident, sample) for sample in (one, other)]
    between = torch.nn.functional.normalize(apart[0] + apart[1], dim=0)
    assert torch.allclose(host.embed(resident, both), between, atol=1e-5)


def test_who_finds_people_neither_tells_classes_nor_talks(served: tuple[Scenario, Bundle], host: Host) -> None:
    scenario, bundle = served
    resident = host.load(f"model@{bundle.version}")
    picture = read(scenario).test.inputs["rgb"][0]
    with pytest.raises(InputError, match=r"finds people and tells no classes apart: ask /v1/search"):
        host.classify(resident, asked(bundle, "rgb", picture))
    with pytest.raises(InputError, match=r"finds people and has no words: ask /v1/search"):
        host.prompt(resident, Ask(turns=(Turn("user", "who is it?"),)))
    # In these data nobody says anything, so the teacher has not learned to read either.
    for one in (resident, host.load(f"{TEACHER}@{bundle.version}")):
        with pytest.raises(InputError, match="reads no sentences about people"):
            host.embed_text(one, ["a man in red"])


def test_all_that_a_version_sees_lies_in_one_space(served: tuple[Scenario, Bundle]) -> None:
    version = Version(served[1], served[1].cards, {})
    assert shared(version, words=False)
    assert shared(version, words=True)
    assert space_of(version, f"model@{version.name}", words=True) == version.name
    assert version.answers == "embedding"


def test_people_need_a_reader(served: tuple[Scenario, Bundle]) -> None:
    with pytest.raises(InputError, match="is of people, and nothing here reads them"):
        samples_of("regdb", {"rgb": torch.zeros(3, 8, 8, dtype=torch.uint8)}, dict(served[1].shape.widths), Frozen())


def test_a_reader_may_be_warmed(served: tuple[Scenario, Bundle]) -> None:
    reader = people_of(served[1])
    assert isinstance(reader, Reader)
    reader.warm()
