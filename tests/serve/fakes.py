"""A gateway whose models are made up: its sides, senses and artifact need no assets and no training."""

import asyncio
import base64
import io
import json
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Any, Literal

import numpy as np
import torch
from PIL import Image
from starlette.types import ASGIApp

from mlecs_ray.run.artifact import FACTS, FORMAT, digests
from mlecs_ray.run.bundle import version_of
from mlecs_ray.samples import Samples
from mlecs_ray.serving import calibration
from mlecs_ray.serving.batcher import Piece
from mlecs_ray.serving.calibration import Calibration
from mlecs_ray.serving.host import Ask, Verdict
from mlecs_ray.wire import save_tree
from scenarios.smoke import SCENARIO as SMOKE
from scenarios.stamps import SCENARIO as STAMPS
from serve.assembly import make_desk
from serve.desk import Desk
from serve.galleries import Galleries
from serve.gateway import Opening, make_app
from serve.keys import Keys
from serve.models import Began, Item, Refusal
from serve.senses import Part
from serve.settings import Settings
from serve.sides import Vectors

SENSED = {"image": 3, "speech_fr": 3, "speech_ru": 3}
"""Modality -> width, of the models that answer in words."""
FITTED = Calibration((-3.0, -1.0, 0.0), (0.1, 0.5, 0.9), threshold=-1.5, share=0.3, metric="rouge_lsum", samples=10)


@dataclass
class FakeSide:
    """Says ``pieces``, each a token, to whoever asks."""

    pieces: Sequence[str] = ("A ", "red ", "square.")
    logprob: float = -0.5
    """Of each token."""
    refuses: Refusal | None = None
    """Instead of an answer."""
    breaks: Refusal | None = None
    """After the pieces."""
    finish: Literal["stop", "length"] = "stop"
    gate: Event | None = None
    """What the second piece waits for."""
    endless: bool = False
    asked: list[Ask] = field(default_factory=list)
    freed: Event = field(default_factory=Event)
    """Set when an answer's place is free again."""
    away: bool = False

    async def stream(self, model: str, ask: Ask) -> AsyncGenerator[Item]:
        self.asked.append(ask)
        try:
            if self.refuses is not None:
                yield self.refuses
                return
            seen = frozenset[str]() if ask.samples is None else ask.samples.modalities
            yield Began(model, "phone-mid", 4, 1e9, tuple(sorted(seen)), tuple(sorted(SENSED.keys() - seen)))
            async for piece in self._said():
                yield piece
            yield self.breaks or Piece(finish=self.finish)
        finally:
            self.freed.set()

    async def _said(self) -> AsyncGenerator[Piece]:
        for at, text in enumerate(self.pieces):
            if at == 1 and self.gate is not None:
                await asyncio.to_thread(self.gate.wait, 30)
            yield Piece(text, 1, self.logprob)
        if self.endless:
            await asyncio.Event().wait()

    async def classify(self, model: str, samples: Samples) -> Verdict | Refusal:
        return self.refuses or Verdict("7", {"1": 0.15, "7": 0.8, "9": 0.05})

    async def embed(self, model: str, samples: Sequence[Samples]) -> Vectors | Refusal:
        """Of a picture, its mean colour."""
        return self.refuses or [next(iter(one.inputs.values()))[0].tolist() for one in samples]

    async def embed_text(self, model: str, texts: Sequence[str]) -> Vectors | Refusal:
        return self.refuses or [[float(colour in text) for colour in ("red", "green", "blue")] for text in texts]

    async def warm(self, models: Sequence[str]) -> Refusal | None:
        return None


@dataclass
class FakeEncoding:
    """Senses the mean colour of pictures, and of everything else that it is there."""

    parts: list[Part] = field(default_factory=list)

    async def sense(self, parts: Sequence[Part]) -> Samples | Refusal:
        self.parts += parts
        return Samples({part.modality or part.kind: torch.tensor([_sensed(part)]) for part in parts})

    async def embed(self, texts: Sequence[str]) -> Vectors | Refusal:
        return [[1.0, 0.0, 0.0] for _ in texts]

    async def warm(self) -> Refusal | None:
        return None


def _sensed(part: Part) -> list[float]:
    if part.kind != "image":
        return [1.0, 1.0, 1.0]
    with Image.open(io.BytesIO(base64.b64decode(part.content.partition(",")[2]))) as picture:
        colour: list[float] = np.asarray(picture.convert("RGB")).mean((0, 1)).tolist()
    return [0.01 + channel / 255 for channel in colour]


def write_artifact(store: Path, merges: int, words: bool, method: str = "mlecs") -> str:
    """A version of models that are not there, but for their names; they answer in words, or are classifiers."""
    facts = _facts(merges, words)
    if words:
        facts["scenario"]["method"] = {"name": method}
    folder = store / version_of(facts)
    folder.mkdir(parents=True)
    for card in facts["cards"]:
        _write_weights(folder / card["folder"], words)
    if words:
        calibration.save({"edge": FITTED}, folder)
    (folder / FACTS).write_text(json.dumps({**facts, "files": digests(folder)}))
    return folder.name


def _write_weights(model: Path, words: bool) -> None:
    """Of what a model senses with: 12 weights for each modality; of a classifier, 640."""
    model.mkdir()
    if words:
        encoders = {m: {"4": {"0": {"weight": torch.zeros(4, width)}}} for m, width in SENSED.items()}
        save_tree({"encoders": encoders}, model / "connector.safetensors")
    else:
        save_tree({"layers": {"0": {"weight": torch.zeros(10, 64)}}}, model / "model.safetensors")


def _facts(merges: int, words: bool) -> dict[str, Any]:
    sensed = SENSED if words else {"pixels": 64}
    return {
        "format": FORMAT,
        "method": "mlecs" if words else "fedbuff",
        "version": merges,
        "state": "0123abcd" * 8,
        "weights": "0123abcd" * 8,
        "structures": {},
        "data": "stamps" if words else "digits",
        "widths": sensed,
        "classes": [str(digit) for digit in range(10)],
        "texts": words,
        "instruction": None,
        "models": {},
        "scenario": (STAMPS if words else SMOKE).model_dump(mode="json"),
        "cards": [_card(side, list(sensed)) for side in (("edge", "cloud") if words else ("edge",))],
    }


def _card(side: str, sensed: list[str]) -> dict[str, Any]:
    whose = {"client": None, "device": "phone-mid", "modalities": sensed, "samples": 16}
    return {"name": side, "folder": side, "side": side, "structure": side, **whose}


def fake_desk(folder: Path, words: bool = True, method: str = "mlecs") -> Desk:
    """A desk with two made-up sides that is ready; of a classifier the same model answers on both."""
    store = folder / "store"
    version = write_artifact(store, 6, words, method)
    cloud = None if words else "edge"
    settings = Settings(store=str(store), version=version, gallery=str(folder / "gallery"), cloud=cloud)
    desk = make_desk(settings, FakeSide(), FakeSide(("The ", "cloud's.")), FakeEncoding(), Galleries(settings.gallery))
    desk.ready = True
    return desk


def fake_app(desk: Desk, keys: Path | None = None) -> ASGIApp:
    """The gateway around it, which asks for keys where there is a file of them."""
    return make_app(desk, None if keys is None else Keys(keys), Opening())
