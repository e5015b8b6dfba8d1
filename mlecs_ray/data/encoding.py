"""Raw pictures, sounds, texts and numbers of one request, as the features that the data set's loader makes of such."""

import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Generic, Literal, Protocol, TypeVar, final

import numpy as np
import torch
from torch import Tensor

from mlecs_ray.data import backbones, speech, urfall, watch
from mlecs_ray.data.backbones import SIDE, Encoder, Floats, TextEncoder
from mlecs_ray.data.names import SEEN
from mlecs_ray.errors import InputError
from mlecs_ray.samples import Samples

Kind = Literal["image", "speech", "text", "values"]
Raw = Tensor | Floats | str
"""Image: (3, 224, 224) of ``backbones.picture``, of people (3, h, w) in 0..255 of ``backbones.pixels``; speech: mono
samples of ``speech.read``; text; values: numbers."""
T = TypeVar("T")

_KINDS: Mapping[str, Mapping[str, Kind]] = {
    "stamps": {"image": "image", "speech": "speech", "text": "text"},
    "vast": {"video": "image", "audio": "speech", "subtitle": "text"},
    "urfall": {"rgb": "image", "depth": "values", "accelerometer": "values"},
    **{name: {"rgb": "image", "ir": "image", "sketch": "image", "text": "text"} for name in SEEN},
}
_READ = {"image": "a picture", "speech": "a sound", "text": "a text that says something", "values": "numbers"}
WINDOWS = {
    ("watch", "accelerometer"): (watch.WINDOW, 3),
    ("watch", "gyroscope"): (watch.WINDOW, 3),
    ("urfall", "accelerometer"): (urfall.READINGS, 4),
}
"""(time, axes) of one window, in the loader's units and order."""
_DEPTH = ("urfall", "depth")


def kind(data: str, modality: str) -> Kind:
    """What a request carries for this modality of the data set that a scenario names ``data``.

    A picture stands for one frame of VAST's ``video`` and UR Fall's ``rgb``. ``values`` are all modalities of data sets
    of numbers, a user's own folder among them, and UR Fall's ``depth``: a picture of it is in a unit that differs from
    recording to recording. Raises InputError for a modality that the data set never has.
    """
    if data not in _KINDS:
        return "values"
    # Stamps have a modality for each language.
    name = modality.partition("_")[0] if data == "stamps" else modality
    if name not in _KINDS[data]:
        raise InputError(
            f"modality {modality!r} must be one of {', '.join(_KINDS[data])}: {data} has no other, so nothing is known "
            "of what a request should carry for it"
        )
    return _KINDS[data][name]


class People(Protocol):
    """How people are read."""

    def __call__(self, modality: str, raw: Tensor | str) -> Floats:
        """(width,) of a picture (3, h, w) in 0..255, or of a sentence."""

    def warm(self) -> None:
        """Load what it needs."""


@final
class Frozen:
    """The frozen encoders, each loaded when something asks for it first, and once, whichever thread asks."""

    def __init__(
        self,
        image: Callable[[], Encoder] = backbones.mobilenet,
        text: Callable[[], TextEncoder] = backbones.minilm,
        people: People | None = None,
    ) -> None:
        """``people``: how pictures and sentences of them are read, by what serves them."""
        self._image, self._text = _Once(image), _Once(text)
        self.people = people

    def load(self, kinds: Iterable[Kind]) -> None:
        """Load now what these kinds need; raises InputError where an asset is missing."""
        if self.people is not None:
            self.people.warm()
            return
        for wanted in set(kinds):
            if wanted in ("image", "text"):
                (self._image if wanted == "image" else self._text).get()

    def image(self, picture: Tensor) -> Floats:
        """(1280,) of (3, 224, 224)."""
        return np.asarray(backbones.image_features([picture], self._image.get())[0])

    def text(self, text: str) -> Floats:
        """(384,) of a text; how it is broken into lines does not matter."""
        return np.asarray(self._text.get()([" ".join(text.split())])[0])


