"""Raw inputs of one request, and the features that loaders make of the same."""

import io
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from mlecs_ray.data import assets, backbones, digits, encoding, speech, stamps, urfall, vast, watch
from mlecs_ray.data.encoding import Frozen, kind, samples_of
from mlecs_ray.errors import InputError
from mlecs_ray.samples import Samples
from tests.data.recorded import encoders, tone, write_urfall, write_vast

PICTURE = torch.rand(3, 224, 224, generator=torch.Generator().manual_seed(0))


def fake() -> Frozen:
    """The encoders of ``recorded``: a picture's three means, a text's length."""
    some = encoders()
    return Frozen(some.image, lambda: some.text)


def one(data: str, modality: str, raw: encoding.Raw, width: int) -> Tensor:
    return samples_of(data, {modality: raw}, {modality: width}, fake()).inputs[modality]


@pytest.mark.parametrize(
    ("data", "modality", "expected"),
    [
        ("stamps", "image", "image"),
        ("stamps", "speech_fr", "speech"),
        ("stamps", "text_ja", "text"),
        ("vast", "video", "image"),
        ("vast", "audio", "speech"),
        ("vast", "subtitle", "text"),
        ("urfall", "rgb", "image"),
        ("urfall", "depth", "values"),
        ("urfall", "accelerometer", "values"),
        ("watch", "gyroscope", "values"),
        ("digits", "image", "values"),
        ("mnist10k", "image", "values"),
        ("/home/me/own", "image", "values"),
    ],
)
def test_each_modality_has_one_kind_of_raw_input(data: str, modality: str, expected: str) -> None:
    assert kind(data, modality) == expected


def test_every_modality_that_is_offered_has_a_kind() -> None:
    offered = {"stamps": stamps.MODALITIES, "vast": vast.MODALITIES, "urfall": urfall.MODALITIES}
    assert all(kind(data, modality) for data, some in offered.items() for modality in some)


def test_a_modality_that_a_data_set_never_has_is_refused() -> None:
    with pytest.raises(InputError, match="modality 'smell' must be one of video, audio, subtitle"):
        kind("vast", "smell")


def test_a_request_is_one_row_of_what_it_has() -> None:
    widths = {"image": 3, "speech_fr": 480, "text_fr": 1}
    row = samples_of("stamps", {"image": PICTURE, "text_fr": " Un\n canard. "}, widths, fake())
    assert len(row) == 1
    assert row.modalities == {"image", "text_fr"}
    assert torch.equal(row.inputs["image"][0], PICTURE.mean(dim=(1, 2)))
    # Eleven characters when spaces are single: "Un canard.".
    assert row.inputs["text_fr"].tolist() == [[10.0]]
    assert all(column.dtype == torch.float32 for column in row.inputs.values())


def test_sound_becomes_what_the_loader_made_of_the_file(tmp_path: Path) -> None:
    path = tone(tmp_path / "a.wav", 300)
    assert np.array_equal(one("vast", "audio", speech.read(path), 480)[0].numpy(), speech.features(path))


def test_a_clip_of_one_frame_is_what_the_loader_made_of_it(tmp_path: Path) -> None:
    folder = write_vast(tmp_path / "vast")
    path = sorted((folder / "frames" / "v0.0").iterdir())[0]
    for other in sorted(path.parent.iterdir())[1:]:
        other.unlink()
    rows = vast.averaged({"v0.0": (path,)}, encoders().image())
    assert np.array_equal(one("vast", "video", backbones.picture(path), 3)[0].numpy(), rows["v0.0"])


def test_millimetres_become_what_the_loader_made_of_a_depth_picture(tmp_path: Path) -> None:
    """A fall's scale is 6000 mm: pixel 30000 is 30000 * 6000 / 65535 mm."""
    folder = write_urfall(tmp_path / "urfall")
    path = next(folder.rglob("fall-01-cam0-d-001.png"))
    millimetres = np.asarray(Image.open(path)).astype(np.float32) * np.float32(6000 / 65535)
    assert torch.allclose(one("urfall", "depth", millimetres, 3)[0], urfall.depth_picture(path).mean(dim=(1, 2)))


@pytest.mark.parametrize(("data", "axes"), [("watch", 3), ("urfall", 4)])
def test_a_window_of_readings_becomes_quantiles_and_amplitudes(data: str, axes: int) -> None:
    window = np.random.default_rng(0).normal(size=(100, axes)).astype(np.float32)
    got = one(data, "accelerometer", window, 25 * axes)
    assert torch.equal(got, watch.features(window[None]))
    assert torch.equal(one(data, "accelerometer", got[0].numpy(), 25 * axes), got)


def test_a_digit_is_taken_as_it_is_flat_or_in_rows() -> None:
    expected = digits.load().samples.inputs["image"][:1]
    rows = expected[0].numpy()
    assert torch.equal(one("digits", "image", rows, 64), expected)
    assert torch.equal(one("digits", "image", rows.reshape(8, 8), 64), expected)


