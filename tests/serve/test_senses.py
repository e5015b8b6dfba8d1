"""Raw content becomes the row that a data set's loader would have made of it."""

import asyncio

import torch

from mlecs_ray.samples import Samples
from serve.media import MediaLimits
from serve.models import Refusal
from serve.senses import Part, Senses, Sensing

OWN = Sensing("parquet", {"near": 3, "far": 2})


def _sensed(sensing: Sensing, *parts: Part) -> Samples | Refusal:
    return asyncio.run(Senses(sensing).sense(parts))


def _refused(sensing: Sensing, *parts: Part) -> str:
    found = _sensed(sensing, *parts)
    assert isinstance(found, Refusal)
    assert found.kind == "input"
    return found.message


def test_numbers_are_taken_as_they_are_and_what_is_missing_is_left_out() -> None:
    found = _sensed(OWN, Part("values", [1, 2.5, -3], modality="near"))
    assert isinstance(found, Samples)
    assert found.modalities == {"near"}
    assert torch.equal(found.inputs["near"], torch.tensor([[1.0, 2.5, -3.0]]))


def test_the_only_modality_of_a_kind_need_not_be_named() -> None:
    found = _sensed(Sensing("digits", {"image": 2}), Part("values", [1, 2]))
    assert isinstance(found, Samples)
    assert found.modalities == {"image"}


def test_which_of_several_must_be_said() -> None:
    assert "needs a modality, one of ['near', 'far']" in _refused(OWN, Part("values", [1, 2, 3]))
    assert "must be one of ['near', 'far']" in _refused(OWN, Part("values", [1], modality="smell"))
    assert "is for none of the models' modalities" in _refused(OWN, Part("image", "data:,"))
    twice = Part("values", [1, 2, 3], modality="near")
    assert "comes twice in the request" in _refused(OWN, twice, twice)


def test_another_number_of_numbers_is_refused() -> None:
    assert "must be 3" in _refused(OWN, Part("values", [1, 2], modality="near"))


def test_limits_hold() -> None:
    small = Sensing("parquet", {"near": 3}, MediaLimits(numbers=2))
    found = _sensed(small, Part("values", [1, 2, 3]))
    assert isinstance(found, Refusal)
    assert found.kind == "large"
    assert "2" in found.message


def test_remote_pictures_are_refused_unless_allowed() -> None:
    stamps = Sensing("stamps", {"image": 1280})
    assert "remote URLs are switched off" in _refused(stamps, Part("image", "https://example.org/cat.png"))
