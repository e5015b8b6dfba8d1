"""A run's checkpoints: written whole or not at all, the newest two kept."""

import json
import shutil
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from torch import Tensor

from mlecs_ray.errors import InputError
from mlecs_ray.method import Update
from mlecs_ray.run.records import Counts
from mlecs_ray.server.snapshot import Snapshot
from mlecs_ray.tree import Tree, from_leaves, leaves
from mlecs_ray.wire import load_tree, save_tree

KEEP = 2
FORMAT = 5
"""Of a checkpoint; raised whenever an older reader would misread a newer one."""


@dataclass(frozen=True)
class Checkpoint:
    """Everything a run needs to go on to the identical end."""

    snapshot: Snapshot
    kept: Mapping[int, Tree]
    counts: Counts
    """Rows of the records at that moment; later rows are written again."""
    real_seconds: float = 0.0
    """What the run has taken so far."""
    answers: Mapping[int, Update] = field(default_factory=dict)
    """Of jobs that were trained in a cohort and have not reached their end."""


def save(folder: Path, checkpoint: Checkpoint) -> Path:
    """Write ``checkpoints/<version>``; raises InputError when the disk refuses."""
    version = checkpoint.snapshot.facts["server"]["version"]
    target = folder / "checkpoints" / f"{version:08d}"
    part = target.with_name(f".{target.name}.part")
    try:
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        index, tensors = _index(checkpoint.snapshot.trees)
        facts = {**checkpoint.snapshot.facts, "counts": asdict(checkpoint.counts), "trees": index}
        facts |= {"format": FORMAT, "real_seconds": checkpoint.real_seconds}
        (part / "facts.json").write_text(json.dumps(facts))
        save_tree({str(place): tensor for place, tensor in enumerate(tensors)}, part / "tensors.safetensors")
        save_tree({str(client): tree for client, tree in checkpoint.kept.items()}, part / "kept.safetensors")
        _save_answers(part, checkpoint.answers)
        shutil.rmtree(target, ignore_errors=True)
        part.rename(target)
    except OSError as error:
        shutil.rmtree(part, ignore_errors=True)
        raise InputError(
            f"{target}: {error.strerror or error}, so this checkpoint was not written; the one before it is whole: "
            "make room and resume the run"
        ) from error
    for old in _folders(folder)[:-KEEP]:
        shutil.rmtree(old, ignore_errors=True)
    return target


def has_checkpoint(folder: Path) -> bool:
    """Whether ``newest`` would find one."""
    return bool(_folders(folder))


def newest(folder: Path) -> Checkpoint:
    """The last checkpoint of a run; raises InputError where there is none."""
    folders = _folders(folder)
    if not folders:
        raise InputError(f"{folder} has no checkpoint, so there is nothing to resume; run it again")
    path = folders[-1]
    try:
        facts = json.loads((path / "facts.json").read_text())
        tensors = load_tree(path / "tensors.safetensors")
        trees = {
            name: from_leaves((leaf, tensors[str(place)]) for leaf, place in places.items())
            for name, places in facts.pop("trees").items()
        }
        kept, answers = load_tree(path / "kept.safetensors"), _load_answers(path)
        counts, real_seconds = Counts(**facts.pop("counts")), float(facts.pop("real_seconds", 0.0))
    except Exception as error:
        raise InputError(f"{path} is damaged ({error}); delete it to resume from the one before it") from error
    found = facts.pop("format", 1)
    if found != FORMAT:
        raise InputError(
            f"{path} was written by format {found}, this reads {FORMAT}: resume it by the version of mlecs-ray that "
            "wrote it, or run it again"
        )
    kept_by = {int(client): tree for client, tree in kept.items()}
    return Checkpoint(Snapshot(facts, trees), kept_by, counts, real_seconds, answers)


def _save_answers(folder: Path, answers: Mapping[int, Update]) -> None:
    said = {
        number: {"weight": one.weight, "metrics": dict(one.metrics), "norm": one.norm}
        for number, one in answers.items()
    }
    (folder / "answers.json").write_text(json.dumps(said))
    trees = {str(number): {"tree": one.tree, "kept": one.kept} for number, one in answers.items()}
    save_tree(trees, folder / "answers.safetensors")


def _load_answers(folder: Path) -> dict[int, Update]:
    trees = defaultdict(dict, load_tree(folder / "answers.safetensors"))
    said = json.loads((folder / "answers.json").read_text())
    return {
        int(number): Update(
            trees[number].get("tree", {}), one["weight"], trees[number].get("kept", {}), one["metrics"], one["norm"]
        )
        for number, one in said.items()
    }


def _index(trees: Mapping[str, Tree]) -> tuple[dict[str, dict[str, int]], list[Tensor]]:
    """Each tensor once, and where each tree has it: payloads share most of theirs with the state."""
    places: dict[int, int] = {}
    tensors: list[Tensor] = []
    index: dict[str, dict[str, int]] = {}
    for name, tree in trees.items():
        index[name] = {}
        for path, leaf in leaves(tree):
            if id(leaf) not in places:
                places[id(leaf)] = len(tensors)
                tensors.append(leaf)
            index[name][path] = places[id(leaf)]
    return index, tensors


def _folders(folder: Path) -> list[Path]:
    root = folder / "checkpoints"
    return sorted(path for path in root.glob("[0-9]*") if path.is_dir()) if root.is_dir() else []
