"""Stand-ins for assets that were fetched, with files of a test's own."""

import json
from collections.abc import Mapping
from pathlib import Path

from mlecs_ray.data.catalogue import CATALOGUE


def lay(name: str, files: Mapping[str, bytes]) -> Path:
    """The folder of this asset in the cache, which must be a test's own, with these files and their sums."""
    folder = CATALOGUE[name].folder
    for file, content in files.items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_bytes(content)
    sums = {file: [len(content), "0" * 64, (folder / file).stat().st_mtime_ns] for file, content in files.items()}
    (folder / ".sums.json").write_text(json.dumps(sums))
    return folder
