"""The page of results: everything that the paper reports, from what was measured and nothing else."""

from collections import Counter
from collections.abc import Iterator, Mapping

from bench.document import table
from mlecs_ray.report.units import BYTES, size
from mlecs_ray.scenario.config import LocalConfig, Scenario
from scenarios.reproduce import clock, page, words
from scenarios.reproduce.eclm import steps
from scenarios.reproduce.eclm.cells import OVERLAPPING, SHIFTS, VARIANTS, WHOLE
from scenarios.reproduce.eclm.figures import TITLE
from scenarios.reproduce.eclm.pooled import EPOCHS, room_table
from scenarios.reproduce.eclm.rows import OURS
from scenarios.reproduce.eclm.tables import (
    gain_table,
    main_table,
    schedule_table,
    size_table,
    submodel_table,
    variant_tables,
)
from scenarios.reproduce.eclm.targets import targets
from scenarios.reproduce.eclm.timings import timing_tables
from scenarios.reproduce.eclm.traffic import job_table, until_table
from scenarios.reproduce.found import Found
from scenarios.reproduce.study import Facts
from scenarios.reproduce.target import target_table

HEAD = """# ECLM and what it is compared with

Written by `mlecs reproduce eclm` from [{data}]({data}), which holds every run; nothing here is typed in but the paper's
own figures (arXiv 2311.11083, published as Nebula). Every method adapts one and the same network, pretrained on the
cloud's public samples, to the same environments, with the same devices, clock, local training and number of jobs. A
device is measured with the model that it answers with, on test samples in the mixture of what it owns, through the
same corruptions; a figure is the mean over devices, then mean ± sample standard deviation over seeds. Each seed has
folds, environments and first weights of its own. What was not run says so.

Our data sets stand in the place of the paper's and are smaller, as the networks are: what can be held against the
paper are the differences between methods. Tests are two-sided paired t tests over seeds, n pairs; where several rows
are taken together pairs are (seed, row), and beside it stands p over the means of the seeds. Holm's correction is over
all tests of a section's table. "Within noise" is what a test over so few seeds cannot tell apart, which is less than to
say that it is the same."""
TABLE = """A row of ours, and below it the row of the paper in whose place it stands. What devices meet are sets of
classes with none in common, as many as there are classes for; a section below has sets that overlap."""
ROOM = f"""What there is to be gained on this data: one network that learns for {EPOCHS} epochs from all that the cloud
and all devices own, put together, which nobody in the table may. It answers as it is, or among the classes that a
device owns, as if they were known beforehand. What that has more than devices on their own is about the most that
working together can bring."""
OVERLAP = f"""In the table two devices meet either the same classes or none in common. Here are {OVERLAPPING} sets, and
a class is of several. The selector sees single samples: where a class is of many sets it says little of the set, so
the modules that a device gets have less to do with what it needs."""
CONTINUOUS = f"""The environments of all devices shift {SHIFTS} times, each shift replaces half of what a device owns,
and up to four other processes run on it, drawn anew as often. A step lasts for about four rounds of half of the
devices, for each method four of its own, so that a device has two jobs or so in a step, whatever a job takes; devices
are measured when three quarters of a step are over. Adaptation is what a job takes on average: download, computing and
upload, a question before it included, and no waiting for others."""
SIZES = """The largest sub-model as a share of the network's memory, compute and bytes, on a phone-high; other devices
have less. Bytes are those of a job's sub-model, the question before it apart, which `down a job` includes."""
SCHEDULES = """The same number of jobs, merged in rounds, in buffers or one by one."""
MEMORY = """By the device model that budgets are counted in: parameters, gradients, AdamW's moments and the activations
of a batch; FLOPs of a sample; bytes sent. Of what devices hold in the end."""
TIMES = """Sub-models of the first 1, 2 and 4 modules of each layer and the whole network on one thread of this machine,
batches of 16 random samples, the least of 15 turns; in brackets the share of the whole network. Memory is counted, not
modelled: parameters, gradients, AdamW's moments and what autograd really saves. The device model knows FLOPs and bytes
and nothing of how well a processor is used: layers of a few channels are slower than their FLOPs say."""
BYTES_MOVED = """Means over the jobs that arrived, both ways; what ECLM asks and is told before a job is counted with
it. Then the bytes of all jobs, until a measurement first shows the accuracy that FedAvg has in the end."""


def text(found: Found, facts: Facts, plots: Mapping[str, str]) -> str:
    """The page as Markdown; ``plots`` are file names by figure."""
    head = HEAD.format(data=found.store.path.name)
    parts = [head, *_setup(found), "## Claims", target_table(targets(found)), *_table(found, plots), *_bytes(found)]
    parts += [*_sizes(found, plots), *_times(found), *_ablations(found, plots), *_overlap(found)]
    parts += [*_continuous(found, plots), *_schedules(found, plots)]
    return "\n\n".join([*parts, *page.runs(found, facts)]) + "\n"


def _figure(plots: Mapping[str, str], name: str) -> Iterator[str]:
    if name in plots:
        yield f"![{TITLE}]({plots[name]})"


