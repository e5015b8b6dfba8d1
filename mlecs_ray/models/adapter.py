"""A client's adapters as PEFT writes them, so that PEFT, Serve and other tools can load what was learned."""

from dataclasses import replace
from pathlib import Path

import safetensors.torch as st
from torch import Tensor

from mlecs_ray.errors import InputError
from mlecs_ray.method import Client
from mlecs_ray.models.captioner import CaptionTask
from mlecs_ray.models.lora import blank_backbone, peft_config
from mlecs_ray.tree import Tree
from mlecs_ray.wire import load_tree, save_tree


def export_adapter(task: CaptionTask, params: Tree, client: Client, out: Path) -> None:
    """Write ``adapter_config.json``, ``adapter_model.safetensors`` and ``connector.safetensors`` into ``out``.

    The first two are PEFT's: ``PeftModel.from_pretrained(model, out)`` gives the logits of ``task``'s own model.
    The connector holds encoders, projections, fusion and soft prompt, by their paths in ``params``.
    """
    structure = task.structure(client)
    lm = blank_backbone(structure.slm, task.lora)
    out.mkdir(parents=True, exist_ok=True)
    model = lm.peft.get_base_model()
    rank = structure.rank or task.lora.rank
    # The scale alpha / rank is one for all, so that adapters of unequal rank can be merged.
    config = peft_config(model, replace(task.lora, rank=rank, alpha=task.lora.alpha * rank // task.lora.rank))
    config.base_model_name_or_path, config.inference_mode = structure.slm, True
    # A set, which another process would write in another order.
    if isinstance(config.target_modules, set):
        config.target_modules = sorted(config.target_modules)
    config.save_pretrained(out)
    prefix = f"base_model.model.{model.base_model_prefix}."
    weights = {
        prefix + leaf.parameter.replace(".default.", "."): params["lora"][leaf.module][leaf.side].detach().contiguous()
        for leaf in lm.leaves
    }
    # Not st.save_file: on a full disk it raises an error of its own kind.
    (out / "adapter_model.safetensors").write_bytes(st.save(weights, metadata={"format": "pt"}))
    mine = task.part(params, client)
    save_tree({name: mine[name] for name in mine if name != "lora"}, out / "connector.safetensors")


def import_adapter(task: CaptionTask, client: Client, out: Path) -> Tree:
    """The parameters that ``export_adapter`` wrote. Raises InputError where a matrix is missing or of another shape."""
    lm = blank_backbone(task.structure(client).slm, task.lora)
    # Copied, once, into memory that torch aligned itself, as kernels may round otherwise elsewhere.
    found = st.load((out / "adapter_model.safetensors").read_bytes())
    weights = {name: tensor.clone() for name, tensor in found.items()}
    prefix = f"base_model.model.{lm.peft.get_base_model().base_model_prefix}."
    lora: dict[str, dict[str, Tensor]] = {}
    rank = task.structure(client).rank or task.lora.rank
    for leaf in lm.leaves:
        name = prefix + leaf.parameter.replace(".default.", ".")
        shape = (rank, leaf.shape[1]) if leaf.side == "A" else (leaf.shape[0], rank)
        if name not in weights or tuple(weights[name].shape) != shape:
            raise InputError(
                f"{out}: {name} must be there with the shape {shape}, or the adapter is of another model: export it "
                "again from its run"
            )
        lora.setdefault(leaf.module, {})[leaf.side] = weights[name]
    return {**load_tree(out / "connector.safetensors"), "lora": lora}
