"""Linear layers as trees."""

import pytest
import torch

from mlecs_ray.models.dense import each_row, init_linear, linear, nats, product, rows


def test_a_layer_is_weight_times_input_plus_bias():
    """[[1, 2], [3, 4]] @ [5, 6] + [7, 8] = [24, 47]."""
    layer = {"weight": torch.tensor([[1.0, 2.0], [3.0, 4.0]]), "bias": torch.tensor([7.0, 8.0])}
    assert linear(layer, torch.tensor([[5.0, 6.0]])).tolist() == [[24.0, 47.0]]


def test_a_new_layer_lies_within_one_over_the_root_of_its_inputs():
    layer = init_linear(torch.Generator().manual_seed(0), inputs=16, outputs=50)
    assert layer["weight"].shape == (50, 16)
    assert 0.2 < float(layer["weight"].abs().max()) <= 0.25


def test_what_is_absent_is_zero_even_if_it_was_nan():
    x = torch.tensor([[[1.0, 2.0]], [[float("nan"), 3.0]]])
    assert rows(x, torch.tensor([True, False])).tolist() == [[1.0, 2.0], [0.0, 0.0]]


@pytest.mark.parametrize("shape", [(6, 4), (6, 5, 4)])
def test_stacked_layers_each_serve_the_rows_of_their_client(shape):
    generator = torch.Generator().manual_seed(0)
    layers, x = [init_linear(generator, 4, 3) for _ in range(2)], torch.randn(shape, generator=generator)
    together = {name: torch.stack([layer[name] for layer in layers]) for name in ("weight", "bias")}
    expected = torch.cat([linear(layers[0], x[:3]), linear(layers[1], x[3:])])
    assert torch.allclose(linear(together, x), expected, atol=1e-6)
    if len(shape) == 2:
        bare = torch.cat([product(layers[0]["weight"], x[:3]), product(layers[1]["weight"], x[3:])])
        assert torch.allclose(product(together["weight"], x), bare, atol=1e-6)


def test_a_vector_is_that_of_all_rows_or_of_each_clients():
    assert each_row(torch.tensor([1.0, 2.0]), 4).tolist() == [1.0, 2.0]
    assert each_row(torch.tensor([[1.0], [2.0]]), 4).tolist() == [[1.0], [1.0], [2.0], [2.0]]


def test_cross_entropy_by_client_is_the_mean_over_its_real_rows():
    """Logits 0 of two classes cost ln 2; the second client's other row would cost 9."""
    logits = torch.tensor([[0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [9.0, 0.0]])
    real = torch.tensor([[True, True], [True, False]])
    assert nats(logits, torch.tensor([0, 1, 0, 1]), real).tolist() == pytest.approx([0.6931472, 0.6931472])
