"""A student as files that edge devices run: ONNX, in float32 and in int8."""

import copy
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantType,
    quantize_dynamic,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process
from torch import Tensor, nn
from torch.nn import functional as F

from mlecs_ray.models.mobilenet import MEAN, STD
from mlecs_ray.models.reid.kinds import PICTURES, TEXT
from mlecs_ray.models.reid.student import Student, flat, towers
from mlecs_ray.tree import Tree

Floats = NDArray[np.float32]
NAMES = ("pictures", TEXT)
"""Of the files, without their endings."""
_CHUNK = 32


@final
class _Pictures(nn.Module):
    """(n, 3, side, side) in 0..255 to a direction for each modality of pictures."""

    mean: Tensor
    spread: Tensor

    def __init__(self, student: Student, params: Tree) -> None:
        super().__init__()
        made = towers(student)
        self.lower, self.upper = made.eye_lower, copy.deepcopy(made.eye_upper)
        self.upper.load_state_dict(flat(params["eye"]), strict=False)
        self.heads = nn.ModuleList([_head(params["heads"][m]) for m in _seen(params)])
        self.register_buffer("mean", torch.tensor(MEAN)[:, None, None] * 255)
        self.register_buffer("spread", torch.tensor(STD)[:, None, None] * 255)

    def forward(self, pixels: Tensor) -> tuple[Tensor, ...]:
        x = self.upper(self.lower((pixels - self.mean) / self.spread)).mean((2, 3))
        return tuple(F.normalize(head(x), dim=1) for head in self.heads)


@final
class _Words(nn.Module):
    """(n, t) token ids, 0 where a sentence has ended, to its direction."""

    def __init__(self, student: Student, params: Tree) -> None:
        super().__init__()
        made = towers(student)
        self.words, upper = made.words_lower.embeddings, copy.deepcopy(made.words_upper)
        upper.load_state_dict(flat(params["words"]))
        self.layers = nn.ModuleList([*made.words_lower.encoder.layer, *upper])
        self.head = _head(params["heads"][TEXT])

    def forward(self, ids: Tensor) -> Tensor:
        there = ids != 0
        states = self.words(input_ids=ids)
        for layer in self.layers:
            states = layer(states, attention_mask=there[:, None, None])
        weights = there[..., None].to(states.dtype)
        return F.normalize(self.head((states * weights).sum(1) / weights.sum(1).clamp(min=1)), dim=1)


@dataclass(frozen=True)
class Files:
    """Where the parts of one student are."""

    folder: Path

    def at(self, name: str, small: bool = False) -> Path:
        """A part of ``NAMES``; ``small``: in int8."""
        return self.folder / f"{name}.int8.onnx" if small else self.folder / f"{name}.onnx"

    def answer(self, modality: str, inputs: Tensor, small: bool = False) -> Floats:
        """(n, d): what the device says of pictures (n, 1 or 3, side, side) in 0..255, or of token ids (n, t)."""
        ask = self.asking(small)
        return np.concatenate([ask(modality, part) for part in torch.split(inputs, _CHUNK)])

    def asking(self, small: bool = False, threads: int = 1) -> Callable[[str, Tensor], Floats]:
        """``answer`` of what is asked at once, by parts that are loaded once."""
        sessions = {n: _session(self.at(n, small), threads) for n in NAMES if self.at(n, small).exists()}

        def ask(modality: str, inputs: Tensor) -> Floats:
            session = sessions[TEXT if modality == TEXT else NAMES[0]]
            given = inputs if modality == TEXT else inputs.float().expand(-1, 3, -1, -1).contiguous()
            found: Floats = session.run([modality], {session.get_inputs()[0].name: given.numpy()})[0]
            return found

        return ask


def export(student: Student, params: Tree, folder: Path, samples: Mapping[str, Tensor]) -> Files:
    """Write both parts of ``NAMES`` that ``params`` has, in float32 and int8; ``samples`` are some pictures and
    sentences as ``Files.answer`` takes them, by which ranges of activations are set."""
    files = Files(folder)
    folder.mkdir(parents=True, exist_ok=True)
    if "eye" in params:
        blank = torch.zeros(2, 3, student.side, student.side)
        _write(_Pictures(student, params), blank, files.at(NAMES[0]), "pixels", _seen(params), {0: "n"})
        pictures = [x.float().expand(-1, 3, -1, -1) for m, x in samples.items() if m != TEXT]
        _small_pictures(files, torch.cat(pictures).contiguous())
    if "words" in params:
        blank = torch.ones(2, 7, dtype=torch.int64)
        _write(_Words(student, params), blank, files.at(TEXT), "ids", (TEXT,), {0: "n", 1: "t"})
        quantize_dynamic(files.at(TEXT), files.at(TEXT, small=True), weight_type=QuantType.QInt8, per_channel=True)
    return files


def _seen(params: Tree) -> tuple[str, ...]:
    """Modalities of pictures that it has a head for."""
    return tuple(m for m in PICTURES if m in params["heads"])


def _write(
    model: nn.Module, blank: Tensor, file: Path, given: str, said: tuple[str, ...], free: dict[int, str]
) -> None:
    dims = {axis: torch.export.Dim(name) for axis, name in free.items()}
    with _quiet():
        torch.onnx.export(
            model.eval(),
            (blank,),
            str(file),
            input_names=[given],
            output_names=list(said),
            dynamic_shapes=(dims,),
            dynamo=True,
            external_data=False,
            verbose=False,
        )


def _small_pictures(files: Files, pictures: Tensor) -> None:
    """Weights by channel, activations by what some pictures show."""
    ready = files.folder / ".ready.onnx"
    with _quiet():
        quant_pre_process(str(files.at(NAMES[0])), str(ready), skip_symbolic_shape=True)
        quantize_static(
            str(ready),
            str(files.at(NAMES[0], small=True)),
            _Shown(pictures),
            per_channel=True,
            calibrate_method=CalibrationMethod.MinMax,
        )
    ready.unlink()


@final
class _Shown(CalibrationDataReader):  # type: ignore[misc]  # it has no types
    def __init__(self, pictures: Tensor) -> None:
        self._parts: Iterator[Tensor] = iter(torch.split(pictures, _CHUNK))

    def get_next(self) -> dict[str, Any] | None:
        part = next(self._parts, None)
        return None if part is None else {"pixels": part.numpy()}


def _session(file: Path, threads: int) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])


def _head(leaf: Mapping[str, Tensor]) -> nn.Linear:
    made = nn.Linear(leaf["weight"].shape[1], leaf["weight"].shape[0])
    made.load_state_dict({"weight": leaf["weight"], "bias": leaf["bias"]})
    return made


@contextmanager
def _quiet() -> Iterator[None]:
    """The exporter speaks of what it leaves out, and quantisation advises what was done already."""
    loud = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(loud)
