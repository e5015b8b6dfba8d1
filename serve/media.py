"""What a request carries, checked and decoded: pictures, sounds, numbers and texts that a stranger sent."""

import binascii
import io
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import BinaryIO, final

import numpy as np
import soundfile
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from mlecs_ray.data import backbones, speech
from mlecs_ray.errors import InputError
from serve.mpeg import frames

Floats = NDArray[np.float32]

_SHOWN = 40
"""Characters of a value that an error repeats."""
_PILLOWS_OWN = 89_478_485
"""Pixels from which Pillow warns by itself."""
_DATA_URL = re.compile(r"data:([\w/+.-]{1,60});base64,", re.IGNORECASE | re.ASCII)
_HOST = re.compile(r"(\[[0-9a-f:]+\]|[a-z0-9][a-z0-9.-]*)(:\d{1,5})?")
_PICTURES = ("image/png", "image/jpeg", "image/jpg", "image/webp", "image/gif")
# A progressive JPEG has ten scans or so; each of thousands costs a few bytes to send and a pass over all pixels.
_SCANS = 64
_MAGIC = {
    "wav": ((0, b"RIFF"), (8, b"WAVE")),
    "ogg": ((0, b"OggS"),),
    "flac": ((0, b"fLaC"),),
    "mp3": (),
}
FORMATS = tuple(_MAGIC)
"""Of sound."""
_CODECS = (
    *("PCM_16", "PCM_24", "PCM_32", "PCM_U8", "PCM_S8", "FLOAT", "DOUBLE", "ULAW", "ALAW"),
    *("VORBIS", "OPUS", "MPEG_LAYER_III"),
)
"""The plain ones, and one for each format that compresses; WAV alone has a dozen old ones more."""
_HERTZ = range(8_000, 96_001)
_CHANNELS = 2
_DIMENSIONS = 4


@final
class MediaError(InputError):
    """Something in a request that is not decoded; ``status`` is the answer's: 413 for what is too large, else 400."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class MediaLimits:
    """How much one piece of content may hold, and where pictures may be fetched from: nowhere, unless told.

    Raises InputError for limits that are not positive or a host that is no host.
    """

    image_bytes: int = 10_000_000
    image_pixels: int = 25_000_000
    audio_bytes: int = 10_000_000
    audio_seconds: float = 60.0
    numbers: int = 200_000
    text_characters: int = 20_000
    fetch_seconds: float = 5.0
    hosts: tuple[str, ...] = ()
    """``name`` or ``name:port``, lower-case, exactly as in the URLs; a name without port means 80 and 443 alone."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name != "hosts" and not (0 < value < math.inf):
                raise InputError(f"{field.name}={value} must be more than 0 and finite, or no request can be answered")
        if self.image_pixels > _PILLOWS_OWN:
            raise InputError(
                f"image_pixels={self.image_pixels} must be {_PILLOWS_OWN} or fewer: larger pictures are never opened"
            )
        for host in self.hosts:
            if not _HOST.fullmatch(host):
                raise InputError(f"hosts: {host!r} must be name or name:port in lower case, or no URL ever matches it")


Look = Callable[[BinaryIO], Tensor]
"""What becomes of a file's pixels."""


def image(url: object, limits: MediaLimits, look: Look = backbones.picture) -> Tensor:
    """What ``look`` makes, (3, 224, 224) by ``backbones.picture``, of a ``data:`` URL with a PNG, JPEG, WebP or GIF
    (its first frame).

    Raises MediaError where it is anything else, or more than the limits.
    """
    header = _DATA_URL.match(url) if isinstance(url, str) else None
    if not isinstance(url, str) or header is None:
        raise MediaError(f"image URL {_shown(url)} must begin with data:image/png;base64, or alike: it cannot be read")
    if header[1].lower() not in _PICTURES:
        raise MediaError(f"image of type {header[1]!r} must be one of {', '.join(_PICTURES)}: others are not opened")
    return picture(decoded(url, header.end(), limits.image_bytes, "image"), limits, look)


