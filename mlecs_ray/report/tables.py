"""A report's numbers as tables: for the terminal, for the page and, as Markdown, for documents."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from mlecs_ray.report.curves import Curve, average, curve, model_name
from mlecs_ray.report.subjects import called, method_of, ordered
from mlecs_ray.report.timeto import TimeTo, time_to
from mlecs_ray.report.totals import Totals, totals
from mlecs_ray.report.units import BYTES, JOULES, duration, number, size, spread
from mlecs_ray.run.records import Run, Study, StudyRun, is_study, read_run, read_study


@dataclass(frozen=True)
class Table:
    """Text in rows under a header; the first column names the row."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def turned(self) -> "Table":
        """Rows as columns: for a place that is too narrow."""
        header, *rows = zip(self.header, *self.rows, strict=True)
        return Table(self.title, header, tuple(rows))


FITTED = ("eclm", "heterofl")
"""Methods that send each device as much as it can hold."""
_ARRIVED = ("merged", "discarded", "refused", "waiting")
Runs = Sequence[tuple[StudyRun, Run]]
"""The runs of a study that exist, in its order."""


def summary(folder: Path) -> list[Table]:
    """What the command line prints about a run or a study. Raises InputError like ``read_run``."""
    if not is_study(folder):
        run = read_run(folder)
        return [run_table(run), *quality({"": [run]}), *sent_tables(run)]
    study = read_study(folder)
    runs = read_runs(study)
    return [time_table(study, runs), *quality(_by_variant(runs)), *study_tables(study, runs)]


def study_tables(study: Study, runs: Runs) -> list[Table]:
    """What variants cost, what they were asked, and how large their sub-models were."""
    return [cost_table(study, runs), *asked_tables(runs), *fitted_tables(_by_variant(runs))]


def _by_variant(runs: Runs) -> dict[str, list[Run]]:
    by: dict[str, list[Run]] = {}
    for one, run in runs:
        by.setdefault(one.variant, []).append(run)
    return by


def quality(runs: Mapping[str, Sequence[Run]]) -> list[Table]:
    """Each model's first and last value of every metric, mean and deviation over the seeds of a variant.

    No table where there is one model, of which the others say all.
    """
    ends = {variant: [_ends(run.metrics) for run in seeds] for variant, seeds in runs.items()}
    found = dict.fromkeys(key for seeds in ends.values() for one in seeds for key in one)
    metrics = tuple(dict.fromkeys(metric for _, metric in found))
    models = tuple(dict.fromkeys(model for model, _ in found))
    rows = []
    for variant, seeds in ends.items():
        manifest = runs[variant][0].manifest if runs[variant] else {}
        for model in ordered(models, {model for one in seeds for model, _ in one}):
            name = called(manifest, model)
            values = (_first_last(seeds, model, metric) for metric in metrics)
            rows.append((f"{variant}, {name}" if len(runs) > 1 else name, *values))
    return [Table("Quality, first -> last", ("model", *metrics), tuple(rows))] if len(models) > 1 else []


def _ends(metrics: pd.DataFrame) -> dict[tuple[str, str], tuple[float, float]]:
    """(first, last) by model and metric; clients are taken together, other models each for itself."""
    measured = zip(metrics["scope"], metrics["subject"], strict=True)
    models = [scope if scope in ("client", "personal") else model_name(scope, subject) for scope, subject in measured]
    ends = {}
    for (model, metric), rows in metrics.groupby([np.array(models), metrics["metric"].astype(str)], sort=False):
        values = average(rows).values
        if len(values):
            ends[str(model), str(metric)] = (float(values[0]), float(values[-1]))
    return ends


def _first_last(seeds: Sequence[Mapping[tuple[str, str], tuple[float, float]]], model: str, metric: str) -> str:
    pairs = [ends[model, metric] for ends in seeds if (model, metric) in ends]
    if not pairs:
        return "-"
    return f"{number(float(np.mean([first for first, _ in pairs])))} -> {_mean_sd([last for _, last in pairs])}"


