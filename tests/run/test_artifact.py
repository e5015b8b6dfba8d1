"""What a run leaves to be served is the state that was measured."""

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest

from mlecs_ray.errors import InputError
from mlecs_ray.method import Client
from mlecs_ray.run.artifact import weights_of, write
from mlecs_ray.run.local import run_locally
from mlecs_ray.run.outcome import Outcome
from mlecs_ray.run.progress import Progress
from mlecs_ray.run.session import Session
from mlecs_ray.scenario.build import build
from mlecs_ray.scenario.config import Scenario
from mlecs_ray.server.core import Server
from mlecs_ray.tree import Tree, leaves, tree_digest
from mlecs_ray.wire import load_tree
from tests.serving import spoken
from tests.small import small_scenario


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> tuple[Outcome, Path]:
    folder = tmp_path_factory.mktemp("run")
    return run_locally(small_scenario(), folder), folder / "artifact"


def test_the_state_is_the_runs_last(ended: tuple[Outcome, Path]) -> None:
    outcome, artifact = ended
    assert tree_digest(load_tree(artifact / "state.safetensors")) == outcome.state_digest


def test_the_facts_are_enough_to_build_the_model(ended: tuple[Outcome, Path]) -> None:
    outcome, artifact = ended
    facts = json.loads((artifact / "artifact.json").read_text())
    assert facts["state"] == outcome.state_digest
    assert (facts["format"], facts["method"], facts["version"]) == (2, "fedbuff", 8)
    assert (facts["widths"], facts["classes"]) == ({"image": 64}, [str(digit) for digit in range(10)])
    assert Scenario.model_validate(facts["scenario"]) == small_scenario()


def test_there_is_a_model_for_each_structure_in_use(ended: tuple[Outcome, Path]) -> None:
    """One structure without a name: a perceptron of 64 inputs, 64 hidden units and 10 classes."""
    _, artifact = ended
    files = {"artifact.json", "state.safetensors", "scales.safetensors", "model"}
    assert {path.name for path in artifact.iterdir()} == files
    shapes = {path: tuple(leaf.shape) for path, leaf in leaves(load_tree(artifact / "model" / "model.safetensors"))}
    assert shapes["layers/0/weight"] == (64, 64)
    assert shapes["layers/1/bias"] == (10,)


def test_every_file_is_named_with_its_digest(ended: tuple[Outcome, Path]) -> None:
    _, artifact = ended
    told = json.loads((artifact / "artifact.json").read_text())["files"]
    files = [path for path in artifact.rglob("*") if path.is_file() and path.name != "artifact.json"]
    assert told == {
        path.relative_to(artifact).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files
    }


def test_a_version_is_named_after_its_weights_and_not_after_folders_of_the_machine() -> None:
    files = {"edge/adapter_model.safetensors": "a", "edge/adapter_config.json": "b"}
    assert weights_of(files) == weights_of({**files, "edge/adapter_config.json": "c"})
    assert weights_of(files) != weights_of({**files, "edge/adapter_model.safetensors": "c"})


def test_clients_that_keep_parts_of_their_models_are_models_of_their_own() -> None:
    """Three clients of eight samples; whose domain is what."""
    artifact = spoken.run() / "artifact"
    cards = {card["name"]: card for card in json.loads((artifact / "artifact.json").read_text())["cards"]}
    clients = [card for card in cards.values() if card["client"] is not None]
    assert {card["client"] for card in clients} <= {0, 1, 2}
    assert all(card["samples"] == 8 for card in clients)
    assert cards["client-0"]["domains"] == {"south": 8}
    assert {path.name for path in (artifact / cards["client-0"]["folder"]).iterdir()} == {
        "adapter_config.json",
        "adapter_model.safetensors",
        "connector.safetensors",
    }
    assert cards["cloud"]["side"] == "cloud"


def test_a_checkpoint_leaves_an_artifact_before_the_end(tmp_path: Path) -> None:
    versions: list[int] = []

    def watch(_: Progress) -> bool:
        facts = tmp_path / "artifact" / "artifact.json"
        if facts.is_file():
            versions.append(json.loads(facts.read_text())["version"])
        return bool(versions)

    outcome = run_locally(small_scenario(merges=40000, seconds=1e9), tmp_path, watch=watch)
    assert not outcome.finished
    assert versions[0] % 3 == 0


def test_nothing_half_written_is_beside_it(ended: tuple[Outcome, Path]) -> None:
    assert not list(ended[1].parent.rglob("*.part"))


def test_a_session_without_a_run_has_written_nothing(tmp_path: Path) -> None:
    Session(build(small_scenario()), tmp_path / "run")
    assert not (tmp_path / "run").exists()


@dataclass(frozen=True)
class Adapted:
    """A server whose models hold adapters, though their task knows none: they cannot be exported."""

    state: Tree = field(default_factory=dict)
    version: int = 0

    @property
    def method(self) -> "Adapted":
        return self

    def assign(self, state: Tree, client: Client) -> Tree:
        return {"lora": {}}


def test_whatever_goes_wrong_nothing_half_written_is_left(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds LoRA but is no CaptionTask"):
        write(tmp_path, build(small_scenario()), cast(Server, Adapted()), {})
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_the_users_to_mend(tmp_path: Path) -> None:
    (tmp_path / "run").touch()
    with pytest.raises(InputError, match=r"artifact: Not a directory, so the run has no artifact to serve"):
        write(tmp_path / "run", build(small_scenario()), cast(Server, Adapted()), {})
