"""Encoders, masked fusion and soft tokens."""

import os
import subprocess
import sys
from pathlib import Path

import torch
from torch.nn import functional as F

from mlecs_ray.models.encoders import ENCODED, encode, init_encoder, variant
from mlecs_ray.models.fusion import FUSED, fuse, init_fusion, init_prompt, soft_tokens

ON = torch.tensor([True, True])


def fusion(*modalities: str) -> dict:
    torch.manual_seed(0)
    tree = init_fusion(torch.Generator().manual_seed(0), modalities)
    for slot in tree["slots"].values():
        slot["scale"], slot["shift"] = torch.randn(ENCODED), torch.randn(ENCODED)
    return {**tree, "absent": {m: torch.randn(FUSED) for m in modalities}, "bias": torch.randn(FUSED)}


def test_where_all_are_there_it_is_layer_norm_and_linear_over_the_concatenation():
    tree, x = fusion("a", "b"), {m: torch.randn(2, ENCODED) for m in "ab"}
    whole = torch.cat([x["a"], x["b"]], 1)
    scale, shift, weight = (torch.cat([tree["slots"][m][k] for m in "ab"], -1) for k in ("scale", "shift", "weight"))
    expected = F.linear(F.layer_norm(whole, whole.shape[1:], scale, shift), weight, tree["bias"])
    assert torch.allclose(fuse(tree, x, {"a": ON, "b": ON}), expected, atol=1e-5)


def test_an_absent_slot_is_masked_whatever_stands_in_it():
    tree, a = fusion("a", "b"), torch.randn(2, ENCODED)
    mask = {"a": ON, "b": ~ON}
    outputs = [fuse(tree, {"a": a, "b": torch.full((2, ENCODED), v)}, mask) for v in (0.0, 9.0, float("nan"))]
    assert torch.equal(outputs[0], outputs[1])
    assert torch.equal(outputs[0], outputs[2])


def test_an_absent_slot_and_a_missing_column_are_the_same():
    tree, a = fusion("a", "b"), torch.randn(2, ENCODED)
    masked = fuse(tree, {"a": a, "b": torch.randn(2, ENCODED)}, {"a": ON, "b": ~ON})
    assert torch.allclose(masked, fuse(tree, {"a": a}, {"a": ON}), atol=1e-6)


def test_a_client_without_the_slot_needs_no_weights_of_it():
    tree, a = fusion("a", "b"), torch.randn(2, ENCODED)
    slim = {**tree, "slots": {"a": tree["slots"]["a"]}}
    assert torch.equal(fuse(slim, {"a": a}, {"a": ON}), fuse(tree, {"a": a}, {"a": ON}))


def test_a_sample_with_nothing_is_bias_and_absences():
    tree = fusion("a", "b")
    got = fuse(tree, {"a": torch.randn(2, ENCODED)}, {"a": ~ON})
    assert torch.allclose(got[0], tree["bias"] + tree["absent"]["a"] + tree["absent"]["b"], atol=1e-6)


def test_an_encoder_is_linear_gelu_linear_on_normalised_features():
    tree = init_encoder(torch.Generator().manual_seed(0), 5, (3,))
    x = torch.randn(2, 5)
    hidden = F.gelu(F.linear(F.layer_norm(x, (5,)), tree["0"]["weight"], tree["0"]["bias"]))
    assert torch.allclose(encode(tree, x), F.linear(hidden, tree["1"]["weight"], tree["1"]["bias"]), atol=1e-6)


def test_absent_modalities_are_added_in_one_order_in_every_process():
    """Names in a set stand in another order under another hash seed, and 0.1 + 0.2 + 0.3 is not 0.3 + 0.2 + 0.1."""
    program = (
        "import torch; from mlecs_ray.models.fusion import fuse, init_fusion; from mlecs_ray.tree import tree_digest;"
        "names = ['a', 'b', 'c', 'd', 'e']; tree = init_fusion(torch.Generator().manual_seed(0), names);"
        "torch.manual_seed(0); tree['absent'] = {m: torch.randn(256) for m in names};"
        "print(tree_digest({'x': fuse(tree, {'a': torch.ones(2, 64)}, {'a': torch.ones(2, dtype=torch.bool)})}))"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": str(seed)},
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in range(3)
    }
    assert len(digests) == 1


def test_padding_frames_do_not_change_an_encoding():
    tree = init_encoder(torch.Generator().manual_seed(0), 5, (3,))
    frames = torch.randn(2, 4, 5)
    padded = torch.cat([frames, torch.zeros(2, 3, 5)], dim=1)
    assert torch.allclose(encode(tree, padded), encode(tree, frames), atol=1e-6)


def test_variants_are_named_by_their_widths():
    assert [variant(hidden) for hidden in ((), (128,), (64, 32))] == ["linear", "128", "64x32"]


def test_soft_tokens_have_the_width_of_the_language_model_and_drop_only_in_training():
    prompt = init_prompt(torch.Generator().manual_seed(0), tokens=4, hidden=6)
    fused = torch.randn(2, FUSED)
    calm = [soft_tokens(prompt, fused, 6, train=False) for _ in range(2)]
    assert calm[0].shape == (2, 4, 6)
    assert torch.equal(*calm)
    assert not torch.equal(soft_tokens(prompt, fused, 6, train=True), soft_tokens(prompt, fused, 6, train=True))
