"""What a whole teaches its parts."""

import pytest
import torch

from mlecs_ray.methods.teacher import taught


def test_it_is_cross_entropy_and_the_divergence_from_the_teacher():
    """By numpy::

    p, q = np.array([0.25, 0.75]), np.array([0.5, 0.5])
    -np.log(p[1]) + (q * np.log(q / p)).sum()   # 0.28768 + 0.14384
    """
    p, q = torch.tensor([[0.25, 0.75]]), torch.tensor([[0.5, 0.5]])
    assert float(taught(p.log(), q.log(), torch.tensor([1]))) == pytest.approx(0.43152, abs=1e-5)


def test_who_answers_as_the_teacher_has_only_the_labels_to_learn():
    logits = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([0, 1, 2, 0])
    found = taught(logits, logits + 5.0, labels)
    assert float(found) == pytest.approx(float(torch.nn.functional.cross_entropy(logits, labels)), abs=1e-6)
