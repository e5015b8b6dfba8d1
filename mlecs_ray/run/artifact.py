"""What a run leaves to be served: the state, and every model that can answer, in PEFT's format where it is adapters."""

import hashlib
import json
import shutil
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlecs_ray.errors import InputError
from mlecs_ray.method import Client, collaborates, on_devices, shown
from mlecs_ray.scenario import sources
from mlecs_ray.scenario.build import Built, judge_clients
from mlecs_ray.server.core import Server
from mlecs_ray.sim.population import CLOUD
from mlecs_ray.task import Task, can_fuse
from mlecs_ray.tree import Tree, tree_digest
from mlecs_ray.wire import save_tree

if TYPE_CHECKING:
    from mlecs_ray.methods.reid.cloud import Cloud
    from mlecs_ray.models.captioner import CaptionTask

FORMAT = 2
FACTS = "artifact.json"
STATE = "state.safetensors"
SCALES = "scales.safetensors"
"""Modality -> ``mean`` and ``deviation`` of its features."""
WORDS = "words.safetensors"
"""``usual``: what public captions say on average, where a method compares what is sensed with what is said."""
CLIENTS = "clients"
TEACHER = "teacher"


@dataclass(frozen=True)
class Card:
    """One model of an artifact: who it is, and what it can sense."""

    name: str
    """By which it is asked for: that of its structure, or ``client-<id>`` with what that client kept."""
    folder: str
    """Below the artifact."""
    side: str
    """``edge`` or ``cloud``."""
    structure: str
    client: int | None
    device: str
    modalities: tuple[str, ...]
    samples: int = 0
    domains: Mapping[str, int] | None = None
    """Domain, or class, -> how many of the client's samples are of it."""


def write(folder: Path, built: Built, server: Server, kept: Mapping[int, Tree]) -> Path:
    """``artifact/``: ``artifact.json``, ``state.safetensors``, and a folder for each model that can answer.

    Whole or not at all. ``kept`` is what clients kept; of a method in which they keep their models, or parts of them,
    each of these is one model more. Raises InputError when the disk is full or may not be written.
    """
    target, part = folder / "artifact", folder / ".artifact.part"
    try:
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        save_tree(server.state, part / STATE)
        save_tree({m: {"mean": mean, "deviation": d} for m, (mean, d) in built.dataset.scales.items()}, part / SCALES)
        if collaborates(server.method) and built.dataset.public.texts:
            save_tree({"usual": server.method.usual_words}, part / WORDS)
        teacher = built.teaching
        cards = [*_wholes(built, server, part), *_personal(built, server, kept, part)]
        cards += [] if teacher is None else [_taught(built, teacher, part)]
        files = digests(part)
        facts = {**_facts(built, server), "weights": weights_of(files), "cards": [asdict(card) for card in cards]}
        if teacher is not None:
            facts["teacher"] = teacher.teacher_facts
        facts["files"] = files
        (part / FACTS).write_text(json.dumps(facts, indent=2) + "\n")
        shutil.rmtree(target, ignore_errors=True)
        part.rename(target)
    except OSError as error:
        raise InputError(
            f"{target}: {error.strerror or error}, so the run has no artifact to serve: make room and resume it"
        ) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return target


def digests(folder: Path) -> dict[str, str]:
    """Every file below ``folder`` but the facts themselves -> its SHA-256."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != FACTS)
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def weights_of(files: Mapping[str, str]) -> str:
    """One digest for all weights among them, clients' models included: what a version is named after. Descriptions
    beside them name folders of the machine, and weights are the same on another one."""
    weights = {name: digest for name, digest in files.items() if name.endswith(".safetensors")}
    return hashlib.sha256(json.dumps(weights, sort_keys=True).encode()).hexdigest()


def folder_of(structure: str) -> str:
    """The folder of a structure: its name where that is a plain one, for a model's path its last part and a hash."""
    if not structure:
        return "model"
    plain = "".join(c if c.isalnum() or c in "-_." else "-" for c in Path(structure).name).strip(".")
    return plain if plain == structure else f"{plain or 'model'}-{zlib.crc32(structure.encode()):08x}"


