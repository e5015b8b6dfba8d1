"""What the models of a fleet are made of, device by device."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Structure:
    """One kind of model in the fleet: which language model, and how wide its encoders."""

    name: str
    slm: str
    """Folder of a Hugging Face causal LM."""
    hidden: tuple[int, ...] = (128,)
    """Hidden widths of its modality encoders."""
    fusion: str = "fusion"
    """Which of ``FUSIONS`` joins them."""
    rank: int | None = None
    """Of its adapters, where that is less than the task's."""
    cloud: bool = False
    """Its adapters may have shapes of their own, as nobody else's are merged with them."""
