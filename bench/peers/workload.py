"""What the plain loop and the peers share: the data, the model, one client's training, the accuracy, the answer.

This folder runs in the interpreters of the peers, so it imports nothing of this project.
"""

import functools
import json
import os
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

torch.set_num_threads(1)

Part = tuple[Tensor, Tensor]
"""Pictures (n, 64) and labels (n,) of one client."""


@functools.cache
def order() -> dict[str, Any]:
    """What was asked for: the file that ``BENCH_ORDER`` names, also in the processes that a peer starts."""
    return cast(dict[str, Any], json.loads(Path(os.environ["BENCH_ORDER"]).read_text()))


@functools.cache
def arrays() -> dict[str, Any]:
    """The file of the data, with the weights that everybody starts from."""
    with np.load(order()["data"]) as file:
        return dict(file)


@functools.cache
def parts() -> list[Part]:
    """The data of each client."""
    found = arrays()
    ends = found["ends"][:-1]
    pictures, labels = np.split(found["x"], ends), np.split(found["y"], ends)
    return [(torch.from_numpy(x), torch.from_numpy(y)) for x, y in zip(pictures, labels, strict=True)]


def make_model() -> nn.Sequential:
    """64-64-10, from the weights that everybody starts from."""
    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    model.load_state_dict({name: torch.from_numpy(arrays()[name]) for name in model.state_dict()})
    return model


def train(model: nn.Module, part: Part) -> None:
    """One local epoch of SGD."""
    pictures, labels = part
    optimizer = torch.optim.SGD(model.parameters(), lr=order()["lr"])
    for rows in torch.split(torch.randperm(len(pictures)), order()["batch"]):
        optimizer.zero_grad()
        F.cross_entropy(model(pictures[rows]), labels[rows]).backward()  # type: ignore[no-untyped-call]  # torch types it not
        optimizer.step()


@torch.no_grad()
def accuracy(model: nn.Module) -> float:
    """On the test rows."""
    found = arrays()
    answers = model(torch.from_numpy(found["test_x"])).argmax(1)
    return float((answers == torch.from_numpy(found["test_y"])).float().mean())


def report(seconds: float, control: float, last: float) -> None:
    """Print the answer: ``seconds`` are those of all rounds but the first."""
    rounds = order()["rounds"]
    answer = {
        "ms_per_update": seconds * 1000 / ((rounds - 1) * order()["per_round"]),
        "control": control,
        "accuracy": last,
        "rounds": rounds,
    }
    print("RESULT " + json.dumps(answer), flush=True)
