"""What a scenario's run has to beat: simple rules that see all training data at once, on the same test rows."""

from dataclasses import replace

from mlecs_ray.metrics.floors import rules
from mlecs_ray.metrics.registry import measure
from mlecs_ray.metrics.search import looks, needs_cloud, searched
from mlecs_ray.report.tables import Table
from mlecs_ray.report.units import number
from mlecs_ray.samples import Samples
from mlecs_ray.scenario.build import judged
from mlecs_ray.scenario.config import Scenario
from mlecs_ray.scenario.deal import deal, read
from mlecs_ray.scenario.overrides import expand


def table(scenario: Scenario) -> Table:
    """A row per rule, a column per metric of the scenario; of a study, its first run."""
    single = expand(scenario)[0][2]
    if single.task.kind == "reid":
        return _searches(single)
    dataset, names = deal(single)[0], single.evaluation.metrics
    captions = single.task.kind == "caption"
    train = _truth(dataset.train, captions)
    test = _truth(judged(single, dataset), captions)
    found = {rule: measure(names, answers, test) for rule, answers in rules(train, test).items()}
    rows = tuple((rule, *(number(values[name]) for name in names)) for rule, values in found.items())
    title = f"Simple rules on {single.name}: {len(train)} training and {len(test)} test samples, seed {single.seed}"
    return Table(title, ("rule", *names), rows)


def _truth(samples: Samples, captions: bool) -> Samples:
    """With the answers that the task asks for, and no others."""
    return replace(samples, labels=None) if captions else replace(samples, texts=())


def _searches(scenario: Scenario) -> Table:
    """What is found by chance, and by pictures as they are."""
    test = judged(scenario, read(scenario))
    every = scenario.evaluation.metrics
    found = {rule: searched([n for n in every if not needs_cloud(n)], vectors, test) for rule, vectors in looks(test)}
    rows = tuple((rule, *(number(v[n]) if n in v else "-" for n in every)) for rule, v in found.items())
    return Table(
        f"Simple rules on {scenario.name}: {len(test)} test samples, seed {scenario.seed}", ("rule", *every), rows
    )
