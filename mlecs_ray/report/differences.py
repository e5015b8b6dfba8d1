"""In what the scenarios of several runs differ."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mlecs_ray.report.tables import Table
from mlecs_ray.run.records import Run

METHOD = "method.name"
_TITLES = ("name", "title")
"""Keys that change nothing in a run."""
_MOST = 20
"""Rows that a reader can take in."""


def differences(runs: Mapping[str, Run]) -> list[Table]:
    """What each run's method is, and every other key whose value is not the same in all of them, a column each run.

    No table where no run tells its scenario.
    """
    told = [dict(_flat(run.manifest.get("scenario"))) for run in runs.values()]
    keys = dict.fromkeys(key for one in told for key in one)
    differing = [key for key in keys if key not in _TITLES and len({_text(one, key) for one in told}) > 1]
    shown = list(dict.fromkeys([*([METHOD] if METHOD in keys else []), *differing]))
    rows = [(key, *(_text(one, key) for one in told)) for key in shown[:_MOST]]
    if len(shown) > _MOST:
        rows.append((f"and {len(shown) - _MOST} other keys", *("" for _ in told)))
    return [Table("In what they differ", ("", *runs), tuple(rows))] if rows else []


def _flat(raw: object, path: Sequence[str] = ()) -> Iterator[tuple[str, Any]]:
    """Dotted keys and what is no table below them; an empty table says nothing."""
    if not isinstance(raw, dict):
        yield ".".join(path), raw
        return
    for key, value in raw.items():
        yield from _flat(value, (*path, str(key)))


def _text(flat: Mapping[str, Any], key: str) -> str:
    """As a scenario file writes it; a key that a run does not have is a dash."""
    if key not in flat:
        return "-"
    match flat[key]:
        case None:
            return "none"
        case bool(value):
            return str(value).lower()
        case list(values):
            return ", ".join(map(str, values)) or "none"
        case value:
            return str(value)
