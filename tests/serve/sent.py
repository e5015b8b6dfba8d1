"""Small pictures and sounds as requests carry them."""

import base64
import io
import struct
import zlib

import numpy as np
import soundfile
from PIL import Image

NOISE = np.random.default_rng(0).integers(0, 256, (40, 30, 3), dtype=np.uint8)
RATE = 22_050


def photo(format: str = "PNG", pixels: np.ndarray = NOISE) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format)
    return file.getvalue()


def recording(format: str = "WAV", seconds: float = 0.2, rate: int = RATE, channels: int = 1, **how: str) -> bytes:
    """A tone of 440 Hz."""
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(int(seconds * rate)) / rate)
    file = io.BytesIO()
    soundfile.write(file, np.repeat(tone[:, None], channels, axis=1), rate, format=format, **how)
    return file.getvalue()


def coded(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def data_url(raw: bytes, kind: str = "image/png") -> str:
    return f"data:{kind};base64,{coded(raw)}"


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png_of_size(width: int, height: int) -> bytes:
    """One that holds nothing but its header."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(b"")) + _chunk(b"IEND", b"")
