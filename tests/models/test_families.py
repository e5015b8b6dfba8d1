"""Which adapters are merged with which."""

from pathlib import Path

import pytest
import torch

from mlecs_ray.errors import InputError
from mlecs_ray.models.captioner import CaptionTask
from mlecs_ray.models.families import families
from mlecs_ray.models.lora import LoRA
from mlecs_ray.models.prune import prune
from mlecs_ray.models.structure import Structure
from mlecs_ray.samples import Samples
from mlecs_ray.tree import leaves
from tests.models import tiny

SMALL_LORA = LoRA(rank=2, alpha=4, dropout=0.0)


@pytest.fixture
def models(tmp_path: Path) -> dict[str, str]:
    whole = tiny.slm()
    return {
        "edge": tiny.folder(tmp_path / "edge", prune(whole, (0, 3), None)),
        "deeper": tiny.folder(tmp_path / "deeper", whole),
        "wide": tiny.folder(tmp_path / "wide", tiny.slm(width=32)),
    }


def test_a_cloud_cut_from_the_same_model_shares_its_layers_adapters(models: dict[str, str]) -> None:
    found = families([Structure("edge", models["edge"]), Structure("cloud", models["deeper"], cloud=True)], SMALL_LORA)
    assert list(found) == ["lora"]
    assert {leaf.module.split(".")[1] for leaf in found["lora"]} == {"0", "1", "2", "3"}
    assert len({(leaf.module, leaf.side) for leaf in found["lora"]}) == len(found["lora"])


def test_a_wider_cloud_has_adapters_of_its_own(models: dict[str, str]) -> None:
    found = families([Structure("edge", models["edge"]), Structure("cloud", models["wide"], cloud=True)], SMALL_LORA)
    assert list(found) == ["lora", "lora-cloud"]
    assert {leaf.module.split(".")[1] for leaf in found["lora"]} == {"0", "3"}
    assert {leaf.shape[1] for leaf in found["lora-cloud"] if leaf.side == "A"} == {32}


def test_devices_whose_adapters_cannot_be_merged_are_refused(models: dict[str, str]) -> None:
    with pytest.raises(InputError, match=r"/A is \(2, 16\) in one structure and \(2, 32\) in other"):
        families([Structure("edge", models["edge"]), Structure("other", models["wide"])], SMALL_LORA)


def test_a_wider_cloud_learns_and_answers(models: dict[str, str]) -> None:
    """Its part is found again in itself, as what the cloud's job gives back is cut once more."""
    task = CaptionTask(
        (Structure("edge", models["edge"], (4,)), Structure("cloud", models["wide"], (4,), cloud=True)),
        (("image", 5),),
        SMALL_LORA,
        tokens=2,
        max_tokens=4,
    )
    cloud, edge = tiny.client("image", structure="cloud"), tiny.client("image", structure="edge")
    params = task.init(0)
    part = task.part(params, cloud)
    assert set(task.part(params, edge)["lora"]) == set(params["lora"])
    assert [path for path, _ in leaves(task.part(part, cloud))] == [path for path, _ in leaves(part)]
    samples = Samples({"image": torch.randn(3, 5)}, texts=("the hat", "a cap", "an ant"))
    assert torch.isfinite(task.loss(part, samples, cloud))
    assert len(task.predictor(part, cloud)(samples)) == 3
