"""A client's adapters as PEFT writes them, so that PEFT, Serve and other tools can load what was learned."""

from dataclasses import replace
from pathlib import Path

import safetensors.torch as st

from mlecs_ray.method import Client
from mlecs_ray.models.captioner import CaptionTask
from mlecs_ray.models.lora import blank_backbone, peft_config
from mlecs_ray.tree import Tree
from mlecs_ray.wire import save_tree


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
