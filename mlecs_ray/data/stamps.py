"""Stamps: drawings and photographs of things, an English caption each, and its spoken translation in many languages."""

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import torch

from mlecs_ray.data import assets, backbones, speech
from mlecs_ray.data.features import Table, cached, column
from mlecs_ray.data.pool import Pool
from mlecs_ray.errors import InputError
from mlecs_ray.samples import Samples

MODALITIES = ("image", "speech_ca", "speech_es", "speech_fr", "speech_ru", "text_fr")
"""Offered by default; ``speech_<language>`` and ``text_<language>`` work for every language of the collection."""

CLASSES = ("animals", "food", "home", "leisure", "nature", "people", "symbols", "town")
_FOLDERS = {
    "animals": "animals",
    "clothes": "people",
    "food": "food",
    "hobbies": "leisure",
    "household": "home",
    "medical": "home",
    "military": "town",
    "naturalforces": "nature",
    "people": "people",
    "plants": "nature",
    "seasonal": "leisure",
    "space": "nature",
    "sports": "leisure",
    "symbols": "symbols",
    "town": "town",
    "vehicles": "town",
}
# Changed whenever the code that makes features changes, so that old ones are not taken for new.
_EDITION = 2


@dataclass(frozen=True)
class Stamp:
    """One thing; ``key`` is its path without suffix, ``category`` its top folder."""

    key: str
    caption: str
    category: str
    image: Path | None
    translations: Mapping[str, str]
    speech: Mapping[str, Path]

    @property
    def identity(self) -> str:
        """Its caption, normalised: stamps that share it are one identity, so it is on one side of a split only."""
        return " ".join(self.caption.casefold().strip(" .!").split())


def read(folder: Path) -> tuple[Stamp, ...]:
    """The stamps below ``folder`` that have a caption, in the order of their keys; raises InputError if none."""
    found = []
    for base, folders, names in os.walk(folder):
        folders.sort()
        here = Path(base)
        files = frozenset(names)
        stems = sorted(name[:-4] for name in names if name.endswith(".txt"))
        found += [stamp for stem in stems if (stamp := _stamp(folder, here, stem, files)) is not None]
    if not found:
        raise InputError(f"{folder} holds no captions (NAME.txt), so there are no stamps to learn from")
    return tuple(sorted(found, key=lambda stamp: stamp.key))


def _stamp(root: Path, here: Path, stem: str, files: frozenset[str]) -> Stamp | None:
    lines = (here / f"{stem}.txt").read_text(encoding="utf-8", errors="replace").splitlines()
    if not lines or not lines[0].strip():
        return None
    pairs = [line.split(".utf8=", 1) for line in lines[1:] if ".utf8=" in line]
    image = next((here / (stem + suffix) for suffix in (".png", ".svg") if stem + suffix in files), None)
    spoken = f"{stem}_desc_"
    return Stamp(
        key=(here / stem).relative_to(root).as_posix(),
        caption=lines[0].strip(),
        category=here.relative_to(root).parts[0] if here != root else "",
        image=image,
        translations={language.strip(): text.strip() for language, text in pairs if text.strip()},
        speech={
            name[len(spoken) : -4]: here / name
            for name in sorted(files)
            if name.startswith(spoken) and name.endswith(".ogg")
        },
    )


def load(modalities: Sequence[str] = ()) -> Pool:
    """All stamps with frozen features; labels are the eight classes, domains the top folders, texts the captions.

    ``image`` is (n, 1280), ``speech_<language>`` (n, 480), ``text_<language>`` (n, 384). Raises InputError for a
    modality that no stamp has, and where the assets were not fetched.
    """
    stamps = read(assets.find("stamps") / "usr" / "share" / "tuxpaint" / "stamps")
    keys = [stamp.key for stamp in stamps]
    columns = {m: column(table(m, stamps), keys) for m in modalities or MODALITIES}
    samples = Samples(
        inputs={m: rows for m, (rows, _) in columns.items()},
        present={m: present for m, (_, present) in columns.items()},
        labels=torch.tensor([CLASSES.index(_FOLDERS[stamp.category]) for stamp in stamps]),
        texts=tuple(stamp.caption for stamp in stamps),
        ids=tuple(stamp.identity for stamp in stamps),
        domains=tuple(stamp.category for stamp in stamps),
    )
    return Pool("stamps", samples.take(samples.sensed.nonzero().flatten()), CLASSES)


def table(modality: str, stamps: Sequence[Stamp]) -> Table:
    """The features of one modality by key, from the cache or computed now (image and speech take up to a minute)."""
    kind, _, language = modality.partition("_")
    parts: dict[str, tuple[str, Callable[[], Table]]] = {
        "image": ("mobilenet", lambda: _images(stamps)),
        "speech": ("", lambda: _speeches(stamps, language)),
        "text": ("minilm", lambda: _texts(stamps, language)),
    }
    if kind not in parts or (kind == "image") == bool(language):
        raise InputError(
            f"modality {modality!r} must be image, speech_<language> or text_<language>: stamps have no other"
        )
    if language and not any(language in (s.speech if kind == "speech" else s.translations) for s in stamps):
        raise InputError(
            f"modality {modality!r}: no stamp has {kind} in {language!r}, so nothing could be learned from it"
        )
    backbone, compute = parts[kind]
    pins = [assets.lookup(name).sha256 for name in ("stamps", backbone) if name]
    return cached(f"stamps-{modality}", {"modality": modality, "assets": pins, "edition": _EDITION}, compute)


def _images(stamps: Sequence[Stamp]) -> Table:
    pictures = {}
    for stamp in stamps:
        try:
            if stamp.image is not None:
                pictures[stamp.key] = backbones.picture(stamp.image)
        except InputError:
            # A few drawings of the collection are broken; such a stamp lacks the modality.
            continue
    return dict(zip(pictures, backbones.image_features(list(pictures.values()), backbones.mobilenet()), strict=True))


def _speeches(stamps: Sequence[Stamp], language: str) -> Table:
    spoken = [(stamp.key, stamp.speech[language]) for stamp in stamps if language in stamp.speech]
    with ThreadPoolExecutor(2) as pool:
        return dict(
            zip((key for key, _ in spoken), pool.map(speech.features, (path for _, path in spoken)), strict=True)
        )


def _texts(stamps: Sequence[Stamp], language: str) -> Table:
    texts = {stamp.key: stamp.translations[language] for stamp in stamps if language in stamp.translations}
    return dict(zip(texts, backbones.text_features(list(texts.values())), strict=True))
