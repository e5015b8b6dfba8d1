"""SE-CCL: the same contrast in the cloud, with what the edge knows as anchors (ML-ECS, arXiv 2602.14107).

[paper] Small models enhance the large one: the server aligns its own modality vectors with the edge.
[ours in form] The anchor of a public sample is ``a / |a| + b / |b| + w / |w|``: a its fused representation by the
*receiver*, the client-compatible model on the server, whose connector is trained through the language model that
carries the merged adapters of the clients; b the running mean of the clients' uploaded fused representations of it, in
the order of their arrival; w what its caption says, by the LLM's own word vectors: in GRAM, too, text is the anchor.
Rows are the server's own modality vectors. So an uploaded adapter and an uploaded representation each change what the
cloud's LLM learns, and the space that edge and cloud share is ordered by meaning, not by which sample came first.
"""

import torch
from torch import Tensor
from torch.nn import functional as F


def edge_view(*views: Tensor) -> Tensor:
    """The sum of unit vectors (n, d) of what each side makes of every public sample; one that is zero adds nothing."""
    units = [F.normalize(view.float(), dim=-1) for view in views]
    return torch.stack(units).sum(0)
