"""Trees that hold only some of a model's leaves: joined, cut to what another holds, and moved by an update."""

from dataclasses import replace

from mlecs_ray.method import Job, Update
from mlecs_ray.tree import Tree, from_leaves, leaves, tree_add


def joined(first: Tree, second: Tree) -> Tree:
    """All leaves of both; the second's where both have one."""
    return from_leaves((dict(leaves(first)) | dict(leaves(second))).items())


def common(tree: Tree, shape: Tree) -> Tree:
    """The leaves of ``tree`` whose paths ``shape`` has too."""
    paths = {path for path, _ in leaves(shape)}
    return from_leaves((path, leaf) for path, leaf in leaves(tree) if path in paths)


def moved(job: Job, update: Update) -> Update:
    """From how far a client moved to where it is: the weights go up instead of their difference."""
    return replace(update, tree=tree_add(job.tree, update.tree))


def without_lora(params: Tree) -> Tree:
    """All but the adapters."""
    return {name: params[name] for name in params if name != "lora"}
