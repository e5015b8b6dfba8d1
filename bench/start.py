"""Where a run of ours starts, for contenders that start there too."""

from mlecs_ray.scenario.build import Built
from mlecs_ray.seeds import derive
from mlecs_ray.tree import Tree


def start(built: Built) -> Tree:
    """The server's first state."""
    return built.method.init(derive(derive(built.scenario.seed, "server"), "init"))
