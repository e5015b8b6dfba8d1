"""Activations of half the bits while a language model is trained."""

import torch


def halved(device: torch.device | str = "cpu") -> torch.autocast:
    """Activations in bfloat16 where a CPU multiplies so anyway ("medium"): to convert them at every product takes as
    long as the product. Weights, their gradients and steps stay in float32.
    """
    cpu = torch.device(device).type == "cpu" and torch.get_float32_matmul_precision() == "medium"
    return torch.autocast("cpu", torch.bfloat16, enabled=cpu and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported()))
