"""A batch of multimodal samples: what clients own, what models read."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor


@dataclass(frozen=True)
class Samples:
    """``n`` samples in columns.

    ``inputs[m]`` is (n, ...) for modality m; ``present[m]`` is (n,) bool, False where that sample lacks m
    (its row in ``inputs`` is then zeros and must be masked, never read). ``labels`` is (n,) int64 or None;
    ``texts`` are n targets or empty; ``ids`` are n identities or empty; ``domains`` are n names or empty.
    """

    inputs: Mapping[str, Tensor]
    present: Mapping[str, Tensor] = field(default_factory=dict)
    labels: Tensor | None = None
    texts: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    _length: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        lengths = {_length(column) for _, column in self._columns() if column is not None} - {0}
        object.__setattr__(self, "_length", next(iter(lengths), 0))
        if len(lengths) > 1:
            told = {name: _length(column) for name, column in self._columns() if column is not None}
            raise ValueError(f"columns differ in length {told}, so samples cannot be told apart")
        if not self.present:
            full = {m: torch.ones(len(x), dtype=torch.bool, device=x.device) for m, x in self.inputs.items()}
            object.__setattr__(self, "present", full)

    def _columns(self) -> Iterable[tuple[str, Sequence[object] | Tensor | None]]:
        yield from self.inputs.items()
        yield from ((f"present[{m}]", mask) for m, mask in self.present.items())
        yield from (
            ("labels", self.labels),
            ("texts", self.texts),
            ("ids", self.ids),
            ("domains", self.domains),
        )

    def __len__(self) -> int:
        return self._length

    @property
    def device(self) -> torch.device:
        """Where the tensors are."""
        return next((mask.device for mask in self.present.values()), torch.device("cpu"))

    @property
    def modalities(self) -> frozenset[str]:
        """The modalities that have a column."""
        return frozenset(self.inputs)

    @property
    def sensed(self) -> Tensor:
        """(n,) bool: whether any modality of a sample is there."""
        return torch.stack(list(self.present.values())).any(0)

    def take(self, index: Sequence[int] | Tensor) -> "Samples":
        """The samples at these positions, in this order."""
        rows = torch.as_tensor(index, dtype=torch.int64, device=self.device)
        named = self.texts or self.ids or self.domains
        picks = rows.tolist() if named else []
        return Samples(
            inputs={m: x.index_select(0, rows) for m, x in self.inputs.items()},
            present={m: x.index_select(0, rows) for m, x in self.present.items()},
            labels=None if self.labels is None else self.labels.index_select(0, rows),
            texts=tuple(self.texts[i] for i in picks) if self.texts else (),
            ids=tuple(self.ids[i] for i in picks) if self.ids else (),
            domains=tuple(self.domains[i] for i in picks) if self.domains else (),
        )

    @classmethod
    def concat(cls, parts: "Sequence[Samples]") -> "Samples":
        """All samples of ``parts``, in order; raises KeyError where they differ in their columns."""
        first = parts[0]
        return cls(
            inputs={m: torch.cat([part.inputs[m] for part in parts]) for m in first.inputs},
            present={m: torch.cat([part.present[m] for part in parts]) for m in first.present},
            labels=None
            if first.labels is None
            else torch.cat([part.labels for part in parts if part.labels is not None]),
            texts=tuple(text for part in parts for text in part.texts),
            ids=tuple(one for part in parts for one in part.ids),
            domains=tuple(one for part in parts for one in part.domains),
        )

    def to(self, device: str) -> "Samples":
        """The same samples, their tensors on another device."""
        return replace(
            self,
            inputs={m: x.to(device) for m, x in self.inputs.items()},
            present={m: x.to(device) for m, x in self.present.items()},
            labels=None if self.labels is None else self.labels.to(device),
        )

    def only(self, modalities: Iterable[str]) -> "Samples":
        """The same samples seen through these modalities alone; the other columns are gone."""
        keep = frozenset(modalities)
        if keep.issuperset(self.inputs):
            return self
        return replace(
            self,
            inputs={m: x for m, x in self.inputs.items() if m in keep},
            present={m: x for m, x in self.present.items() if m in keep},
        )


def _length(column: Sequence[object] | Tensor) -> int:
    # len() of a tensor asks Python code of torch's, a hundred times over in a small job.
    return column.shape[0] if isinstance(column, Tensor) else len(column)