@pytest.mark.parametrize(
    ("data", "modality", "shape", "width", "told"),
    [
        ("watch", "gyroscope", (99, 3), 75, "is 99 x 3 numbers, must be 75, or a window of 100 readings of 3 axes"),
        ("watch", "gyroscope", (25, 3), 75, "is 25 x 3 numbers"),
        ("digits", "image", (63,), 64, "is 63 numbers, must be 64"),
        ("urfall", "depth", (4, 4, 4), 3, "or rows of millimetres"),
    ],
)
def test_numbers_of_another_shape_are_refused(
    data: str, modality: str, shape: tuple[int, ...], width: int, told: str
) -> None:
    with pytest.raises(InputError, match=told):
        one(data, modality, np.ones(shape, dtype=np.float32), width)


def test_depth_below_nothing_is_refused() -> None:
    with pytest.raises(InputError, match="none below 0"):
        one("urfall", "depth", np.full((4, 4), -1, dtype=np.float32), 3)


@pytest.mark.parametrize(
    ("modality", "raw", "told"),
    [
        ("image", "a cat", "must be a picture"),
        ("image", np.ones(480, dtype=np.float32), "must be a picture"),
        ("image", torch.ones(3, 2, 2), "must be a picture"),
        ("speech_fr", PICTURE, "must be a sound"),
        ("speech_fr", np.ones((2, 2), dtype=np.float32), "must be a sound"),
        ("text_fr", PICTURE, "must be a text that says something"),
        ("text_fr", " \n", "must be a text that says something"),
    ],
)
def test_raw_input_of_another_kind_is_refused(modality: str, raw: encoding.Raw, told: str) -> None:
    with pytest.raises(InputError, match=told):
        one("stamps", modality, raw, 3)


def test_a_request_without_anything_or_with_an_unknown_modality_is_refused() -> None:
    with pytest.raises(InputError, match="has none of image"):
        samples_of("stamps", {}, {"image": 3}, fake())
    with pytest.raises(InputError, match="'text_fr' must be one of image: the model senses no other"):
        samples_of("stamps", {"text_fr": "Un canard."}, {"image": 3}, fake())


def test_features_that_the_model_cannot_read_are_refused() -> None:
    with pytest.raises(InputError, match="has 3 features, the model reads 1280"):
        one("stamps", "image", PICTURE, 1280)
    with pytest.raises(InputError, match="no finite numbers"):
        one("stamps", "speech_fr", np.array([1e38, -1e38] * 400, dtype=np.float32), 480)


def test_an_encoder_is_loaded_once_whoever_asks_and_never_unasked() -> None:
    loads = []

    def load() -> encoding.Encoder:
        loads.append(threading.get_ident())
        return encoders().image()

    def no_text() -> encoding.TextEncoder:
        raise AssertionError("no text was asked for")

    frozen = Frozen(load, no_text)
    frozen.load(["values", "speech"])
    assert not loads
    with ThreadPoolExecutor(4) as pool:
        rows = list(pool.map(lambda _: frozen.image(PICTURE), range(8)))
    frozen.load(["image"])
    assert len(loads) == 1
    assert all(np.array_equal(row, rows[0]) for row in rows)


@pytest.fixture(scope="module")
def some() -> Sequence[stamps.Stamp]:
    read = stamps.read(assets.find("stamps") / "usr" / "share" / "tuxpaint" / "stamps")
    return [stamp for stamp in read if stamp.image and stamp.image.suffix == ".png" and "fr" in stamp.speech]


@pytest.mark.slow
def test_a_real_stamp_in_memory_has_the_features_that_the_loader_cached(some: Sequence[stamps.Stamp]) -> None:
    every = stamps.read(assets.find("stamps") / "usr" / "share" / "tuxpaint" / "stamps")
    names = {"image": 1280, "speech_fr": 480, "text_fr": 384}
    known = {modality: stamps.table(modality, every) for modality in names}
    frozen = Frozen()
    for stamp in (some[0], some[len(some) // 2], some[-1]):
        raw = {
            "image": backbones.picture(io.BytesIO(stamp.image.read_bytes())),
            "speech_fr": speech.read(io.BytesIO(stamp.speech["fr"].read_bytes())),
            "text_fr": stamp.translations["fr"],
        }
        row: Samples = samples_of("stamps", raw, names, frozen)
        assert np.array_equal(row.inputs["speech_fr"][0].numpy(), known["speech_fr"][stamp.key])
        # One picture or sentence is multiplied in another order than 32 at a time.
        for modality, atol in (("image", 1e-4), ("text_fr", 1e-5)):
            assert np.allclose(row.inputs[modality][0].numpy(), known[modality][stamp.key], rtol=1e-4, atol=atol)
