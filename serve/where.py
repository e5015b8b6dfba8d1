"""Which entries of a gallery a search looks at."""

from dataclasses import dataclass, field

from mlecs_ray.errors import InputError
from serve.entries import check_modalities, check_text

NAMES = 1000


@dataclass(frozen=True)
class Choice:
    """Values to keep (None: all) less values to leave out."""

    include: frozenset[str] | None = None
    exclude: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        named = len(self.include or ()) + len(self.exclude)
        if named > NAMES:
            raise InputError(f"a choice names {named} values, more than {NAMES}, so it is refused")


@dataclass(frozen=True)
class Sighting:
    """Whom and where the query shows. ``identity`` None: not known."""

    camera: str
    identity: str | None = None


@dataclass(frozen=True)
class Where:
    """Entries that all three choices keep; raises InputError where a name cannot be one.

    An entry with several modalities is kept by any one of them, and left out by any one. An entry without a camera
    or an identity is in no ``include`` and in no ``exclude``. ``seen`` leaves out what the protocol of
    re-identification calls junk: the same identity from the same camera; where the identity of the query is not
    known, all entries from its camera.
    """

    modality: Choice = field(default_factory=Choice)
    camera: Choice = field(default_factory=Choice)
    identity: Choice = field(default_factory=Choice)
    seen: Sighting | None = None

    def __post_init__(self) -> None:
        for choice in (self.modality, self.camera, self.identity):
            for name in (choice.include or frozenset()) | choice.exclude:
                check_text(name, "filter")
        for name in (self.modality.include or frozenset()) | self.modality.exclude:
            check_modalities(frozenset({name}))
        if self.seen is not None:
            check_text(self.seen.camera, "camera")
