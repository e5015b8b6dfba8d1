"""Folders laid out as CIFAR, UCI-HAR and Speech Commands are published, with a few tiny samples."""

import pickle
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]


def pickled2(content: Mapping[str, Any]) -> bytes:
    """A dictionary of arrays of bytes and of lists of numbers or texts, as Python 2 pickled it (protocol 2)."""
    items = b"".join(_text(key) + _value(value) for key, value in content.items())
    return b"\x80\x02}(" + items + b"u."


def _value(value: Any) -> bytes:
    return _array(value) if isinstance(value, np.ndarray) else b"](" + b"".join(map(_one, value)) + b"e"


def _one(item: int | str) -> bytes:
    return _text(item) if isinstance(item, str) else b"J" + struct.pack("<i", item)


def _text(text: str) -> bytes:
    return b"U" + bytes([len(text)]) + text.encode("latin1")


def _array(array: Bytes) -> bytes:
    shape = b"(" + b"".join(map(_one, array.shape)) + b"t"
    made = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\x00t" + _text("b") + b"tR"
    kind = (
        b"cnumpy\ndtype\n("
        + _text("u1")
        + b"K\x00K\x01tR(K\x03"
        + _text("|")
        + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    )
    raw = array.tobytes()
    return made + b"(K\x01" + shape + kind + b"\x89T" + struct.pack("<I", len(raw)) + raw + b"tb"


def pixels(rows: int, first: int = 0) -> Bytes:
    """(rows, 3072): row i is red of ``first`` + i, green 100, blue 200."""
    colours = [(first + row, 100, 200) for row in range(rows)]
    return np.repeat(np.array(colours, dtype=np.uint8), 1024, axis=1)


def write_cifar10(folder: Path, rows: int = 4) -> Path:
    """Five batches and a test of so many pictures, all of them labelled 0, 1, 0, 1, .."""
    folder.mkdir(parents=True)
    for number, name in enumerate([*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]):
        content = {"data": pixels(rows, 10 * number), "labels": [i % 2 for i in range(rows)], "filenames": ["a"] * rows}
        (folder / name).write_bytes(pickled2(content))
    (folder / "batches.meta").write_bytes(pickled2({"label_names": ["airplane", "automobile"]}))
    return folder


def write_cifar100(folder: Path) -> Path:
    """Six pictures and a test of three, pickled by Python 3, of three classes in two coarse ones."""
    folder.mkdir(parents=True)
    for name, rows in (("train", 6), ("test", 3)):
        labels = [i % 3 for i in range(rows)]
        content = {b"data": pixels(rows), b"fine_labels": labels, b"coarse_labels": [0] * rows}
        (folder / name).write_bytes(pickle.dumps(content, protocol=2))
    names = {b"fine_label_names": [b"apple", b"bear", b"cup"], b"coarse_label_names": [b"fruit", b"animal"]}
    (folder / "meta").write_bytes(pickle.dumps(names, protocol=2))
    return folder


def write_ucihar(folder: Path, subjects: Sequence[int] = (1, 3, 5, 6), tested: Sequence[int] = (2, 4)) -> Path:
    """Two windows of each subject, one of each of two activities; features are the subject's number over 100."""
    for part, people in (("train", subjects), ("test", tested)):
        (folder / part).mkdir(parents=True)
        rows = [f"{person / 100: .7e}" for person in people for _ in range(2)]
        _write(folder / part / f"X_{part}.txt", [" " + "  ".join([row] * 561) for row in rows])
        _write(folder / part / f"y_{part}.txt", [str(1 + i % 2) for i in range(2 * len(people))])
        _write(folder / part / f"subject_{part}.txt", [str(person) for person in people for _ in range(2)])
    _write(folder / "activity_labels.txt", ["1 WALKING", "2 LAYING"])
    return folder


def _write(file: Path, lines: Sequence[str]) -> None:
    file.write_text("\n".join(lines) + "\n")


def write_speechcommands(folder: Path, rate: int = 16_000) -> Path:
    """Two words of four speakers, of whom one validates and one tests, and a noise."""
    speakers = ("0a7c2a8d", "1b4c9b89", "2aca1e72", "3bfd30e6")
    files = [f"{word}/{speaker}_nohash_0.wav" for word in ("go", "stop") for speaker in speakers]
    for number, file in enumerate([*files, "_background_noise_/running_tap.wav"]):
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        tone = 0.3 * np.sin(2 * np.pi * (300 + 200 * number) * np.arange(rate // 2) / rate)
        soundfile.write(folder / file, tone, rate)
    _write(folder / "validation_list.txt", [file for file in files if speakers[2] in file])
    _write(folder / "testing_list.txt", [file for file in files if speakers[3] in file])
    return folder
