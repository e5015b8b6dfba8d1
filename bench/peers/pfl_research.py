"""pfl-research: its simulated backend in one process, its FederatedAveraging, its own local training."""

import random
import time
from typing import Any

import numpy as np
import torch
from pfl.aggregate.simulate import SimulatedBackend
from pfl.aggregate.weighting import WeightByDatapoints
from pfl.algorithm.base import NNAlgorithmParams
from pfl.algorithm.federated_averaging import FederatedAveraging
from pfl.callback.base import TrainingProcessCallback
from pfl.data.dataset import Dataset
from pfl.data.federated_dataset import FederatedDataset
from pfl.data.sampling import get_user_sampler
from pfl.hyperparam.base import NNEvalHyperParams, NNTrainHyperParams
from pfl.metrics import Metrics, Weighted
from pfl.model.pytorch import PyTorchModel
from torch import Tensor, nn
from torch.nn import functional as F
from workload import accuracy, make_model, order, parts, report


class Model(nn.Module):
    """The model with the loss and the metrics that pfl asks a module for."""

    def __init__(self) -> None:
        super().__init__()
        self.net = make_model()

    def forward(self, x: Tensor) -> Any:
        """(n, 10)."""
        return self.net(x)

    def loss(self, x: Tensor, y: Tensor, eval: bool = False) -> Tensor:
        """Cross-entropy."""
        return F.cross_entropy(self.net(x), y)

    def metrics(self, x: Tensor, y: Tensor, eval: bool = False) -> dict[str, Any]:
        """Nothing in a timed run asks for more."""
        return {"loss": Weighted(float(self.loss(x, y)) * len(x), len(x))}


class Clock(TrainingProcessCallback):  # type: ignore[misc]  # pfl is of another environment, so it has no types here
    """Notes when rounds end, and measures the control accuracy outside of the time."""

    def __init__(self, model: nn.Module) -> None:
        self.model, self.rounds = model, 0
        self.began = self.ended = self.paused = self.control = 0.0

    def after_central_iteration(self, aggregate: Any, model: Any, *, central_iteration: int) -> tuple[bool, Any]:
        """Never stops the run."""
        self.ended = time.perf_counter()
        self.rounds += 1
        if self.rounds == 1:
            self.began = self.ended
        if self.rounds == order()["control"]:
            self.control = accuracy(self.model)
            self.paused = time.perf_counter() - self.ended
        return False, Metrics()


def main() -> None:
    """FedAvg with a central SGD of rate 1."""
    asked, clients, module = order(), parts(), Model()
    random.seed(asked["seed"])
    np.random.seed(asked["seed"])
    torch.manual_seed(asked["seed"])
    sampler = get_user_sampler("random", list(range(len(clients))))
    data = FederatedDataset(lambda user: Dataset(raw_data=list(clients[user]), user_id=user), sampler)
    central = torch.optim.SGD(module.parameters(), 1.0)
    clock = Clock(module)
    FederatedAveraging().run(
        backend=SimulatedBackend(training_data=data, val_data=data, postprocessors=[WeightByDatapoints()]),
        model=PyTorchModel(model=module, local_optimizer_create=torch.optim.SGD, central_optimizer=central),
        algorithm_params=NNAlgorithmParams(
            central_num_iterations=asked["rounds"],
            evaluation_frequency=10**6,
            train_cohort_size=asked["per_round"],
            val_cohort_size=0,
        ),
        model_train_params=NNTrainHyperParams(
            local_num_epochs=1, local_learning_rate=asked["lr"], local_batch_size=asked["batch"]
        ),
        model_eval_params=NNEvalHyperParams(local_batch_size=None),
        callbacks=[clock],
    )
    report(clock.ended - clock.began - clock.paused, clock.control, accuracy(module))


main()
