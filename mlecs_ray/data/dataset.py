"""Data sets by name: the built-in ones, public ones that the user has, and a user's own Parquet folder."""

import difflib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from mlecs_ray.data.names import FOLDERS, NAMES
from mlecs_ray.data.pool import Dataset, Pool, Split, divide, standardised
from mlecs_ray.errors import InputError

__all__ = ["FOLDERS", "NAMES", "Dataset", "Split", "load"]

_FEATURES = frozenset({"stamps", "watch", "vast", "urfall"})
"""Data sets of features whose columns differ in scale; pictures and spectrograms are taken as they are."""


def load(
    name: str,
    seed: int = 0,
    split: Split | None = None,
    modalities: Sequence[str] = (),
    folder: str | Path | None = None,
    change: Callable[[Pool], Pool] | None = None,
) -> Dataset:
    """The data set, split by identity with ``seed``, seen through ``modalities`` (all usual ones when empty).

    ``name`` is one of ``NAMES``, one of ``FOLDERS`` together with its ``folder``, or the path of a Parquet folder,
    whose own split column is then kept (``split`` and ``seed`` do not matter). A test that the makers of a public data
    set have set apart stays the test. ``change`` is made to all samples before they are split. Raises InputError for
    unknown names and modalities, where an asset was not fetched, and where a folder is missing or holds something else.
    """
    if name in NAMES or name in FOLDERS:
        pool = _recorded(name, folder, modalities) if name in FOLDERS else _read(name, modalities)
        data = divide(change(pool) if change else pool, split or Split(), seed)
        return standardised(data) if name in _FEATURES else data
    if Path(name).expanduser().exists():
        return _only_own(_own(Path(name).expanduser()), modalities)
    known = NAMES + FOLDERS
    near = difflib.get_close_matches(name, known, 1) or known
    raise InputError(
        f"data set {name!r} is neither a known name nor a folder, so there is nothing to load; "
        f"did you mean {' or '.join(near)}?"
    )


# Each has readers of its own, for sound, pictures or Parquet: a run waits for the import of those that it needs.
def _read(name: str, modalities: Sequence[str]) -> Pool:
    if name == "stamps":
        from mlecs_ray.data import stamps

        return stamps.load(modalities)
    return _only(_whole(name), modalities)


def _whole(name: str) -> Pool:
    match name:
        case "watch":
            from mlecs_ray.data import watch

            return watch.load()
        case "digits":
            from mlecs_ray.data import digits

            return digits.load()
        case "syllables":
            from mlecs_ray.data import syllables

            return syllables.load()
        case "emojireid":
            from mlecs_ray.data.reid import emoji as people

            return people.load()
        case "emoji" | "emoji9":
            from mlecs_ray.data import emoji

            return emoji.load() if name == "emoji" else emoji.load_groups()
        case _:
            from mlecs_ray.data import mnist

            return mnist.load_5k() if name == "mnist5k" else mnist.load_10k()


def _recorded(name: str, folder: str | Path | None, modalities: Sequence[str]) -> Pool:
    if folder is None:
        raise InputError(
            f"data.name={name} needs data.path=FOLDER, as {name} cannot be shipped, so nothing was started: "
            "docs/data.md says where its home page is and how the folder must look"
        )
    path = Path(folder).expanduser()
    if not path.is_dir():
        raise InputError(f"data.path={folder} is no folder, so there is no {name} to load; docs/data.md draws one")
    return _brought(name, path, modalities)


def _brought(name: str, folder: Path, modalities: Sequence[str]) -> Pool:
    match name:
        case "vast":
            from mlecs_ray.data import vast

            return vast.load(folder, modalities)
        case "urfall":
            from mlecs_ray.data import urfall

            return urfall.load(folder, modalities)
        case "ucihar":
            from mlecs_ray.data import ucihar

            return _only(ucihar.load(folder), modalities)
        case "speechcommands":
            from mlecs_ray.data import speechcommands

            return _only(speechcommands.load(folder), modalities)
        case "cifar10" | "cifar100":
            from mlecs_ray.data import cifar

            return _only(cifar.load(folder, cifar.CIFAR10 if name == "cifar10" else cifar.CIFAR100), modalities)
        case _:
            from mlecs_ray.data.reid import people

            return _only(people.load(name, folder), modalities)


def _own(folder: Path) -> Dataset:
    from mlecs_ray.data import parquet

    return parquet.load(folder)


def _only(pool: Pool, modalities: Sequence[str]) -> Pool:
    if not modalities:
        return pool
    _known(pool.name, modalities, sorted(pool.samples.modalities))
    return replace(pool, samples=pool.samples.only(modalities))


def _only_own(data: Dataset, modalities: Sequence[str]) -> Dataset:
    if not modalities:
        return data
    _known(data.name, modalities, data.modalities)
    train, public, test = (part.only(modalities) for part in (data.train, data.public, data.test))
    return replace(data, train=train, public=public, test=test, modalities=tuple(sorted(modalities)))


def _known(name: str, asked: Sequence[str], offered: Sequence[str]) -> None:
    unknown = [modality for modality in asked if modality not in offered]
    if unknown:
        raise InputError(f"modality {unknown[0]!r} must be one of {', '.join(offered)}: {name} has no other")
