"""What a whole network teaches its parts offline."""

from torch import Tensor
from torch.nn import functional as F


def taught(logits: Tensor, known: Tensor, labels: Tensor) -> Tensor:
    """``CE(y, p) + KL(q || p)``, the mean over samples; the part's p and the whole's q from ``logits`` and ``known``
    (n, classes), labels (n,)."""
    told = F.kl_div(logits.log_softmax(1), known.softmax(1), reduction="batchmean")
    return F.cross_entropy(logits, labels) + told
