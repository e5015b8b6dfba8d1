"""How a scenario's answers become numbers, and which of them can."""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mlecs_ray.data.names import PEOPLE
from mlecs_ray.data.pool import Dataset
from mlecs_ray.data.reid.trials import Trial
from mlecs_ray.errors import InputError
from mlecs_ray.method import Client
from mlecs_ray.metrics.registry import check_names, measure
from mlecs_ray.metrics.search import MEASURES, Floats, asked, is_search, needs_cloud
from mlecs_ray.samples import Samples
from mlecs_ray.scenario.config import Scenario
from mlecs_ray.scenario.deal import Hand

CloudView = Callable[[], Mapping[str, Floats] | None]
"""What a teacher in the cloud makes of the whole test, asked for when something is measured."""
Searches = Callable[[int], Sequence[Trial]]
"""How so many rows of the test, the first ones, are searched."""


def measured(
    names: Sequence[str],
    test: Samples,
    hand: Hand,
    view: CloudView,
    searches: Searches,
    client: Client,
    local: bool,
    answers: Sequence[Any],
) -> Mapping[str, float]:
    """The metrics of a client's answers to the first rows of the test, or of its own."""
    truth = hand.local_truth(client) if local else test
    rows = truth.take(range(len(answers)))
    return measure(names, answers, rows, view(), searches(len(rows)))


def searches_of(data: str, test: Samples) -> Searches:
    """How the makers of a public data set of people search in its test; nothing for any other data."""
    if data not in PEOPLE:
        return lambda _: ()
    # Readers of pictures and sentences, that nobody else waits for.
    from mlecs_ray.data.reid.people import protocol

    # Drawn once: whoever draws looks at every picture.
    return functools.cache(lambda rows: protocol(data, test.take(range(rows))))


def cloud_view(scenario: Scenario, dataset: Dataset) -> CloudView:
    """Where a metric compares with it: a teacher must learn first, and nobody waits for it in vain."""
    if not any(map(needs_cloud, scenario.evaluation.metrics)):
        return lambda: None
    from mlecs_ray.scenario.reid import cloud_of, known_of_test

    @functools.cache
    def view() -> Mapping[str, Floats]:
        known = known_of_test(scenario, cloud_of(scenario, dataset.public), dataset.test)
        return {modality: vectors.numpy() for modality, vectors in known.items()}

    return view


def check_metrics(scenario: Scenario, dataset: Dataset) -> None:
    """Raise InputError for a metric that cannot judge this task on this data, before anything is learned."""
    names, kind = scenario.evaluation.metrics, scenario.task.kind
    check_names(names)
    if wrong := next((name for name in names if is_search(name) != (kind == "reid")), None):
        raise InputError(
            f"metric {wrong!r} does not go with task.kind={kind}, whose answers it cannot judge: where people are "
            f"searched for, with task.kind=reid, they are judged by {', '.join(MEASURES)}, and nothing else is"
        )
    if kind == "reid":
        for name in names:
            _check_search(scenario, name, dataset)
    else:
        # It says so of a first answer.
        measure(names, [""] if kind == "caption" else [0], dataset.test.take([0]))


def _check_search(scenario: Scenario, name: str, dataset: Dataset) -> None:
    strange = [modality for modality in asked(name).pair or () if modality not in dataset.modalities]
    if strange:
        raise InputError(
            f"metric {name!r} searches by {strange[0]}, and {dataset.name} has {', '.join(dataset.modalities)} alone"
        )
    if len(dataset.modalities) < 2 and not asked(name).pair:
        raise InputError(
            f"metric {name!r} is a mean over pairs of modalities, and {dataset.name} has {dataset.modalities[0]} "
            f"alone: name the pair, {name}_{dataset.modalities[0]}_{dataset.modalities[0]}"
        )
    if needs_cloud(name) and not scenario.reid.student.taught_steps:
        raise InputError(f"metric {name!r} needs a teacher, and with reid.student.taught_steps=0 there is none")