@final
class _Once(Generic[T]):
    def __init__(self, make: Callable[[], T]) -> None:
        self._make, self._made, self._lock = make, list[T](), threading.Lock()

    def get(self) -> T:
        with self._lock:
            if not self._made:
                self._made.append(self._make())
        return self._made[0]


def samples_of(data: str, raw: Mapping[str, Raw], widths: Mapping[str, int], frozen: Frozen) -> Samples:
    """One row of the modalities that ``raw`` has, as loaders make them; the others are left out, not made up.

    What ``dataset.load`` standardises afterwards is not standardised yet: that takes the run's ``Dataset.scales``.

    ``widths`` is the number of features of each modality that the model knows. Raises InputError where ``raw`` is
    empty, has a modality of another name, kind or width, or gives features that are not finite.
    """
    if not raw:
        raise InputError(f"the request has none of {', '.join(widths)}, so there is nothing to answer from")
    unknown = [modality for modality in raw if modality not in widths]
    if unknown:
        raise InputError(f"modality {unknown[0]!r} must be one of {', '.join(widths)}: the model senses no other")
    rows = {m: features(data, m, one, widths[m], frozen) for m, one in raw.items()}
    return Samples(inputs={m: torch.from_numpy(row)[None] for m, row in rows.items()})


def features(data: str, modality: str, raw: Raw, width: int, frozen: Frozen) -> Floats:
    """(width,) float32 of one raw input, what ``samples_of`` is made of."""
    wanted = kind(data, modality)
    if not _is(wanted, raw, whole=data in SEEN):
        raise InputError(f"modality {modality!r} of {data} must be {_READ[wanted]}, so this cannot be read as one")
    with np.errstate(all="ignore"):
        row = np.array(_encoded(data, modality, raw, width, frozen), dtype=np.float32)
    if row.shape != (width,):
        raise InputError(
            f"modality {modality!r} has {row.shape[0]} features, the model reads {width}: it learned from other data"
        )
    if not np.isfinite(row).all():
        raise InputError(f"modality {modality!r} has features that are no finite numbers, so no answer could be either")
    return row


def _is(wanted: Kind, raw: Raw, whole: bool) -> bool:
    match raw:
        case str():
            return wanted == "text" and bool(raw.strip())
        case Tensor():
            return wanted == "image" and (raw.dim() == 3 if whole else raw.shape == (3, SIDE, SIDE))
        case _:
            return wanted == "values" or (wanted == "speech" and raw.ndim == 1)


def _encoded(data: str, modality: str, raw: Raw, width: int, frozen: Frozen) -> Floats:
    if data in SEEN:
        return _read_people(modality, raw, frozen)
    match raw:
        case str():
            return frozen.text(raw)
        case Tensor():
            return frozen.image(raw)
        case _ if kind(data, modality) == "speech":
            return speech.pooled(raw)
        case _:
            return _measured((data, modality), raw, width, frozen)


def _read_people(modality: str, raw: Raw, frozen: Frozen) -> Floats:
    if frozen.people is None or isinstance(raw, np.ndarray):
        raise InputError(f"modality {modality!r} is of people, and nothing here reads them")
    return frozen.people(modality, raw)


def _measured(which: tuple[str, str], raw: Floats, width: int, frozen: Frozen) -> Floats:
    """Features of a sensor's window or depth picture; numbers of the model's own width are taken as they are."""
    window = WINDOWS.get(which)
    if window is not None and raw.shape == window:
        return np.asarray(watch.features(raw[None])[0].numpy())
    if which == _DEPTH and raw.ndim == 2 and raw.size and raw.min() >= 0:
        return frozen.image(urfall.depth_square(torch.from_numpy(raw.astype(np.float32))))
    if raw.size == width and (raw.ndim == 1 or not _or_else(which)):
        return raw.reshape(-1)
    raise InputError(
        f"modality {which[1]!r} is {' x '.join(map(str, raw.shape))} numbers, must be {width}{_or_else(which)}: "
        "nothing else can be encoded"
    )


def _or_else(which: tuple[str, str]) -> str:
    if which in WINDOWS:
        return ", or a window of {} readings of {} axes".format(*WINDOWS[which])
    return ", or rows of millimetres, none below 0" if which == _DEPTH else ""
