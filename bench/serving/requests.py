"""Test rows of stamps as requests bring them: the picture's and the recordings' own files."""

import base64
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mlecs_ray.data import assets, stamps
from mlecs_ray.data.stamps import Stamp
from mlecs_ray.errors import InputError
from mlecs_ray.run.bundle import Bundle
from mlecs_ray.samples import Samples

Content = list[dict[str, Any]]


def contents(bundle: Bundle, samples: Samples) -> list[Content]:
    """Of each row the content that was sensed there. Raises InputError for other data than stamps."""
    if bundle.scenario.data.name != "stamps":
        raise InputError(
            f"data.name={bundle.scenario.data.name} has no files to send, only a run of stamps is measured"
        )
    modalities = list(bundle.shape.modalities)
    left = _by_identity(modalities)
    found = []
    # Rows of one identity stand in the order of their files.
    for row, identity in enumerate(samples.ids):
        stamp = left[identity].pop(0)
        there = [m for m in modalities if bool(samples.present[m][row])]
        found.append([_part(stamp, modality) for modality in there])
    return found


def _by_identity(modalities: Sequence[str]) -> dict[str, list[Stamp]]:
    every = stamps.read(assets.find("stamps") / "usr" / "share" / "tuxpaint" / "stamps")
    tables = [stamps.table(modality, every) for modality in modalities]
    found: defaultdict[str, list[Stamp]] = defaultdict(list)
    for stamp in every:
        if any(stamp.key in table for table in tables):
            found[stamp.identity].append(stamp)
    return found


def _part(stamp: Stamp, modality: str) -> dict[str, Any]:
    if modality == "image":
        assert stamp.image is not None
        return {"type": "image_url", "image_url": {"url": picture_url(stamp.image)}}
    file = stamp.speech[modality.partition("_")[2]]
    audio = {"data": base64.b64encode(file.read_bytes()).decode(), "format": "ogg"}
    return {"type": "input_audio", "input_audio": audio, "modality": modality}


def picture_url(file: Path) -> str:
    """A ``data:`` URL; drawings in SVG, which servers do not take, as PNG."""
    raw, kind = file.read_bytes(), "png"
    if file.suffix == ".svg":
        import resvg_py

        raw = bytes(resvg_py.svg_to_bytes(svg_path=str(file), width=448, skip_system_fonts=True))
    return f"data:image/{kind};base64,{base64.b64encode(raw).decode()}"