def picture(raw: bytes, limits: MediaLimits, look: Look = backbones.picture) -> Tensor:
    """What ``look`` makes of a file's bytes, whose pixels are counted before they are decoded. Raises MediaError."""
    _within(len(raw), limits.image_bytes, "image", "bytes")
    _within(_pixels(raw), limits.image_pixels, "image", "pixels")
    if raw.startswith(b"\xff\xd8") and raw.count(b"\xff\xda") > _SCANS:
        raise MediaError(f"image: a JPEG must have {_SCANS} scans or fewer, or it would take minutes to decode")
    try:
        return look(io.BytesIO(raw))
    # Damaged files lead Pillow's decoders to errors of many kinds, none of which is ours to mend.
    except Exception as error:
        raise MediaError("image: is damaged or cut short, so it has no features") from error


def _pixels(raw: bytes) -> int:
    """By the header alone."""
    try:
        with Image.open(io.BytesIO(raw), formats=backbones.RASTER) as opened:
            return opened.width * opened.height
    except Image.DecompressionBombError:
        return 2 * _PILLOWS_OWN
    except Exception as error:
        raise MediaError("image: is no PNG, JPEG, WebP or GIF, or its header is damaged: it is not opened") from error


def audio(encoded: object, format: object, limits: MediaLimits) -> Floats:
    """Mono samples at ``speech.RATE`` of a file in base64, of one of ``FORMATS``. Raises MediaError."""
    if not isinstance(encoded, str):
        raise MediaError(f"audio data {_shown(encoded)} must be a string of base64, so it cannot be read")
    return sound(decoded(encoded, 0, limits.audio_bytes, "audio"), format, limits)


def sound(raw: bytes, format: object, limits: MediaLimits) -> Floats:
    """Mono samples at ``speech.RATE`` of a file's bytes, never longer than the limit in memory. Raises MediaError."""
    _within(len(raw), limits.audio_bytes, "audio", "bytes")
    if format not in FORMATS:
        raise MediaError(f"audio format {_shown(format)} must be one of {', '.join(FORMATS)}: others are not opened")
    if not _begins_as(raw, str(format)):
        raise MediaError(f"audio: does not begin like a file of format {format}, so it is not opened")
    try:
        with soundfile.SoundFile(io.BytesIO(frames(raw) if format == "mp3" else raw)) as file:
            samples = speech.resampled(_mono(file, limits), file.samplerate)
    except MediaError:
        raise
    # Damaged files lead libsndfile, and Python where it reads for it, to errors of many kinds.
    except Exception as error:
        raise MediaError(f"audio: is damaged ({_shown(error)}), so nothing is heard") from error
    if not np.isfinite(samples).all():
        raise MediaError("audio: has samples that are no finite numbers, so nothing is heard")
    return samples


def values(content: object, limits: MediaLimits) -> Floats:
    """The array that a number, or lists of lists of numbers are; raises MediaError where they are no such thing."""
    shape: list[int] = []
    level = [content]
    while any(isinstance(one, list) for one in level):
        lengths = {len(one) if isinstance(one, list) else -1 for one in level}
        if len(lengths) > 1 or len(shape) == _DIMENSIONS:
            raise MediaError(f"values: must be lists of one length, {_DIMENSIONS} deep at most, or rows do not fit")
        shape.append(lengths.pop())
        _within(math.prod(shape), limits.numbers, "values", "numbers")
        level = [item for one in level for item in one]  # type: ignore[attr-defined]  # all are lists, as none is of length -1
    if not shape or not level:
        raise MediaError(f"values: {_shown(content)} must be a list with numbers in it, so there is nothing to read")
    return _numbers(level).reshape(shape)


