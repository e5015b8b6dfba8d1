"""Memory of a process and all that it has started, by the kernel's own account."""

from collections import defaultdict
from pathlib import Path

from mlecs_ray.sim.memory import pss_bytes

PROC = Path("/proc")


def tree_pss(root: int, proc: Path = PROC) -> int:
    """Bytes: the proportional set sizes of ``root`` and its descendants, so that shared pages count once."""
    return sum(pss_bytes(proc / str(pid)) for pid in family(root, proc))


def family(root: int, proc: Path = PROC) -> list[int]:
    """``root`` and its descendants that still live."""
    children: defaultdict[int, list[int]] = defaultdict(list)
    for folder in proc.glob("[0-9]*"):
        children[_parent(folder)].append(int(folder.name))
    found, todo = [], [root]
    while todo:
        found.append(todo.pop())
        todo += children[found[-1]]
    return found


def _parent(folder: Path) -> int:
    try:
        # The name of the program comes second, in brackets, and may hold anything, brackets too.
        return int((folder / "stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, IndexError):
        return 0
