"""What cannot be stored or compared is refused before it is enrolled."""

import numpy as np
import pytest

from mlecs_ray.errors import InputError
from serve.entries import Embedding, Entry
from tests.serve.sights import PNG, emb


@pytest.mark.parametrize(
    ("vector", "why"),
    [
        ([], "shape"),
        ([[1.0]], "shape"),
        ([1.0] * 5000, "shape"),
        ([0.0, 0.0], "all zeros"),
        ([1.0, float("nan")], "NaN"),
        ([float("inf")], "infinite"),
        (["a"], "list of numbers"),
    ],
)
def test_a_vector_without_direction_is_refused(vector, why):
    with pytest.raises(InputError, match=why):
        Embedding(vector, "s", "m")


def test_very_large_and_very_small_vectors_have_a_direction():
    assert np.allclose(emb(3e300, 4e300).unit, [0.6, 0.8])
    assert np.allclose(emb(3e-310, 4e-310).unit, [0.6, 0.8])


@pytest.mark.parametrize(
    ("part", "why"),
    [
        ({"id": ""}, "1 to 200 characters"),
        ({"camera": "x" * 201}, "1 to 200 characters"),
        ({"identity": "\ud800"}, "Unicode"),
        ({"modalities": frozenset({"a|b"})}, "letters, digits"),
        ({"modalities": frozenset(map(str, range(17)))}, "17 modalities"),
        ({"metadata": {"k": "x" * 5000}}, "bytes of JSON"),
        ({"metadata": {"k": float("nan")}}, "JSON object"),
        ({"metadata": {"k": object()}}, "JSON object"),
        ({"metadata": "text"}, "JSON object"),
        ({"thumbnail": PNG + bytes(65536)}, "more than 65536"),
        ({"thumbnail": b"<svg/>"}, "no PNG"),
    ],
)
def test_a_part_that_breaks_a_limit_is_refused(part, why):
    with pytest.raises(InputError, match=why):
        Entry(emb(1, 0), **part)
