"""The plain part of an MP3 file: the frames alone, all of one kind."""

from typing import NamedTuple

_KBIT = {
    1: (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    2: (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
"""By version, from index 1 on; 2.5 is as 2."""
_HERTZ = (44_100, 48_000, 32_000)
_SHARE = {3: 1, 2: 2, 0: 4}
"""Two bits of the header for versions 1, 2 and 2.5, and the part of ``_HERTZ`` that they play at."""
_LAYER_3 = 1
_TAGS = (b"TAG", b"APETAGEX", b"LYRICSBEGIN", b"ID3")


class _Frame(NamedTuple):
    length: int
    kind: tuple[int, bool]
    """Samples per second, and whether there is one channel."""


def frames(raw: bytes) -> bytes:
    """What follows the tag at the beginning and precedes those at the end. Raises ValueError for anything irregular.

    No honest recording changes its rate or channels on the way, and the mpg123 in soundfile's wheel, 1.32.3, may write
    beyond its buffer where one does (CVE-2024-10573); libsndfile tells it not to follow, and here it never sees one.
    """
    start = at = _first(raw)
    kind = None
    while (frame := _frame(raw, at)) is not None:
        if kind not in (None, frame.kind):
            raise ValueError("its rate or channels change on the way")
        if at + frame.length > len(raw):
            break
        kind, at = frame.kind, at + frame.length
    rest = raw[at:]
    if kind is None or not (frame or rest.startswith(_TAGS) or not rest.strip(b"\0")):
        raise ValueError("something stands where a frame should")
    return raw[start:at]


def _first(raw: bytes) -> int:
    """Where the first frame begins: behind an ID3v2 tag and the zeros that fill it up."""
    if not raw.startswith(b"ID3") or len(raw) < 10:
        return 0
    # Seven bits of each byte, and ten bytes of header, and of footer where it is flagged.
    size = sum((byte & 0x7F) << shift for byte, shift in zip(raw[6:10], (21, 14, 7, 0), strict=True))
    at = 10 + size + (10 if raw[5] & 0x10 else 0)
    return len(raw) - len(raw[at:].lstrip(b"\0"))


def _frame(raw: bytes, at: int) -> _Frame | None:
    """The frame of layer III whose header of four bytes stands here; None where there is none."""
    head = raw[at : at + 4]
    if len(head) < 4 or head[0] != 0xFF or head[1] < 0xE0:
        return None
    version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
    bits, rate, padding = head[2] >> 4, head[2] >> 2 & 3, head[2] >> 1 & 1
    if version not in _SHARE or layer != _LAYER_3 or not 0 < bits < 15 or rate == 3:
        return None
    hertz = _HERTZ[rate] // _SHARE[version]
    kbit = _KBIT[1 if version == 3 else 2][bits - 1]
    length = (144_000 if version == 3 else 72_000) * kbit // hertz + padding
    return _Frame(length, (hertz, head[3] >> 6 == 3))
