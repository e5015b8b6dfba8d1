"""Whatever a stranger sends is decoded as the loaders do, or refused: quickly, and with one kind of error."""

import io
import pickle
import struct
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mlecs_ray.data import backbones, speech
from mlecs_ray.errors import InputError
from serve import media
from serve.media import FORMATS, MediaError, MediaLimits
from tests.serve.sent import NOISE, coded, data_url, photo, png_of_size, recording

LIMITS = MediaLimits()
PICTURES = [photo(format) for format in backbones.RASTER]
RECORDINGS = {format: recording(format.upper()) for format in FORMATS}


def refused(act: Callable[[], Any], status: int = 400) -> str:
    with pytest.raises(MediaError) as caught:
        act()
    assert caught.value.status == status
    return str(caught.value)


@pytest.mark.parametrize("change", [{"image_bytes": 0}, {"audio_seconds": float("nan")}, {"fetch_seconds": np.inf}])
def test_limits_that_let_nothing_or_everything_through_are_refused(change: dict[str, float]) -> None:
    with pytest.raises(InputError, match="must be more than 0 and finite"):
        MediaLimits(**change)


def test_no_limit_lets_pictures_through_that_pillow_takes_for_bombs() -> None:
    with pytest.raises(InputError, match="never opened"):
        MediaLimits(image_pixels=100_000_000)


@pytest.mark.parametrize("host", ["http://a.org", "A.org", "a.org/x", "", "u@a.org", "*"])
def test_a_host_that_no_url_could_have_is_refused(host: str) -> None:
    with pytest.raises(InputError, match="no URL ever matches"):
        MediaLimits(hosts=(host,))
    MediaLimits(hosts=("a.org", "a.org:8080", "10.0.0.1", "[::1]:80"))


def test_a_refusal_travels_with_its_status() -> None:
    error = pickle.loads(pickle.dumps(MediaError("image: is too large", 413)))
    assert (str(error), error.status) == ("image: is too large", 413)


@pytest.mark.parametrize("raw", PICTURES, ids=backbones.RASTER)
def test_a_picture_is_what_the_loader_would_see(raw: bytes) -> None:
    assert torch.equal(media.image(data_url(raw), LIMITS), backbones.picture(io.BytesIO(raw)))


def test_of_an_animation_the_first_frame_counts() -> None:
    first, second = (backbones.Image.fromarray(np.full((4, 4, 3), level, dtype=np.uint8)) for level in (0, 255))
    file = io.BytesIO()
    first.save(file, "GIF", save_all=True, append_images=[second])
    assert torch.equal(
        media.picture(file.getvalue(), LIMITS), media.picture(photo("GIF", np.zeros_like(first)), LIMITS)
    )


@pytest.mark.parametrize(
    "url", ["", "a.png", "file:///etc/passwd", "http://a.org/a.png", "data:,a", 7, None, ["data:"]]
)
def test_what_is_no_data_url_is_refused(url: object) -> None:
    assert "must begin with data:image/png;base64" in refused(lambda: media.image(url, LIMITS))


def test_a_drawing_is_refused_whatever_it_says_that_it_is() -> None:
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>'
    assert "'image/svg+xml' must be one of" in refused(lambda: media.image(data_url(svg, "image/svg+xml"), LIMITS))
    assert "is no PNG, JPEG, WebP or GIF" in refused(lambda: media.image(data_url(svg), LIMITS))


def test_a_format_that_pillow_knows_and_we_do_not_is_refused() -> None:
    assert "is no PNG" in refused(lambda: media.image(data_url(photo("TIFF")), LIMITS))


@pytest.mark.parametrize("bad", ["iVBO RGg=", "iVBORw0K=", "iVBORw0", "====", "iVBORw0KGg==AAAA", "é" * 8, "iVBO-_=="])
def test_base64_is_strict(bad: str) -> None:
    assert "must be strict base64" in refused(lambda: media.image(f"data:image/png;base64,{bad}", LIMITS))


def test_nothing_is_no_picture() -> None:
    assert "holds no data" in refused(lambda: media.image("data:image/png;base64,", LIMITS))


@pytest.mark.parametrize("raw", PICTURES, ids=backbones.RASTER)
def test_bytes_are_counted_to_the_last_one(raw: bytes) -> None:
    media.image(data_url(raw), MediaLimits(image_bytes=len(raw)))
    told = refused(lambda: media.image(data_url(raw), MediaLimits(image_bytes=len(raw) - 1)), 413)
    assert f"must be {len(raw) - 1:,} or fewer" in told


