"""Adapters on disk, as PEFT reads them."""

import json

import pytest
import torch
from peft import PeftModel

from mlecs_ray.errors import InputError
from mlecs_ray.models.adapter import export_adapter, import_adapter
from mlecs_ray.models.captioner import CaptionTask
from mlecs_ray.models.lora import LoRA, backbone
from mlecs_ray.models.prune import prune
from mlecs_ray.models.slm import load
from mlecs_ray.models.structure import Structure
from mlecs_ray.tree import from_leaves, leaves, tree_digest
from mlecs_ray.wire import load_tree
from tests.models import tiny


# PEFT reads a flag that transformers renames.
@pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing:FutureWarning")
def test_peft_gives_the_same_logits_from_the_exported_adapter(tmp_path):
    """The model has layers 0 and 3 of its original: PEFT must find them as its layers 0 and 1."""
    slm = tiny.folder(tmp_path / "slm", prune(tiny.slm(), (0, 3), vocabulary=None))
    task = CaptionTask((Structure("edge", slm),), (("image", 5),), LoRA(rank=2, alpha=6), tokens=3)
    params = from_leaves((path, torch.randn_like(leaf)) for path, leaf in leaves(task.init(0)))
    export_adapter(task, params, tiny.client("image"), tmp_path / "adapter")

    ids = torch.tensor([[5, 6, 7, 8]])
    ours = backbone(slm, task.lora)
    expected = ours.logits(ours.states(params["lora"], ours.embed(ids)))
    theirs = PeftModel.from_pretrained(load(slm).model, tmp_path / "adapter").eval()
    assert torch.allclose(theirs(ids).logits, expected, atol=1e-5)
    assert not torch.allclose(load(slm).model(ids).logits, expected, atol=1e-2)


def test_the_connector_is_all_that_the_client_uses_apart_from_adapters(tmp_path):
    slm = tiny.folder(tmp_path / "slm")
    task = CaptionTask((Structure("edge", slm),), (("image", 5), ("speech", 3)), tokens=3)
    here, params = tiny.client("image"), task.init(0)
    export_adapter(task, params, here, tmp_path / "adapter")
    part = dict(task.part(params, here))
    part.pop("lora")
    assert tree_digest(load_tree(tmp_path / "adapter" / "connector.safetensors")) == tree_digest(part)


def test_what_describes_it_is_written_alike_whatever_the_order_of_sets_in_a_process(tmp_path):
    task = CaptionTask((Structure("edge", tiny.folder(tmp_path / "slm")),), (("image", 5),), tokens=3)
    export_adapter(task, task.init(0), tiny.client("image"), tmp_path / "adapter")
    told = json.loads((tmp_path / "adapter" / "adapter_config.json").read_text())
    assert told["target_modules"] == ["k_proj", "o_proj", "q_proj", "v_proj"]


def test_weights_that_cannot_be_written_are_an_error_of_the_system(tmp_path):
    """safetensors would raise its own error, which nobody takes for a full disk; a folder is in the way here."""
    task = CaptionTask((Structure("edge", tiny.folder(tmp_path / "slm")),), (("image", 5),), tokens=3)
    (tmp_path / "adapter" / "adapter_model.safetensors").mkdir(parents=True)
    with pytest.raises(IsADirectoryError):
        export_adapter(task, task.init(0), tiny.client("image"), tmp_path / "adapter")


def test_what_was_exported_is_read_again_to_the_bit(tmp_path):
    slm = tiny.folder(tmp_path / "slm")
    task = CaptionTask((Structure("edge", slm, rank=1),), (("image", 5), ("speech", 3)), LoRA(rank=2), tokens=3)
    here = tiny.client("image", structure="edge")
    params = task.part(from_leaves((path, torch.randn_like(leaf)) for path, leaf in leaves(task.init(0))), here)
    export_adapter(task, params, here, tmp_path / "adapter")
    assert tree_digest(import_adapter(task, here, tmp_path / "adapter")) == tree_digest(params)


def test_an_adapter_of_another_model_is_refused(tmp_path):
    small, large = tiny.folder(tmp_path / "small", tiny.slm(2)), tiny.folder(tmp_path / "large", tiny.slm(3))
    tasks = [CaptionTask((Structure("edge", slm),), (("image", 5),), LoRA(rank=2), tokens=3) for slm in (small, large)]
    here = tiny.client("image")
    export_adapter(tasks[0], tasks[0].part(tasks[0].init(0), here), here, tmp_path / "adapter")
    with pytest.raises(InputError, match="the adapter is of another model"):
        import_adapter(tasks[1], here, tmp_path / "adapter")
