"""People as they are served: what a request shows is read as in the run, and found by what the run has learned."""

import pytest
import torch

from mlecs_ray.data import assets
from mlecs_ray.data.encoding import Frozen, samples_of
from mlecs_ray.errors import InputError
from mlecs_ray.run.bundle import Bundle, adopt
from mlecs_ray.run.local import run_locally
from mlecs_ray.samples import Samples
from mlecs_ray.scenario.config import Scenario
from mlecs_ray.scenario.deal import deal, read
from mlecs_ray.serving.host import Ask, Host
from mlecs_ray.serving.people import Reader, people_of
from mlecs_ray.serving.turns import Turn
from serve.spaces import shared, space_of
from serve.version import Version
from tests.scenario import persons


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> tuple[Scenario, Bundle]:
    """A run over ten people of a small RegDB, and its artifact in a store."""
    folder = tmp_path_factory.mktemp("served")
    persons.write_regdb(folder / "regdb")
    persons.write_assets(folder / "assets")
    teacher = persons.write_teacher(folder / "teacher")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLECS_CACHE", str(folder / "cache"))
        patch.setattr(assets, "find", persons.Fetched(folder / "assets"))
        scenario = persons.scenario(folder / "regdb", teacher)
        run_locally(scenario, folder / "run")
        bundle = adopt(folder / "run" / "artifact", folder / "store")
        # Their models are found now, while assets are where they are.
        assert bundle.task
    return scenario, bundle


@pytest.fixture(autouse=True)
def world(served: tuple[Scenario, Bundle], monkeypatch: pytest.MonkeyPatch) -> None:
    folder = served[1].folder.parents[1]
    monkeypatch.setenv("MLECS_CACHE", str(folder / "cache"))
    monkeypatch.setattr(assets, "find", persons.Fetched(folder / "assets"))


@pytest.fixture
def host(served: tuple[Scenario, Bundle]) -> Host:
    return Host(served[1].folder.parent)


def asked(bundle: Bundle, modality: str, raw: torch.Tensor) -> Samples:
    """What a request with this picture becomes."""
    frozen = Frozen(people=people_of(bundle))
    return samples_of("regdb", {modality: raw}, dict(bundle.shape.widths), frozen)


@pytest.mark.parametrize("modality", ["rgb", "ir"])
def test_a_picture_is_read_as_the_run_read_it(served: tuple[Scenario, Bundle], modality: str) -> None:
    scenario, bundle = served
    raw, lowered = read(scenario).test, deal(scenario)[0].test
    row = int(raw.present[modality].nonzero()[0])
    shown = raw.inputs[modality][row].expand(3, -1, -1)
    found = asked(bundle, modality, shown).inputs[modality][0]
    assert torch.allclose(found, lowered.inputs[modality][row].float().flatten(), atol=0.02)


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
    with pytest.raises(InputError, match="reads no sentences about people"):
        host.embed_text(resident, ["a man in red"])


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
