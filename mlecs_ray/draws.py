"""Torch's own generator, which dropout draws from."""

import torch


def seed_torch(seed: int) -> None:
    """``torch.manual_seed``, which formats a stack trace for every kind of device there could be: 0.5 ms a call."""
    torch.default_generator.manual_seed(seed)
    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]  # torch types it not
        torch.cuda.manual_seed_all(seed)
