"""Which language models' adapters are one tree: those that can be merged; a cloud's may fit no device's."""

from collections.abc import Sequence

from torch import Tensor

from mlecs_ray.errors import InputError
from mlecs_ray.models.lora import Leaf, LoRA, blank_backbone
from mlecs_ray.models.structure import Structure
from mlecs_ray.tree import Tree

SHARED = "lora"


def families(structures: Sequence[Structure], lora: LoRA) -> dict[str, list[Leaf]]:
    """Adapter matrices by the tree that holds them, each once: ``lora``, and a tree of its own for a cloud LLM of the
    same kind but another width.

    Raises InputError where structures of the edge disagree about the shape of an adapter.
    """
    shared: dict[tuple[str, str], Leaf] = {}
    own: dict[str, list[Leaf]] = {}
    for one in structures:
        mine = {(leaf.module, leaf.side): leaf for leaf in blank_backbone(one.slm, lora).leaves}
        clash = next((place for place in mine if place in shared and shared[place].shape != mine[place].shape), None)
        if clash is None:
            shared = mine | shared
        elif one.cloud:
            own[_own(one)] = list(mine.values())
        else:
            raise InputError(
                f"{'/'.join(clash)} is {shared[clash].shape} in one structure and {mine[clash].shape} in {one.name}, "
                "so their adapters cannot be merged: use models cut from one original"
            )
    return {SHARED: list(shared.values()), **own}


def held(params: Tree, structure: Structure) -> dict[str, dict[str, Tensor]]:
    """The adapters among which the structure's are."""
    found: dict[str, dict[str, Tensor]] = params.get(_own(structure), params[SHARED])
    return found


def _own(structure: Structure) -> str:
    return f"{SHARED}-{structure.name}"