def read_runs(study: Study) -> Runs:
    """The study's runs; those that have not been run yet are left out."""
    present = [one for one in study.runs if (study.path / one.path / "metrics.parquet").exists()]
    return [(one, read_run(study.path / one.path)) for one in present]


def markdown(tables: Iterable[Table]) -> str:
    """Pipe tables, numbers to the right."""
    return "\n\n".join(_markdown(table) for table in tables) + "\n"


def _markdown(table: Table) -> str:
    lines = [_pipes(row) for row in (table.header, *table.rows)]
    rule = "|---" + "|---:" * (len(table.header) - 1) + "|"
    return "\n".join([f"**{table.title}**", "", lines[0], rule, *lines[1:]])


def _pipes(row: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |"


def finals(run: Run) -> dict[str, float | None]:
    """The last value of each metric, as ``curve`` judges a run."""
    return {str(name): curve(run.metrics, name).final for name in run.metrics["metric"].unique()}


def run_table(run: Run) -> Table:
    """One run, a fact per row."""
    measured = [(f"final {name}", number(value)) for name, value in finals(run).items()]
    return Table("Run", ("", str(run.manifest.get("name", run.path.name))), tuple(measured + facts(totals(run))))


def facts(sums: Totals) -> list[tuple[str, str]]:
    """The totals as label and text."""
    lost = f"{sums.lost} ({sums.lost / sums.jobs:.1%})" if sums.jobs else "0"
    return [
        ("virtual time", duration(sums.seconds)),
        ("clients", str(sums.clients)),
        ("merges", str(sums.merges)),
        ("jobs", str(sums.jobs)),
        ("lost jobs", lost),
        ("mean staleness", number(sums.staleness, 3)),
        ("downloaded", size(sums.download_bytes, BYTES)),
        ("uploaded", size(sums.upload_bytes, BYTES)),
        ("energy", size(sums.joules, JOULES)),
        ("Gini of participation", number(sums.gini, 2)),
        *([("questions answered", str(sums.questions))] if sums.questions else []),
        *([("shifts met by a client", shifts(sums))] if sums.planned_shifts else []),
    ]


def shifts(sums: Totals) -> str:
    """How many came of those that were to come."""
    early = ": the run ended before the first" if sums.shifts == 0 else ""
    return f"{number(sums.shifts, 3)} of {sums.planned_shifts}{early}"


def sent_tables(run: Run) -> list[Table]:
    """As ``fitted_tables``, of one run."""
    return fitted_tables({"": [run]})


def fitted_tables(runs: Mapping[str, Sequence[Run]]) -> list[Table]:
    """How large what each class of devices sent back is, by variant where the method fits it to the device, and what
    they were sent, which is next to nothing where they go on with what they have; without questions, and without lost
    jobs. No table where no method does."""
    rows = [
        (f"{variant}, {row[0]}" if variant else row[0], *row[1:])
        for variant, seeds in runs.items()
        for row in _fitted(seeds)
    ]
    header = ("device", "clients", "jobs", "sent back, mean", "least", "most", "sent, mean")
    return [Table("Sub-models, by device", header, tuple(rows))] if rows else []


def _fitted(seeds: Sequence[Run]) -> list[tuple[str, ...]]:
    """A row a device; clients are counted in each seed, jobs are those of all seeds."""
    fitting = [run.traffic.assign(seed=place) for place, run in enumerate(seeds) if method_of(run.manifest) in FITTED]
    if not fitting:
        return []
    jobs = pd.concat(fitting)
    return [
        (
            str(device),
            number(len(one[["seed", "client"]].drop_duplicates()) / len(fitting), 3),
            str(len(one)),
            *(size(float(getattr(one["upload_bytes"], how)()), BYTES) for how in ("mean", "min", "max")),
            size(float(one["download_bytes"].mean()), BYTES),
        )
        for device, one in jobs[jobs["outcome"].isin(_ARRIVED)].groupby("device")
    ]


def asked_tables(runs: Runs) -> list[Table]:
    """Shifts and questions of each variant, means over its seeds; no table where there are none."""
    sums = {variant: [totals(run) for run in seeds] for variant, seeds in _by_variant(runs).items()}
    if not any(one.planned_shifts or one.questions for seeds in sums.values() for one in seeds):
        return []
    rows = [
        (
            variant,
            number(float(np.mean([one.shifts or 0.0 for one in seeds])), 3),
            f"{max(one.planned_shifts for one in seeds)}",
            number(float(np.mean([one.questions for one in seeds])), 3),
        )
        for variant, seeds in sums.items()
    ]
    header = ("variant", "shifts met by a client", "of", "questions answered")
    return [Table("Shifts and questions, means over seeds", header, tuple(rows))]


def compare_table(runs: Mapping[str, Run]) -> Table:
    """Several runs, a column each."""
    columns = [dict(facts(totals(run))) for run in runs.values()]
    ends = [finals(run) for run in runs.values()]
    metrics = dict.fromkeys(name for end in ends for name in end)
    rows = [(f"final {name}", *(number(end.get(name)) for end in ends)) for name in metrics]
    told = dict.fromkeys(name for column in columns for name in column)
    rows += [(name, *(column.get(name, "-") for column in columns)) for name in told]
    return Table("Runs", ("", *runs), tuple(rows))


def curves_of(runs: Runs, metric: str) -> dict[str, dict[int, Curve]]:
    """The curve of each run, by variant and seed, variants in their order."""
    curves: dict[str, dict[int, Curve]] = {}
    for one, run in runs:
        curves.setdefault(one.variant, {})[one.seed] = curve(run.metrics, metric)
    return curves


def time_table(study: Study, runs: Runs) -> Table:
    """Virtual seconds until each variant was as good as the reference (the first variant) in the end."""
    curves = curves_of(runs, study.metric)
    header = ("variant", "reached by", "virtual time to it", "speed-up", f"final {study.metric}")
    rows = [_time_row(line, curves[line.variant]) for line in time_to(curves, study.higher_is_better)]
    reference = next(iter(curves), "the reference")
    return Table(f"Time to the final {study.metric} of {reference}", header, tuple(rows))


def _time_row(line: TimeTo, curves: Mapping[int, Curve]) -> tuple[str, ...]:
    speedup = f"{line.speedup:.2f} x" if line.speedup is not None else "-"
    seconds = f"{spread(line.mean, line.sd)} s" if line.mean is not None else "never"
    last = [one.final for one in curves.values() if one.final is not None]
    return (line.variant, f"{line.reached} of {line.seeds}", seconds, speedup, _mean_sd(last))


def cost_table(study: Study, runs: Runs) -> Table:
    """What each variant cost: means over its seeds."""
    header = ("variant", "seeds", "virtual time", "merges", "jobs", "lost", "staleness", "down", "up", "energy", "Gini")
    rows = [_cost_row(variant, [totals(run) for run in seeds]) for variant, seeds in _by_variant(runs).items()]
    return Table(f"Cost of {study.name}, means over seeds", header, tuple(rows))


def _cost_row(variant: str, seeds: Sequence[Totals]) -> tuple[str, ...]:
    def mean(name: str) -> float:
        return float(np.mean([getattr(one, name) for one in seeds]))

    late = [one.staleness for one in seeds if one.staleness is not None]
    return (
        variant,
        str(len(seeds)),
        duration(mean("seconds")),
        *(number(mean(name), 3) for name in ("merges", "jobs", "lost")),
        number(float(np.mean(late)), 3) if late else "-",
        *(size(mean(name), BYTES) for name in ("download_bytes", "upload_bytes")),
        size(mean("joules"), JOULES),
        number(mean("gini"), 2),
    )


def _mean_sd(values: Sequence[float]) -> str:
    if not values:
        return "-"
    return spread(float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else None)
