"""Frames of MP3 files, and what is no part of them."""

import pytest

from serve.mpeg import frames
from tests.serve.sent import recording

PLAIN = recording("MP3", 0.5, 44_100)
# Version 2.4, ten bytes long.
TAG = b"ID3\x04\x00\x00\x00\x00\x00\x0a" + b"\xff\xfb\x90\xc4" * 2 + b"\0\0"


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 44_100, 48_000])
@pytest.mark.parametrize("channels", [1, 2])
def test_a_plain_file_is_its_frames(rate: int, channels: int) -> None:
    raw = recording("MP3", 0.5, rate, channels)
    assert frames(raw) == raw


def test_tags_are_taken_off() -> None:
    assert frames(TAG + b"\0\0\0" + PLAIN) == PLAIN
    for end in (b"TAG" + b"x" * 125, b"APETAGEX" + PLAIN, b"\0" * 9, b"LYRICSBEGIN"):
        assert frames(PLAIN + end) == PLAIN


def test_a_frame_that_was_cut_is_left_out() -> None:
    cut = frames(PLAIN[:-1])
    assert PLAIN.startswith(cut)
    assert PLAIN[len(cut) : len(cut) + 2] == b"\xff\xfb"
    assert cut == frames(PLAIN[: len(cut) + 4])


@pytest.mark.parametrize("how", [{"rate": 48_000}, {"rate": 22_050}, {"channels": 2}])
def test_a_file_that_changes_on_the_way_is_refused(how: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="change on the way"):
        frames(PLAIN + recording("MP3", **{"rate": 44_100, **how}))


@pytest.mark.parametrize("raw", [b"", b"ID3", b"\xff\xfb", TAG, b"\xff\xfb\xf0\xc4" * 200, b"\xff\xfd\x90\xc4" * 200])
def test_what_has_no_frame_is_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match="something stands where a frame should"):
        frames(raw)


def test_noise_between_frames_is_refused() -> None:
    with pytest.raises(ValueError, match="something stands where a frame should"):
        frames(PLAIN + b"noise" + PLAIN)
