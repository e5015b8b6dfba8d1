"""Emoji: some 1,900 things, each drawn in three styles, told apart by what they show."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from mlecs_ray.data import assets
from mlecs_ray.data.features import cached, column
from mlecs_ray.data.pool import Pool
from mlecs_ray.data.rasters import on_white, opened
from mlecs_ray.samples import Samples

STYLES = {
    "google": ("emoji-google", "package/img/google/64"),
    "openmoji": ("openmoji", "package/color/svg"),
    "twitter": ("emoji-twitter", "package/img/twitter/64"),
}
"""Each with its asset and the folder in it that has a picture for every code."""
SIDE = 32
FEWEST = 12
"""A subgroup of fewer identities is no class of ``load``: too few would remain to learn from."""
# Four times as many as of any other subgroup, and told from all else at a glance: most of a score would be flags.
_TOO_MANY = "country-flag"
_FULL = 2 * SIDE
_PERSON, _MAN, _WOMAN = "1F9D1", "1F468", "1F469"
_SEXES = ("-200D-2640", "-200D-2642")
Floats = NDArray[np.float32]
# Changed whenever the code that draws changes, so that old pictures are not taken for new.
_EDITION = 1


@dataclass(frozen=True)
class Emoji:
    """One thing; ``code`` is its Unicode code points, joined by dashes, ``group`` one of nine, ``subgroup`` finer."""

    code: str
    group: str
    subgroup: str

    @property
    def identity(self) -> str:
        """Its code, where a man, a woman and a person who do the same are one: they are on one side of a split."""
        code = self.code.replace(_MAN, _PERSON).replace(_WOMAN, _PERSON)
        return code.replace(_SEXES[0], "").replace(_SEXES[1], "")


def load() -> Pool:
    """``image`` is (n, 3, 32, 32) in 0..1, on white; labels are subgroups, domains styles, ids see ``Emoji.identity``.

    Raises InputError where an asset was not fetched.
    """
    every = [one for one in _known() if one.subgroup != _TOO_MANY]
    sizes = Counter(subgroup for subgroup, _ in {(one.subgroup, one.identity) for one in every})
    return _pool("emoji", {one: one.subgroup for one in every if sizes[one.subgroup] >= FEWEST})


def load_groups() -> Pool:
    """All pictures, flags too; labels are the nine groups."""
    return _pool("emoji9", {one: one.group for one in _known()})


def read(file: Path) -> tuple[Emoji, ...]:
    """Those that a list of emoji-data names, by code; skin tones, which are no emoji alone, are left out."""
    entries = json.loads(file.read_text(encoding="utf-8"))
    found = [Emoji(plain(entry["unified"]), entry["category"], entry["subcategory"]) for entry in entries]
    return tuple(sorted((one for one in found if one.group != "Component"), key=lambda one: one.code))


def _known() -> tuple[Emoji, ...]:
    return read(assets.find("emoji-google") / "package" / "emoji.json")


def plain(code: str) -> str:
    # Whether a file's name has the sign that asks for a colour picture differs from style to style.
    return code.upper().replace("-FE0F", "")


def _pool(name: str, labels: Mapping[Emoji, str]) -> Pool:
    recipe = {"assets": [assets.lookup(asset).sha256 for asset, _ in STYLES.values()], "edition": _EDITION}
    table = cached("emoji", recipe, lambda: dict(_drawn()))
    rows = [(style, one) for style in STYLES for one in labels if f"{style} {one.code}" in table]
    pixels, _ = column(table, [f"{style} {one.code}" for style, one in rows])
    classes = tuple(sorted(set(labels.values())))
    samples = Samples(
        inputs={"image": pixels.view(-1, 3, SIDE, SIDE)},
        labels=torch.tensor([classes.index(labels[one]) for _, one in rows]),
        ids=tuple(one.identity for _, one in rows),
        domains=tuple(style for style, _ in rows),
    )
    return Pool(name, samples, classes)


def _drawn() -> Iterator[tuple[str, Floats]]:
    codes = {one.code for one in _known()}
    for style, (asset, folder) in STYLES.items():
        for file in sorted((assets.find(asset) / folder).iterdir()):
            if plain(file.stem) in codes:
                yield f"{style} {plain(file.stem)}", picture(file).ravel()


def picture(file: Path) -> Floats:
    """(3, 32, 32) in 0..1 of a PNG or SVG, on white."""
    with opened(file, _FULL) as image:
        small = on_white(image).resize((SIDE, SIDE), Image.Resampling.BOX)
    pixels: Floats = np.array(small, dtype=np.float32).transpose(2, 0, 1) / np.float32(255)
    return pixels