def test_pixels_are_counted_to_the_last_one() -> None:
    media.picture(photo(), MediaLimits(image_pixels=NOISE.shape[0] * NOISE.shape[1]))
    told = refused(lambda: media.picture(photo(), MediaLimits(image_pixels=1_199)), 413)
    assert "1,200 pixels must be 1,199 or fewer" in told


@pytest.mark.parametrize("size", [(5_001, 5_000), (50_000, 50_000), (2**31 - 1, 2**31 - 1)])
def test_a_bomb_is_not_decoded(size: tuple[int, int]) -> None:
    """A header of so many pixels; were it decoded, it would be damaged, not too large."""
    assert "pixels must be" in refused(lambda: media.picture(png_of_size(*size), LIMITS), 413)


def test_a_jpeg_of_a_thousand_scans_is_not_decoded() -> None:
    file = io.BytesIO()
    backbones.Image.fromarray(NOISE).save(file, "JPEG", progressive=True)
    raw = file.getvalue()
    media.picture(raw, LIMITS)
    last = raw[raw.rindex(b"\xff\xda") : -2]
    assert "64 scans or fewer" in refused(lambda: media.picture(raw[:-2] + 1_000 * last + raw[-2:], LIMITS))


@pytest.mark.parametrize("raw", PICTURES[:3], ids=backbones.RASTER[:3])
def test_a_picture_cut_in_the_middle_is_damaged(raw: bytes) -> None:
    assert "damaged" in refused(lambda: media.picture(raw[: len(raw) // 2], LIMITS))


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("channels", [1, 2])
def test_sound_is_what_the_loader_would_hear(format: str, channels: int) -> None:
    raw = recording(format.upper(), channels=channels)
    assert np.array_equal(media.audio(coded(raw), format, LIMITS), speech.read(io.BytesIO(raw)))


@pytest.mark.parametrize("format", ["aiff", "raw", "", None, 3, ["wav"]])
def test_a_format_of_sound_that_is_not_taken_is_refused(format: object) -> None:
    assert "must be one of wav, ogg, flac, mp3" in refused(lambda: media.audio(coded(b"RIFF"), format, LIMITS))


@pytest.mark.parametrize("format", FORMATS)
def test_bytes_of_another_format_are_never_opened(format: str) -> None:
    for other in set(FORMATS) - {format}:
        assert "does not begin like" in refused(lambda other=other: media.sound(RECORDINGS[other], format, LIMITS))
    assert "does not begin like" in refused(lambda: media.sound(recording("AIFF"), format, LIMITS))


def test_sound_that_is_no_string_of_base64_is_refused() -> None:
    assert "must be a string of base64" in refused(lambda: media.audio(None, "wav", LIMITS))
    assert "must be strict base64" in refused(lambda: media.audio("RIFF!", "wav", LIMITS))
    assert "bytes must be 9 or fewer" in refused(lambda: media.audio("A" * 20, "wav", MediaLimits(audio_bytes=9)), 413)


@pytest.mark.parametrize("format", FORMATS)
def test_sound_longer_than_the_limit_is_refused(format: str) -> None:
    raw = recording(format.upper(), 0.5, 16_000)
    media.sound(raw, format, MediaLimits(audio_seconds=0.6))
    assert "must last 0.4 seconds at most" in refused(
        lambda: media.sound(raw, format, MediaLimits(audio_seconds=0.4)), 413
    )


def test_a_header_that_claims_hours_is_not_believed() -> None:
    """Sample count: 36 bits of STREAMINFO, from the middle of its 14th byte on."""
    raw = bytearray(RECORDINGS["flac"])
    raw[21] |= 0x0F
    assert "must last 60 seconds" in refused(lambda: media.sound(bytes(raw), "flac", LIMITS), 413)
    wav = bytearray(RECORDINGS["wav"])
    wav[40:44] = b"\xff\xff\xff\xff"
    assert len(media.sound(bytes(wav), "wav", LIMITS)) == len(speech.read(io.BytesIO(RECORDINGS["wav"])))


@pytest.mark.parametrize("how", [{"rate": 4_000}, {"rate": 192_000}, {"channels": 6}])
def test_rates_and_channels_that_nobody_speaks_in_are_refused(how: dict[str, int]) -> None:
    assert "8000 to 96000 Hz" in refused(lambda: media.sound(recording(**how), "wav", LIMITS))


def test_old_codecs_are_not_decoded() -> None:
    assert "codec IMA_ADPCM must be one of" in refused(
        lambda: media.sound(recording(subtype="IMA_ADPCM"), "wav", LIMITS)
    )


def test_sound_without_samples_or_with_samples_that_are_no_numbers_is_refused() -> None:
    assert "holds no sound" in refused(lambda: media.sound(recording(seconds=0), "wav", LIMITS))
    raw = bytearray(recording(subtype="FLOAT"))
    raw[-4:] = struct.pack("<f", np.nan)
    assert "no finite numbers" in refused(lambda: media.sound(bytes(raw), "wav", LIMITS))


def test_a_damaged_recording_is_refused() -> None:
    raw = RECORDINGS["flac"]
    assert "audio: is damaged" in refused(lambda: media.sound(raw[: len(raw) // 2], "flac", LIMITS))


@pytest.mark.parametrize("content", [[1], [1, 2.5, -3], [[1, 2], [3, 4]], [[[1]], [[2]]], [[[[0.1]]]]])
def test_numbers_keep_their_shape(content: list[Any]) -> None:
    got = media.values(content, LIMITS)
    assert got.dtype == np.float32
    assert np.array_equal(got, np.array(content, dtype=np.float32))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (3.5, "must be a list with numbers in it"),
        ([], "must be a list with numbers in it"),
        ([[], []], "must be a list with numbers in it"),
        ("12", "must be a list"),
        ([1, "2"], "'2' must be a number"),
        ([True], "True must be a number"),
        ([None], "None must be a number"),
        ([{"a": 1}], "must be a number"),
        ([[1, 2], [3]], "rows do not fit"),
        ([[1], 2], "rows do not fit"),
        ([1, [2]], "rows do not fit"),
        ([[[[[1]]]]], "4 deep at most"),
        ([float("nan")], "NaN, infinity"),
        ([float("-inf")], "NaN, infinity"),
        ([1e39], "what float32 cannot hold"),
        ([10**400], "what float32 cannot hold"),
    ],
)
def test_what_is_no_table_of_finite_numbers_is_refused(content: object, told: str) -> None:
    assert told in refused(lambda: media.values(content, LIMITS))


def test_numbers_are_counted_before_they_are_looked_at() -> None:
    small = MediaLimits(numbers=6)
    media.values([[1, 2, 3], [4, 5, 6]], small)
    assert "7 numbers must be 6 or fewer" in refused(lambda: media.values(["a"] * 7, small), 413)
    assert "8 numbers must be 6" in refused(lambda: media.values([[1, 2], [1, 2], [1, 2], [1, 2]], small), 413)


def test_a_text_must_say_something_that_can_be_written() -> None:
    assert media.text(" Un canard. ", LIMITS) == " Un canard. "
    for blank in ("", " \n", None, 3):
        assert "must be a string that says something" in refused(lambda blank=blank: media.text(blank, LIMITS))
    assert "lone surrogate" in refused(lambda: media.text("\ud800", LIMITS))
    assert "5 characters must be 4" in refused(lambda: media.text("abcde", MediaLimits(text_characters=4)), 413)


def test_errors_show_the_beginning_of_a_long_value_only() -> None:
    assert len(refused(lambda: media.image("x" * 10_000, LIMITS))) < 200


def decoded_or_refused(act: Callable[[], Any]) -> None:
    began = time.monotonic()
    with suppress(MediaError):
        act()
    assert time.monotonic() - began < 2


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.text(), st.binary().map(data_url), st.integers()))
def test_any_image_url_is_decoded_or_refused(url: object) -> None:
    decoded_or_refused(lambda: media.image(url, LIMITS))


@st.composite
def damaged(draw: st.DrawFn, files: list[bytes]) -> bytes:
    """A real file, cut and with some bytes changed; sometimes with only its beginning real."""
    raw = bytearray(draw(st.sampled_from(files)))
    del raw[draw(st.integers(0, len(raw))) :]
    if raw and draw(st.booleans()):
        for place, byte in draw(st.lists(st.tuples(st.integers(0, len(raw) - 1), st.integers(0, 255)), max_size=8)):
            raw[place] = byte
    return bytes(raw) + draw(st.binary(max_size=64))


@settings(max_examples=300, deadline=None)
@given(damaged(PICTURES))
def test_any_damaged_picture_is_decoded_or_refused(raw: bytes) -> None:
    decoded_or_refused(lambda: media.picture(raw, LIMITS))


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(FORMATS), st.data())
def test_any_damaged_recording_is_decoded_or_refused(format: str, data: st.DataObject) -> None:
    raw = data.draw(damaged([RECORDINGS[format]]))
    decoded_or_refused(lambda: media.sound(raw, format, LIMITS))


@settings(max_examples=150, deadline=None)
@given(
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=3)),
        lambda inner: st.lists(inner, max_size=4),
    )
)
def test_any_json_is_numbers_or_refused(content: object) -> None:
    decoded_or_refused(lambda: media.values(content, LIMITS))