def _setup(found: Found) -> Iterator[str]:
    one = found.scenarios(found.cells[0])[found.seeds[0]]
    fleet, local, schedule = one.clients, one.local, one.schedule
    rule = "a round" if schedule.barrier else "a merge"
    parts = "in equal parts" if len({*fleet.devices.values()}) == 1 else f"as {list(fleet.devices.values())}"
    rows = [
        ["devices", f"{fleet.count}: {', '.join(fleet.devices)} {parts}; jitter {fleet.jitter:g}"],
        ["samples of a device", f"{one.data.environments.least} to {one.data.environments.most}"],
        ["split", f"test {one.data.test_share:g}, public as below, the rest private"],
        [rule, f"{schedule.buffer} devices, of {schedule.concurrency} at once; selection {schedule.selection}"],
        ["optimiser", local.optimizer],
        ["measured", f"{one.evaluation.clients} devices, {one.data.environments.test_rows} samples each"],
        ["seeds", ", ".join(map(str, found.seeds))],
    ]
    yield "## Set-up"
    yield table(["", "value"], rows)
    header = ["row", "data", "network", "pretrained", "environments", "merges", "a job"]
    yield table(header, [_row(found, row) for row in found.settings("table")])


def _row(found: Found, row: str) -> list[str]:
    cell = found.cell("table", OURS, row)
    if cell is None:
        return [row, *["-"] * 6]
    one = found.scenarios(cell)[found.seeds[0]]
    task, results = one.task, found.results(cell)
    model = size(next(iter(results.values())).traffic.client, BYTES) if results else words.NOT_RUN
    return [
        row,
        f"`{one.data.name}`, public {one.data.public_share:g}",
        f"{task.network} {list(task.hidden)}, {model}",
        f"{task.pretrain_epochs} epochs, rate {task.pretrain_lr:g}",
        _environments(one),
        str(one.merges),
        _job(found, row),
    ]


def _environments(one: Scenario) -> str:
    rules = one.data.environments
    told = [f"{rules.classes} classes" if rules.classes else "all classes"]
    told += [f"of {rules.contexts} sets"] if rules.contexts else []
    if rules.domains:
        told.append("one of all domains" if rules.domains == "all" else f"one of {', '.join(rules.domains)}")
    told += [f"through {', '.join(rules.corruptions)} at {rules.severity:g}"] if rules.corruptions else []
    public = one.data.public_domains
    return "; ".join([*told, *([f"public: {', '.join(public)}"] if public is not None else [])])


def _job(found: Found, row: str) -> str:
    """The usual local training of the row, and who has another or options of its own."""
    cells = [cell for name in found.names("table") if (cell := found.cell("table", name, row)) is not None]
    by = {words.method(cell.name): found.scenarios(cell)[found.seeds[0]] for cell in cells}
    usual = Counter(one.local for one in by.values()).most_common(1)[0][0]
    told = [_training(usual)]
    told += [f"{name}: {_training(one.local)}" for name, one in by.items() if one.local != usual]
    options = {name: one.method.options for name, one in by.items() if one.method.options}
    return "; ".join([*told, *(f"{name}: {_listed(chosen)}" for name, chosen in options.items())])


def _training(local: LocalConfig) -> str:
    falls = ", which falls to nothing in a job" if local.anneal else ""
    return f"{local.epochs} epochs of batches of {local.batch}, rate {local.lr:g}{falls}"


def _listed(options: Mapping[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in options.items())


def _table(found: Found, plots: Mapping[str, str]) -> Iterator[str]:
    yield "## Accuracy"
    yield TABLE
    yield from _figure(plots, "table")
    yield main_table(found)
    yield gain_table(found)
    yield ROOM
    yield room_table(found)


def _bytes(found: Found) -> Iterator[str]:
    yield "## Bytes"
    yield BYTES_MOVED
    yield job_table(found)
    yield until_table(found)


def _sizes(found: Found, plots: Mapping[str, str]) -> Iterator[str]:
    yield "## Sub-models"
    yield MEMORY
    yield submodel_table(found)
    if found.group("sizes"):
        yield SIZES
        yield from _figure(plots, "sizes")
        yield from (size_table(found, setting) for setting in found.settings("sizes"))


def _times(found: Found) -> Iterator[str]:
    yield "## On this machine"
    yield TIMES
    yield from timing_tables(found)


def _ablations(found: Found, plots: Mapping[str, str]) -> Iterator[str]:
    if found.group("ablations"):
        yield "## Without its parts"
        yield f"The whole method and what it is {', '.join(one for one in VARIANTS if one != WHOLE)}."
        yield from _figure(plots, "ablations")
        yield from variant_tables(found, "ablations")


def _overlap(found: Found) -> Iterator[str]:
    if found.group("overlap"):
        yield "## Sets of classes that overlap"
        yield OVERLAP
        yield from variant_tables(found, "overlap")


def _continuous(found: Found, plots: Mapping[str, str]) -> Iterator[str]:
    if found.group(steps.GROUP):
        yield "## Environments that shift"
        yield CONTINUOUS
        for number, setting in enumerate(found.settings(steps.GROUP), 1):
            yield from _figure(plots, f"continuous-{number}")
            yield steps.step_table(found, setting)


def _schedules(found: Found, plots: Mapping[str, str]) -> Iterator[str]:
    if found.group("schedules"):
        yield "## Who waits"
        yield SCHEDULES
        for number, setting in enumerate(found.settings("schedules"), 1):
            yield from _figure(plots, f"schedules-{number}")
            yield schedule_table(found, setting)
            yield clock.times(found, "schedules", setting)
