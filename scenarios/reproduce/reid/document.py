"""The page of results: everything that was set out for, from what was measured and nothing else."""

from collections.abc import Iterator, Mapping

from scenarios.reproduce import page
from scenarios.reproduce.found import Found
from scenarios.reproduce.reid import prose
from scenarios.reproduce.reid.models import model_table
from scenarios.reproduce.reid.tables import (
    adapter_table,
    cosine_table,
    export_table,
    fleet_table,
    measure_table,
    rule_table,
    side_table,
    spectrum_table,
)
from scenarios.reproduce.reid.targets import targets
from scenarios.reproduce.study import Facts
from scenarios.reproduce.target import target_table


def text(found: Found, facts: Facts, plots: Mapping[str, str]) -> str:
    """The page as Markdown; ``plots`` are file names by figure."""
    parts = [prose.HEAD.format(data=found.store.path.name), "## Targets", prose.CLAIMS, target_table(targets(found))]
    parts += [*_sides(found, plots), *_rules(found, plots), *_spectrum(found, plots), *_losses(found, plots)]
    parts += [*_adapters(found), "## Models", prose.MODELS, *model_table(found)]
    parts += ["### Exported", prose.EXPORT, export_table(found), *_fleet(found), _setup(found)]
    return "\n\n".join([*parts, *page.runs(found, facts)]) + "\n"


def _figure(plots: Mapping[str, str], name: str, title: str) -> Iterator[str]:
    if name in plots:
        yield f"![{title}]({plots[name]})"


def _sides(found: Found, plots: Mapping[str, str]) -> Iterator[str]:
    yield "## Teacher and student"
    yield prose.SIDES
    yield from _figure(plots, "sides", "Whose vectors find whom")
    yield side_table(found)
    yield prose.MEASURES
    yield measure_table(found)


def _rules(found: Found, plots: Mapping[str, str]) -> Iterator[str]:
    yield "## Distillation"
    yield prose.RULES
    yield from _figure(plots, "distillation", "What the student is taught by")
    yield rule_table(found, "distillation")
    yield prose.EDGE
    yield rule_table(found, "distillation", "_edgecloud")
    yield prose.COSINE
    yield cosine_table(found)


def _spectrum(found: Found, plots: Mapping[str, str]) -> Iterator[str]:
    yield "## Principal components"
    yield prose.SPECTRUM
    yield from _figure(plots, "spectrum", "The teacher's features")
    yield spectrum_table(found)
    if found.group("components"):
        yield prose.COMPONENTS
        yield rule_table(found, "components")


def _losses(found: Found, plots: Mapping[str, str]) -> Iterator[str]:
    if found.group("losses"):
        yield "## What identity teaches"
        yield prose.LOSSES
        yield from _figure(plots, "losses", "What identity teaches in the first stage")
        yield rule_table(found, "losses")


def _adapters(found: Found) -> Iterator[str]:
    if found.group("adapters"):
        yield "## Adapters"
        yield prose.ADAPTERS
        yield adapter_table(found)


def _fleet(found: Found) -> Iterator[str]:
    if found.group("fleet"):
        yield "## In a fleet of cameras"
        yield prose.FLEET
        yield fleet_table(found)


def _setup(found: Found) -> str:
    people = found.base.reid
    teacher, student = people.teacher, people.student
    return prose.SETUP.format(
        eye=teacher.eye_steps,
        words=teacher.words_steps,
        rank=teacher.rank,
        steps=teacher.steps,
        identities=teacher.identities,
        side=student.side,
        layers=student.layers,
        trained=student.trained,
        alone=student.alone_steps,
        alone_lr=student.alone_lr,
        taught=student.taught_steps,
        taught_lr=student.taught_lr,
    )
