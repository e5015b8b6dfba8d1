"""The page of results: everything that the paper reports, from what was measured and nothing else."""

from collections.abc import Iterator, Mapping

from bench.document import table
from mlecs_ray.scenario.config import Scenario
from mlecs_ray.scenario.world import masks_of
from scenarios.reproduce import clock, page
from scenarios.reproduce.found import Found
from scenarios.reproduce.mlecs import traffic
from scenarios.reproduce.mlecs.cells import END, OURS, PERIOD, RATE
from scenarios.reproduce.mlecs.space import NEAREST
from scenarios.reproduce.mlecs.tables import floor_table, receiver, space, tables
from scenarios.reproduce.mlecs.targets import targets
from scenarios.reproduce.study import Facts
from scenarios.reproduce.target import target_table

HEAD = """# ML-ECS and what it is compared with

Written by `mlecs reproduce mlecs` from [{data}]({data}), which holds every run; nothing here is typed in. Every method
learns in one frame: the same data, folds, models, first weights, devices, clock and number of edge jobs. A figure is
the mean over clients, then mean ± sample standard deviation over seeds; seed s tests on fold s of five, so that
together they test every identity once. What was not run says so.

ML-ECS here is the paper's method with additions of ours (docs/methods.md), which the table shows one by one and, as
`without our additions`, together. Its options were chosen by looking at scores on these test folds; the other methods
stand at their papers' settings, and at others in a section of its own. So what ours gains is a little too good.

Tests are two-sided paired t tests over (seed, client), or over seeds for the cloud, n pairs; Holm's correction is over
all tests of a section. Clients of one seed share a test fold and adapters: their pairs are not independent, so beside
it stands p of the same test by seed, over their means. A difference to another method is over the seeds that both
have."""
SECTIONS = {
    "rates": (
        "Availability of modalities",
        "A rate is the chance that a client has a modality; each keeps at least one. Clients answer with their own "
        "models and modalities, the cloud LLM with all of them. A dash: no such model learns. Where adapters have "
        "one shape and jobs are short, FediLoRA edits few or none and is then Multi-FedAvg. Rouge-LSum of short "
        "captions rewards silence: of `A frog.` the article alone has .67, with a wrong noun .5, so a guess pays where "
        "more than one in three is right; `first word` is what the article alone reaches, and content words count "
        "what is said. Simple rules see all training data, private and public, in one place.",
    ),
    "unlike": (
        "Unlike devices",
        f"Devices of two depths, encoders and ranks (edge-small with half the rank, edge-base), rate {RATE:g}.",
    ),
    "ablations": (
        "Without its parts",
        "Each of the paper's parts is left out: CCL with the contrast on private samples, which is also left out by "
        "itself; AMT with both additions of ours to it, that contrast and that adapters are not replaced by what is "
        "sent. `contrast alone` leaves nearness out, `volume alone` orientation as well, as GRAM does; `without words` "
        "leaves the captions out of the anchors, and with them the contrast on private samples, which have no others; "
        "`without our additions` leaves out all of these, and what is sent replaces adapters: what the paper has, on "
        "these language models. MMA can change little here: it weighs clients with 3, 4 and 2 modalities (Set-up) by "
        ".33, .44 and .22 where all alike would have .33, and a device takes up 0.3 of what is merged.",
    ),
    "merges": (
        "Rules of merging",
        "How adapters of the unlike devices are merged; all else is the same, and what is sent replaces what a device "
        "has.",
    ),
    "scale": (
        "More clients",
        "Every client has as many jobs, however many there are; the same private data is dealt, so that each has less.",
    ),
    "clock": (
        "Who waits",
        "The same number of edge jobs, merged one by one, in buffers or when all have answered. The cloud trains after "
        "every merge, so it has more jobs where merges are more: half of those below are its own. Curves are means "
        "over the clients from when all have a model of their own, and begin with the untrained one.",
    ),
    "varying": (
        "Sensors that fail and return",
        f"Each client's modalities are drawn anew every {PERIOD:g} virtual seconds. All runs end at {END:g} s, however "
        "many jobs they have had, and clients are measured with what they have then, the same for all methods. Ours is "
        "held against two others here.",
    ),
    "classes": (
        "Classes in words",
        "The answer is the name of the class: eight categories of `stamps`, seven exercises of `watch` (its clients "
        "own different people's recordings).",
    ),
    "settings": (
        "Other settings of the others",
        "The options of ML-ECS were chosen by looking at scores on these test folds, as there is little data to look "
        "at; the other methods stand at their papers' settings everywhere else. Here each has another, on the "
        "categories of `stamps`; the learning rate is one for all methods, so ours is shown at the other one too.",
    ),
    "class-ablations": (
        "Without its parts, classes in words",
        "The same variants where `stamps` is answered by category.",
    ),
}
"""Title and text of each group, in the order of the page."""


