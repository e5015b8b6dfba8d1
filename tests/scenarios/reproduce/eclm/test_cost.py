"""What a sub-model costs here, beside the device model."""

import pytest
import torch

from mlecs_ray.models import flops
from mlecs_ray.models.classifier import Network, cost_of, params_of
from mlecs_ray.models.decompose import Grain
from mlecs_ray.models.modular import Modular
from scenarios.reproduce.eclm.cost import (
    ANSWER,
    BATCH,
    FLOPS,
    MEMORY,
    MODEL_MEMORY,
    PEAK,
    RESNET18,
    STEP,
    WHOLE,
    Costs,
    costs,
)

NETWORK = Network((1, 8, 8), 5, "resnet", (8, 16, 16))
GRAIN = Grain(8, 0.25)


@pytest.fixture(scope="module")
def found() -> Costs:
    return costs(NETWORK, GRAIN, 2, repeats=1)


def test_every_size_is_timed_and_counted(found: Costs) -> None:
    assert list(found) == ["1 module a layer", "2 modules a layer", "4 modules a layer", WHOLE]
    for row in found.values():
        assert set(row) == {STEP, ANSWER, PEAK, MEMORY, FLOPS, MODEL_MEMORY}
        assert min(row.values()) > 0


def test_the_whole_network_is_what_the_device_model_says(found: Costs) -> None:
    said = cost_of(NETWORK, BATCH)
    assert found[WHOLE][MODEL_MEMORY] == found[WHOLE][MEMORY] == said.memory_bytes
    assert found[WHOLE][FLOPS] == said.flops_per_sample * BATCH


def test_more_modules_take_more_memory_but_a_sample_passes_two(found: Costs) -> None:
    one, two, four = (found[name] for name in list(found)[:3])
    assert one[MEMORY] < two[MEMORY] < four[MEMORY]
    assert one[MODEL_MEMORY] < two[MODEL_MEMORY] < four[MODEL_MEMORY]
    assert one[FLOPS] < two[FLOPS] == four[FLOPS] < 2 * one[FLOPS]


def test_the_residual_module_is_held_too() -> None:
    """It costs nothing, and a sample passes two: of one module with weights that one, of more two of them at most."""
    network = Network((4,), 2, "mlp", (8, 8))
    model = Modular(network, Grain(8, 0.25), 2)
    base, module = model.costs(BATCH).base[1], model.costs(BATCH).modules[1][:, 0].sum()
    found = costs(network, Grain(8, 0.25), 2, repeats=1)
    assert found["1 module a layer"][FLOPS] == pytest.approx(BATCH * (base + module))
    assert found["2 modules a layer"][FLOPS] == pytest.approx(BATCH * (base + 2 * module))


def test_measured_memory_has_all_that_is_counted_and_grows_with_it(found: Costs) -> None:
    """Parameters, gradients and moments at least; a step makes new parameters and moments before it drops the old."""
    assert found[WHOLE][PEAK] > flops.trained_bytes(params_of(NETWORK.module))
    peaks = [row[PEAK] for row in found.values()]
    assert peaks == sorted(peaks)


def test_threads_are_as_many_as_before() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        costs(NETWORK, Grain(3, 0.25), 2, repeats=1)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_sub_models_beyond_what_a_layer_has_are_left_out() -> None:
    assert list(costs(NETWORK, Grain(3, 0.25), 2, repeats=1)) == ["1 module a layer", "2 modules a layer", WHOLE]


def test_the_large_network_is_of_the_paper_s_size() -> None:
    """ResNet18 has 11.2 million weights for 10 classes (arXiv 1512.03385; its CIFAR form), 8 residual blocks."""
    weights = sum(leaf.numel() for leaf in RESNET18.module.parameters())
    assert 10.5e6 < weights < 11.5e6
    assert Modular(RESNET18, Grain()).body.shape == (8, 16)
