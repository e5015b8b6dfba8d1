"""The loop that one writes by hand: one model in one process, clients one after the other."""

import time

import numpy as np
import torch
from workload import accuracy, make_model, order, parts, report, train


def main() -> None:
    """FedAvg over uniformly drawn clients, weighted by their samples."""
    asked, clients, model = order(), parts(), make_model()
    torch.manual_seed(asked["seed"])
    draw = np.random.default_rng(asked["seed"])
    state = {name: value.clone() for name, value in model.state_dict().items()}
    began, paused, control = 0.0, 0.0, 0.0
    for number in range(1, asked["rounds"] + 1):
        total = {name: torch.zeros_like(value) for name, value in state.items()}
        samples = 0
        for client in draw.choice(len(clients), asked["per_round"], replace=False):
            model.load_state_dict(state)
            train(model, clients[client])
            weight = len(clients[client][0])
            for name, value in model.state_dict().items():
                total[name] += value * weight
            samples += weight
        state = {name: value / samples for name, value in total.items()}
        now = time.perf_counter()
        if number == 1:
            began = now
        if number == asked["control"]:
            model.load_state_dict(state)
            control = accuracy(model)
            paused = time.perf_counter() - now
    seconds = time.perf_counter() - began - paused
    model.load_state_dict(state)
    report(seconds, control, accuracy(model))


main()
