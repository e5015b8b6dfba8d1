"""How this process multiplies matrices."""

import torch


def multiply(precision: str) -> None:
    """With float32 as it is (``highest``), or in bfloat16 where the processor has units for it (``medium``).

    Weights, sums and steps stay in float32. Fused attention repacks its matrices for those units at every call, which
    costs more than the short rows of a captioner gain, so it is left out there.
    """
    torch.set_float32_matmul_precision(precision)
    torch.backends.cuda.enable_flash_sdp(precision == "highest")
