"""What a run leaves to be served: the state, and PEFT-format adapters where a language model was tuned."""

import json
import shutil
import zlib
from pathlib import Path
from typing import Any

from mlecs_ray.errors import InputError
from mlecs_ray.method import Client, collaborates
from mlecs_ray.scenario.build import Built, judge_clients
from mlecs_ray.server.core import Server
from mlecs_ray.task import Task
from mlecs_ray.tree import Tree, tree_digest
from mlecs_ray.wire import save_tree

FORMAT = 1


def write(folder: Path, built: Built, server: Server) -> Path:
    """``artifact/``: ``artifact.json``, ``state.safetensors``, and a folder for each structure that can be exported.

    Whole or not at all. Raises InputError when the disk is full or may not be written.
    """
    target, part = folder / "artifact", folder / ".artifact.part"
    try:
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        save_tree(server.state, part / "state.safetensors")
        for client in judge_clients(built):
            tree = server.method.assign(server.state, client)
            if collaborates(server.method):
                tree = server.method.model(tree, {}, client)
            _export(built.task, tree, client, part / folder_of(client.structure))
        (part / "artifact.json").write_text(json.dumps(_facts(built, server), indent=2) + "\n")
        shutil.rmtree(target, ignore_errors=True)
        part.rename(target)
    except OSError as error:
        raise InputError(
            f"{target}: {error.strerror or error}, so the run has no artifact to serve: make room and resume it"
        ) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return target


def folder_of(structure: str) -> str:
    """The folder of a structure: its name where that is a plain one, for a model's path its last part and a hash."""
    if not structure:
        return "model"
    plain = "".join(c if c.isalnum() or c in "-_." else "-" for c in Path(structure).name).strip(".")
    return plain if plain == structure else f"{plain or 'model'}-{zlib.crc32(structure.encode()):08x}"


def _export(task: Task, tree: Tree, client: Client, out: Path) -> None:
    """PEFT's format for a language model's adapter, one file of tensors for anything else."""
    if "lora" not in tree:
        out.mkdir()
        save_tree(tree, out / "model.safetensors")
        return
    from mlecs_ray.models.adapter import export_adapter
    from mlecs_ray.models.captioner import CaptionTask

    if not isinstance(task, CaptionTask):
        raise InputError(f"{type(task).__name__} holds LoRA but is no CaptionTask, so it has no adapter to export")
    export_adapter(task, tree, client, out)


def _facts(built: Built, server: Server) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "method": built.scenario.method.name,
        "version": server.version,
        "state": tree_digest(server.state),
        "structures": {name: folder_of(name) for name in built.task.structure_names},
        "modalities": list(built.dataset.modalities),
        "classes": list(built.dataset.classes),
        "scenario": built.scenario.model_dump(mode="json"),
    }
