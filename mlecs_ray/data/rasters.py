"""Files of pictures as pixels on white, drawings among them."""

import io
from pathlib import Path

import resvg_py
from PIL import Image


def opened(file: Path, width: int) -> Image.Image:
    """A picture as it is, an SVG drawn so wide."""
    if file.suffix != ".svg":
        return Image.open(file)
    # Fonts differ from machine to machine, and pictures must not.
    return Image.open(io.BytesIO(bytes(resvg_py.svg_to_bytes(svg_path=str(file), width=width, skip_system_fonts=True))))


def on_white(image: Image.Image) -> Image.Image:
    """In RGB, white where nothing is."""
    full = image.convert("RGBA")
    white = Image.new("RGBA", full.size, "white")
    white.alpha_composite(full)
    return white.convert("RGB")