def text(content: object, limits: MediaLimits) -> str:
    """A text that says something, in characters that exist. Raises MediaError where it is none."""
    if not isinstance(content, str) or not content.strip():
        raise MediaError(f"text {_shown(content)} must be a string that says something, so there is nothing to read")
    _within(len(content), limits.text_characters, "text", "characters")
    try:
        content.encode()
    except UnicodeEncodeError:
        raise MediaError("text: has half a character (a lone surrogate), so it cannot be read") from None
    return content


def _numbers(flat: list[object]) -> Floats:
    # By type: True is an int for isinstance, and numpy takes "1" for a number.
    odd = [one for one in flat if type(one) not in (int, float)]
    if odd:
        raise MediaError(f"values: {_shown(odd[0])} must be a number, or nothing can be computed from it")
    try:
        with np.errstate(over="ignore"):
            numbers = np.array(flat, dtype=np.float64).astype(np.float32)
    except OverflowError:
        numbers = np.array([np.inf], dtype=np.float32)
    if not np.isfinite(numbers).all():
        raise MediaError("values: NaN, infinity and what float32 cannot hold are refused, as they spoil every answer")
    return numbers


def decoded(encoded: str, start: int, limit: int, what: str) -> bytes:
    """The bytes of strict base64 from ``start`` on; ``what`` stands in the error. Raises MediaError."""
    # Counted before anything is copied.
    _within((len(encoded) - start) // 4 * 3 - 2, limit, what, "bytes")
    try:
        # Python lets a sign of padding too many pass.
        if (len(encoded) - start) % 4:
            raise ValueError("its length is no multiple of 4")
        raw = binascii.a2b_base64(encoded[start:], strict_mode=True)
    except ValueError as error:
        raise MediaError(f"{what}: must be strict base64 ({_shown(error)}), so it cannot be read") from error
    if not raw:
        raise MediaError(f"{what}: holds no data, so there is nothing to read")
    return raw


def _within(found: int, limit: int, what: str, unit: str) -> None:
    if found > limit:
        raise MediaError(f"{what}: {found:,} {unit} must be {limit:,} or fewer, so it is not read", 413)


def _begins_as(raw: bytes, format: str) -> bool:
    if format == "mp3":
        # Either a tag, or the eleven set bits at the beginning of each frame.
        return raw.startswith(b"ID3") or (len(raw) > 1 and raw[0] == 0xFF and raw[1] >= 0xE0)
    return all(raw[at : at + len(magic)] == magic for at, magic in _MAGIC[format])


def _mono(file: soundfile.SoundFile, limits: MediaLimits) -> Floats:
    """The mean of the channels; memory is bounded by the limit, whatever the header says of the length."""
    if file.subtype not in _CODECS:
        raise MediaError(f"audio: codec {file.subtype} must be one of {', '.join(_CODECS)}: others are not decoded")
    if file.samplerate not in _HERTZ or file.channels > _CHANNELS:
        raise MediaError(
            f"audio: {file.samplerate} Hz in {file.channels} channels must be {_HERTZ[0]} to {_HERTZ[-1]} Hz in "
            f"{_CHANNELS} or fewer, so it is not read"
        )
    most = int(limits.audio_seconds * file.samplerate)
    # From the beginning, as soundfile.read seeks too, and in one piece: an MP3 sounds otherwise, if but a little, when
    # it is decoded from where the last piece ended.
    file.seek(0)
    samples = file.read(most + 1, dtype="float32", always_2d=True) if file.frames <= most else None
    if samples is None or len(samples) > most:
        raise MediaError(f"audio: must last {limits.audio_seconds:g} seconds at most, so it is not read", 413)
    if not len(samples):
        raise MediaError("audio: holds no sound, so nothing is heard")
    return np.asarray(samples.mean(axis=1))


def _shown(value: object) -> str:
    told = str(value) if isinstance(value, Exception) else repr(value)
    return told if len(told) <= _SHOWN else f"{told[:_SHOWN]}.."
