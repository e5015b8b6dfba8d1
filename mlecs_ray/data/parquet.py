"""A user's own data: a folder of Parquet files with the schema of docs/data.md."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import torch
from torch import Tensor

from mlecs_ray.data.inspection import VECTOR, Problem, check, files, modalities
from mlecs_ray.data.pool import Dataset
from mlecs_ray.errors import InputError
from mlecs_ray.samples import Samples

__all__ = ["Problem", "check", "load"]


def load(path: Path) -> Dataset:
    """The data set of this folder (or file), with its own splits; raises InputError with the first problem."""
    problems = check(path)
    if problems:
        more = f" (and {len(problems) - 1} more: `mlecs data check {path}` lists them)" if len(problems) > 1 else ""
        raise InputError(f"{problems[0]}{more}")
    table = pa.concat_tables([_uniform(pq.ParquetFile(file).read()) for file in files(path)], promote_options="default")
    names = modalities(table.column_names)
    split = np.asarray(table["split"].to_pylist())
    rows = {part: _samples(table.filter(pa.array(split == part)), names, table) for part in ("train", "public", "test")}
    return Dataset(
        name=path.stem,
        train=rows["train"],
        public=rows["public"],
        test=rows["test"],
        modalities=names,
        classes=tuple(str(label) for label in range(1 + pc.max(table["label"]).as_py()))
        if _has(table, "label")
        else (),
        owners=_texts(table.filter(pa.array(split == "train")), "client"),
    )


def _uniform(table: Any) -> Any:
    """The same table in one set of types, so that files written by different tools fit together."""
    kinds = {"label": pa.int64(), **dict.fromkeys(modalities(table.column_names), VECTOR)}
    return table.cast(pa.schema([(name, kinds.get(name, pa.string())) for name in table.column_names]))


def _samples(part: Any, names: tuple[str, ...], whole: Any) -> Samples:
    columns = {name: _column(part[name].combine_chunks(), _width(whole[name])) for name in names}
    return Samples(
        inputs={name: rows for name, (rows, _) in columns.items()},
        present={name: present for name, (_, present) in columns.items()},
        labels=torch.tensor(part["label"].to_pylist(), dtype=torch.int64) if _has(part, "label") else None,
        texts=_texts(part, "text"),
        ids=_texts(part, "id"),
        domains=_texts(part, "domain"),
    )


def _column(vectors: Any, width: int) -> tuple[Tensor, Tensor]:
    """(n, width) float rows, zeros where the vector is null, and (n,) bool."""
    present = vectors.is_valid().to_numpy(zero_copy_only=False)
    rows = np.zeros((len(present), width), dtype=np.float32)
    rows[present] = pc.list_flatten(vectors).to_numpy(zero_copy_only=False).reshape(-1, width)
    return torch.from_numpy(rows), torch.from_numpy(present.copy())


def _width(column: Any) -> int:
    return int(pc.max(pc.list_value_length(column.combine_chunks())).as_py() or 1)


def _has(table: Any, column: str) -> bool:
    return column in table.column_names


def _texts(table: Any, column: str) -> tuple[str, ...]:
    return tuple(table[column].to_pylist()) if _has(table, column) else ()
