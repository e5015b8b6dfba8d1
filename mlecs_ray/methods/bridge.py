"""Two models that learn from each other, of which one travels: at a client and in the cloud."""

from collections.abc import Callable

from torch import Tensor

from mlecs_ray.method import Client, Job
from mlecs_ray.methods.exchange import Mutual
from mlecs_ray.methods.local import LocalTraining
from mlecs_ray.methods.lowrank import added
from mlecs_ray.methods.parts import without_lora
from mlecs_ray.methods.stages import Meeting, Stage, carry_out
from mlecs_ray.samples import Samples
from mlecs_ray.task import FusingTask
from mlecs_ray.tree import Tree, tree_sub

PROXY = "proxy"
"""What learns beside a model, and travels instead of it: adapters at a client, a whole client-sized model in the
cloud."""
TAUGHT = "taught"
"""What the cloud changed in the merged adapters: a difference, as uploads may be merged while it trains."""


def beside_proxy(task: FusingTask, client: Client, mutual: Mutual) -> Callable[[Tree, Samples], Tensor]:
    """The loss of a client's own adapters and of those that travel, behind one connector."""

    def loss(params: Tree, batch: Samples) -> Tensor:
        proxy = {**params, "lora": params[PROXY]}
        return mutual(task.scores(params, batch, client), task.scores(proxy, batch, client))

    return loss


def train_pair(
    task: FusingTask, local: LocalTraining, public: Samples, mutual: Mutual, job: Job, receiver: Client
) -> tuple[Tree, float]:
    """The cloud's LLM and the receiver learn from each other on the public samples: what the cloud writes, its loss."""
    tree = job.tree

    def loss(params: Tree, batch: Samples) -> Tensor:
        llm = task.scores(params["cloud"], batch, job.client)
        return mutual(llm, task.scores(params[PROXY], batch, receiver))

    start: Tree = {"cloud": tree["cloud"], PROXY: {**tree["receiver"], "lora": tree["lora"]}}
    meeting = Meeting(task, job.client, public, None, start)
    learned = carry_out(Stage("cloud", local, public, loss=loss), meeting, start, job.seed)
    proxy = learned.params[PROXY]
    taught = tree_sub(proxy["lora"], tree["lora"])
    return {"cloud": learned.params["cloud"], "receiver": without_lora(proxy), TAUGHT: taught}, learned.loss


def with_cloud(state: Tree, told: Tree) -> Tree:
    """The server's state with what the cloud's own job gave."""
    if TAUGHT not in told:
        return {**state, **told}
    rest = {name: tree for name, tree in told.items() if name != TAUGHT}
    return {**state, **rest, "lora": added(state["lora"], told[TAUGHT])}