def text(found: Found, facts: Facts, plots: Mapping[str, str]) -> str:
    """The page as Markdown; ``plots`` are file names by figure."""
    head = HEAD.format(data=found.store.path.name)
    parts = [head, *_setup(found), "## Claims", target_table(targets(found))]
    for group in SECTIONS:
        if found.group(group):
            parts += _section(found, group, plots)
        if group == "ablations" and found.group(group):
            parts += _space(found, plots)
    return "\n\n".join([*parts, *_traffic(found), *page.runs(found, facts)]) + "\n"


def _section(found: Found, group: str, plots: Mapping[str, str]) -> Iterator[str]:
    title, about = SECTIONS[group]
    yield f"## {title}"
    yield about
    for name in {"rates": ("rates", "cloud")}.get(group, (group,)):
        if name in plots:
            yield f"![{title}]({plots[name]})"
    yield from tables(found, group)
    if group == "rates":
        yield receiver(found, group)
        yield floor_table(found, group, found.settings(group)[0])
    if group == "classes":
        for setting in found.settings(group):
            yield f"On `{setting}`:"
            yield floor_table(found, group, setting)
    if group == "clock":
        yield clock.times(found, "clock")
    if group in ("clock", "merges"):
        yield traffic.jobs(found, group, found.settings(group)[0])


def _space(found: Found, plots: Mapping[str, str]) -> Iterator[str]:
    yield "## One space"
    yield (
        "What contrast is for: that a thing sensed by one lies where another has it. For every test sample, whether "
        "its fused representation by another client, or by the cloud with all modalities, is among the "
        f"{NEAREST} nearest to a client's; and the cosine of the client's with what the caption says. Nobody has "
        "learned from these samples. All start from the same weights, so untrained models find each other without any "
        "meaning; training apart takes them apart."
    )
    if "space" in plots:
        yield f"![One space]({plots['space']})"
    yield space(found)


def _setup(found: Found) -> Iterator[str]:
    """What all runs have in common, as those of ours at the usual rate have it."""
    scenarios = found.scenarios(found.cell("rates", OURS, f"rate {RATE:g}") or found.cells[0])
    one = scenarios[found.seeds[0]]
    data, task, local = one.data, one.task, one.local
    rows = [
        ["data", f"`{data.name}`: {', '.join(data.modalities or ('all modalities',))}"],
        ["split by identity", f"test {data.test_share:g}, public {data.public_share:g}, the rest private"],
        ["dealt", data.partition + (f", alpha {data.alpha:g}" if data.partition == "dirichlet" else "")],
        ["clients", f"{one.clients.count}: {', '.join(one.clients.devices)}; jitter {one.clients.jitter:g}"],
        [f"modalities of the clients, rate {RATE:g}", _had(scenarios)],
        ["models", f"edge {', '.join(task.slms)}; cloud {task.cloud_llm}; LoRA rank {task.rank}"],
        ["unlike devices", "in two sections; elsewhere all have the same encoders, fusion and language model"],
        ["prompt", f"{task.soft_tokens} soft tokens, then {task.instruction!r}; feature dropout {task.noise:g}"],
        ["a stage of a job", _stage(local.optimizer, local.lr, local.batch, local.steps, local.clip)],
        ["a run", _end(one.seconds, one.merges)],
        ["seeds", ", ".join(map(str, found.seeds))],
    ]
    yield "## Set-up"
    yield table(["", "value"], rows)
    yield traffic.models(found, "rates")


def _had(scenarios: Mapping[int, Scenario]) -> str:
    """How many each client has, seed by seed: MMA's weights, where all that are under way are merged."""
    told = []
    for seed, one in scenarios.items():
        if one.data.modalities is None:
            return "of all that the data has"
        masks = masks_of(one, one.data.modalities)
        told.append(f"seed {seed}: {', '.join(str(len(masks.of(k, 0.0))) for k in range(one.clients.count))}")
    return "; ".join(told)


def _stage(optimizer: str, lr: float, batch: int, steps: int | None, clip: float | None) -> str:
    return f"{optimizer}, rate {lr:g}, {steps or 'all'} steps of {batch}, gradients clipped at {clip or 'nothing'}"


def _end(seconds: float, merges: int | None) -> str:
    return f"{seconds:g} virtual seconds" if merges is None else f"{merges} merges of ours, the cloud's own among them"


def _traffic(found: Found) -> Iterator[str]:
    settings = found.settings("rates")
    if not settings:
        return
    middle = next((one for one in settings if one == f"rate {RATE:g}"), settings[0])
    yield "## Traffic and time"
    yield (
        f"At {middle}, means over seeds. Bytes are counted from the payloads of the edge jobs that arrived, and held "
        "against models at 4 bytes a parameter, frozen ones included; numbers travel in 2 bytes, so of numbers it is "
        "twice the share. The cloud's own jobs cross no link."
    )
    yield traffic.jobs(found, "rates", middle)
    yield traffic.parts(found, "rates", middle)
