"""How large models are."""

from pathlib import Path

from mlecs_ray.models.captioner import CaptionTask
from mlecs_ray.models.slm import load
from mlecs_ray.models.structure import Structure
from mlecs_ray.scenario.build import build
from mlecs_ray.tree import leaves
from scenarios.reproduce.volume import model_bytes, volume
from tests.models.tiny import client, folder
from tests.small import small_scenario


def test_a_small_network_is_its_parameters() -> None:
    """64 x 64 + 64 and 64 x 10 + 10: 4,810 at 4 bytes. No cloud learns with FedAvg."""
    found = volume(build(small_scenario(task__hidden=[64])))
    assert found.client(0, frozenset({"image"})) == 4 * 4810
    assert found.cloud == 0


def test_a_captioner_is_its_frozen_language_model_and_the_parts_it_uses(tmp_path: Path) -> None:
    source = folder(tmp_path / "slm")
    task = CaptionTask((Structure("a", source),), (("image", 5), ("sound", 3)), tokens=2)
    params, one = task.init(0), client("image")
    frozen = sum(weight.numel() for weight in load(source).model.parameters())
    trained = sum(leaf.numel() for _, leaf in leaves(task.part(params, one)))
    assert model_bytes(task, params, one) == 4 * (frozen + trained)
    assert model_bytes(task, params, client("image", "sound")) > model_bytes(task, params, one)