def _wholes(built: Built, server: Server, part: Path) -> Iterator[Card]:
    """The models that the server can answer as by itself."""
    for client in judge_clients(built):
        tree = shown(server.method, server.state, client)
        if collaborates(server.method):
            tree = server.method.model(tree, {}, client)
        name = folder_of(client.structure)
        _export(built.task, tree, client, part / name)
        device = _device(built, client)
        yield Card(name, name, client.role, client.structure, None, device, tuple(sorted(client.modalities)))


def _device(built: Built, client: Client) -> str:
    """The class of devices that a structure is made for: the first that runs it."""
    if client.role == "cloud":
        return client.device
    fleet, first = built.scenario.clients, built.task.structure_names[0]
    return next(
        (d for d in fleet.devices if fleet.structures.get(d, first) == client.structure), next(iter(fleet.devices))
    )


def _personal(built: Built, server: Server, kept: Mapping[int, Tree], part: Path) -> Iterator[Card]:
    """The models of clients that keep theirs, or parts of them, with the sensors that they have at the start."""
    method = server.method
    if not (collaborates(method) or on_devices(method)):
        return
    for number, own in sorted((number, own) for number, own in kept.items() if number != CLOUD):
        client = server.informed(built.world.client(number, 0.0))
        name = f"client-{number}"
        tree = method.model(shown(method, server.state, client), own, client)
        _export(built.task, tree, client, part / CLIENTS / name)
        mine = tuple(sorted(client.modalities))
        domains = _domains(built, client)
        yield Card(
            name, f"{CLIENTS}/{name}", "edge", client.structure, number, client.device, mine, client.samples, domains
        )


def _taught(built: Built, cloud: "Cloud", part: Path) -> Card:
    """The teacher, in the space of the models that it taught; it has not learned since."""
    save_tree(cloud.taught_tree(), _made(part / TEACHER) / "model.safetensors")
    senses = tuple(sorted(built.dataset.modalities))
    return Card(TEACHER, TEACHER, "cloud", "", None, built.roster.cloud_client.device, senses)


def _domains(built: Built, client: Client) -> dict[str, int]:
    shard, classes = built.hand.shard(client), built.dataset.classes
    named = shard.domains or tuple(classes[i] for i in ([] if shard.labels is None else shard.labels.tolist()))
    return {name: named.count(name) for name in sorted(set(named))}


def _export(task: Task, tree: Tree, client: Client, out: Path) -> None:
    """PEFT's format for a language model's adapter, one file of tensors for anything else."""
    if "lora" not in tree:
        save_tree(tree, _made(out) / "model.safetensors")
        return
    from mlecs_ray.models.adapter import export_adapter

    captioner = captioner_of(task)
    if captioner is None:
        raise InputError(f"{type(task).__name__} holds LoRA but is no CaptionTask, so it has no adapter to export")
    export_adapter(captioner, tree, client, out)


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder


def _facts(built: Built, server: Server) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "method": built.scenario.method.name,
        "version": server.version,
        "state": tree_digest(server.state),
        "structures": {name: folder_of(name) for name in built.task.structure_names},
        "data": built.dataset.name,
        "widths": dict(built.dataset.shape.widths),
        "forms": dict(zip(built.dataset.shape.modalities, built.dataset.shape.forms, strict=True)),
        "classes": list(built.dataset.classes),
        "texts": built.dataset.shape.texts,
        "instruction": _instruction(server),
        "models": _models(built.task),
        "scenario": built.scenario.model_dump(mode="json"),
        "own": sources.digests(built.scenario),
    }


def _instruction(server: Server) -> str | None:
    """What stands between a soft prompt and an answer; a method may have added to the scenario's."""
    task = captioner_of(server.method.task) if collaborates(server.method) else None
    return None if task is None else task.instruction


def _models(task: Task) -> dict[str, str]:
    """Structure -> the digest of its language model's weights: with others, its adapters answer otherwise."""
    captioner = captioner_of(task)
    return {} if captioner is None else {one.name: model_digest(one.slm) for one in captioner.structures}


def captioner_of(task: Task) -> "CaptionTask | None":
    """The task where it answers in words."""
    if not can_fuse(task):
        return None
    # Language models take seconds to import; here they are.
    from mlecs_ray.models.captioner import CaptionTask

    return task if isinstance(task, CaptionTask) else None


@lru_cache
def model_digest(source: str) -> str:
    """SHA-256 of the weights in this folder; "" of a model that is known by its id alone."""
    from mlecs_ray.models.slm import weights_digest

    return weights_digest(Path(source)) if Path(source).is_dir() else ""
