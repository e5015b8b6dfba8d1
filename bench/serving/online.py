"""The server under Ray Serve: what HTTP costs, versions that roll, overload, and what the cascade is worth."""

import asyncio
import itertools
import statistics
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import ray

from bench.memory import tree_pss
from bench.serving import direct
from bench.serving.bed import Bed
from bench.serving.crowd import Crowd
from bench.serving.figures import Figure, Found, at_least, at_most, median, none, percentile
from bench.serving.requests import Content
from bench.serving.web import Reply, Web
from mlecs_ray.metrics.registry import measure
from mlecs_ray.run.bundle import read_bundle
from mlecs_ray.serving.holdout import metric_of
from serve.models import Hosting, Models
from serve.running import Running

FIRST_TOKENS = 8
"""Of an answer whose first word alone is waited for."""
ROLLS = 10
ASKERS = 4
LOOK_SECONDS = 5.0
"""So often memory is looked at during a flood: to look takes time of the cores."""


def against_direct(bed: Bed, web: Web, repeats: int) -> list[Found]:
    """One stream over HTTP and on the engine itself, in turns."""
    models = Models(Hosting(str(bed.store)))
    try:
        found = []
        for name in ("cloud", bed.edge.name):
            resident = models.host.load(f"{name}@{bed.bundle.version}")
            found.append(_against(models, resident, web, name, repeats))
        return found
    finally:
        models.close()


def _against(models: Models, resident: Any, web: Web, name: str, repeats: int) -> Found:
    def turn(tokens: int) -> tuple[direct.Said, Reply]:
        ask = replace(direct.question(), max_tokens=tokens)
        said = asyncio.run(direct.say(models, resident, ask))
        return said, web.chat(name, direct.QUESTION.text, max_tokens=tokens, temperature=2.0, seed=0)

    turn(direct.TOKENS)
    pairs = [turn(direct.TOKENS) for _ in range(repeats)]
    own, theirs = [s.tokens / s.seconds for s, _ in pairs], [r.rate for _, r in pairs]
    ratio = [t / o for o, t in zip(own, theirs, strict=True)]
    late = [1e3 * (r.first_seconds - s.first_seconds) for s, r in [turn(FIRST_TOKENS) for _ in range(6 * repeats)]]
    return Found(
        f"HTTP against the engine itself: {name}",
        f"One stream of {direct.TOKENS} tokens, the same question, seed and answer, in turns on one machine; how much "
        f"later the first word comes, in turns of {FIRST_TOKENS} tokens.",
        (
            median("the engine itself", own, "tokens/s"),
            median("over HTTP", theirs, "tokens/s"),
            median("ratio", ratio, "x"),
            median("first word later by", late, "ms"),
        ),
        (
            at_least("over HTTP: times the tokens/s,", statistics.median(ratio), 0.9),
            at_most("the first word comes later by", statistics.median(late), 25.0, "ms"),
            none("answer that differs", sum(s.text != r.text for s, r in pairs), len(pairs)),
        ),
    )


def rolls(bed: Bed, web: Web, running: Running, versions: Sequence[str], content: Content) -> list[Found]:
    """Versions put on trial and promoted while askers go on; each answer is what its version says."""
    said = {name: _alone(bed, name) for name in versions}
    with Crowd(lambda: web.chat("auto", content), ASKERS) as crowd:
        for version in itertools.islice(itertools.cycle([*versions[1:], versions[0]]), ROLLS):
            running.attempt(version)
            time.sleep(0.5)
            web.post("/v1/versions", {"action": "promote"})
            time.sleep(0.5)
    answers = [reply for reply in crowd.replies if reply.status == 200]
    mixed = [r for r in answers if r.text != said[r.told["version"]][r.told["model"].partition("@")[0]]]
    seen = {reply.told["version"] for reply in answers}
    found = Found(
        "Versions that roll under load",
        f"{ROLLS} times a version is put on half of the traffic and then promoted, while {ASKERS} askers ask `auto` "
        f"for the caption of one picture; {len(versions)} versions, which differ in all weights that were learned.",
        (
            Figure("answers", len(answers)),
            Figure("versions that answered", len(seen)),
            median("an answer", [1e3 * r.seconds for r in answers], "ms"),
        ),
        (
            none("failed request", len(crowd.replies) - len(answers), len(crowd.replies)),
            none("answer that is not what its version says", len(mixed), len(answers)),
        ),
    )
    return [found]


def _alone(bed: Bed, version: str) -> dict[str, str]:
    """What edge and cloud of a version say of the first test row."""
    bundle = read_bundle(bed.store / version)
    row = bed.test.take([0])
    cards = [card for card in bundle.cards.values() if card.client is None]
    return {card.name: str(bundle.predictor(card)(row)[0]) for card in cards}


def overload(web: Web, seconds: float, askers: int) -> list[Found]:
    """As many requests as are worked on at once, and then ten times as many as were answered."""

    def ask() -> Reply:
        return web.chat("cloud", direct.QUESTION.text, max_tokens=24, temperature=2.0, seed=1)

    alone = [ask().seconds for _ in range(3)]
    start = time.perf_counter()
    with Crowd(ask, askers) as crowd:
        time.sleep(seconds / 3)
    full = [reply for reply in crowd.replies if reply.status == 200]
    rate = len(full) / (time.perf_counter() - start)
    before = _memory()
    with ThreadPoolExecutor(64) as pool:
        asked, seen = _flood(pool, ask, 10 * rate, seconds)
        back = _recovery(web)
        flood = [one.result() for one in asked]
    again = ask().seconds
    most = max(*seen, _memory())
    accepted = [reply.seconds for reply in flood if reply.status == 200]
    statuses = Counter(reply.status for reply in flood)
    wrong = sum(count for status, count in statuses.items() if status >= 500 and status != 503)
    usual, worst = percentile([r.seconds for r in full], 0.99), percentile(accepted, 0.99)
    found = Found(
        "Ten times too much",
        f"Answers of 24 tokens by the cloud's model: {askers} askers for {seconds / 3:g} s, then {10 * rate:.1f} "
        f"requests a second for {seconds:g} s, ten times what was answered. Memory is that of all of Ray, looked at "
        f"{len(seen)} times during the flood and once after it.",
        (
            median("one asker alone", alone, "s"),
            Figure("answered at full load", rate, "/s"),
            Figure("answered in the flood", len(accepted) / seconds, "/s"),
            Figure("refused with 503", statuses[503]),
            Figure("p99 at full load", usual, "s"),
            Figure("p99 of those let in", worst, "s"),
            Figure("memory before", before / 1e6, "MB"),
            Figure("memory, the most", most / 1e6, "MB"),
        ),
        (
            none("5xx but 503", wrong, len(flood)),
            at_most("p99 of those let in: times that at full load,", worst / usual, 2.0, "x"),
            at_most("memory grows by", 100 * (most / before - 1), 5.0, "%"),
            at_most("after its end nothing of it is left within", back, 5.0, "s"),
            at_most("one asker then: times as long as alone before,", again / statistics.median(alone), 1.5, "x"),
        ),
    )
    return [found]


def _flood(
    pool: ThreadPoolExecutor, ask: Callable[[], Reply], rate: float, seconds: float
) -> tuple[list[Future[Reply]], list[int]]:
    """Requests at a steady pace, whether those before them were answered or not; and Ray's memory meanwhile."""
    start, asked, seen = time.perf_counter(), list[Future[Reply]](), list[int]()
    while (passed := time.perf_counter() - start) < seconds:
        asked.append(pool.submit(ask))
        if passed > LOOK_SECONDS * (len(seen) + 1):
            seen.append(_memory())
        time.sleep(max(0.0, len(asked) / rate - (time.perf_counter() - start)))
    return asked, seen


def _recovery(web: Web) -> float:
    """Seconds until the server works on nothing but the request that asks for it."""
    start = time.perf_counter()
    while (passed := time.perf_counter() - start) < 120 and web.number("mlecs_in_flight") > 1:
        time.sleep(0.1)
    return passed


def _memory() -> int:
    """Of all processes of Ray, which this process has started."""
    node: Any = ray._private.worker._global_node
    pids = [info.process.pid for infos in node.all_processes.values() for info in infos]
    return sum(tree_pss(pid) for pid in pids)


def _vain(worth: Mapping[str, float]) -> str:
    """What whoever reads the figures should know of them."""
    if worth["edge"] <= worth["cloud"]:
        return ""
    return (
        " Here the edge alone is worth more than the cloud: policy edge is better than a cascade, and the target says "
        "only that the cascade is no worse than the cloud."
    )


def cascade(bed: Bed, web: Web, contents: Sequence[Content]) -> list[Found]:
    """The policies on the rows that no threshold was fitted to."""
    metric, rows = metric_of(bed.bundle), bed.test.take(range(len(contents)))
    policies = ("cloud", "edge", "cascade")
    replies = {policy: [web.chat("auto", one, mlecs={"policy": policy}) for one in contents] for policy in policies}
    worth = {
        policy: measure([metric], [reply.text for reply in told], rows)[metric] for policy, told in replies.items()
    }
    calls = sum(reply.told["answered_by"] == "cloud" for reply in replies["cascade"]) / len(contents)
    joules = {p: sum(r.told["estimated_joules"] for r in told) / len(told) for p, told in replies.items()}
    sent = {p: sum(r.told["bytes"] for r in told) / len(told) for p, told in replies.items()}
    found = Found(
        "The cascade against the cloud alone",
        f"{len(contents)} test rows that no threshold was fitted to, as files over HTTP; {metric}. A share of "
        f"{100 * bed.share:g} % was set on the other half of the test rows.{_vain(worth)}",
        (
            *(Figure(f"{metric}, {policy}", worth[policy]) for policy in policies),
            Figure("questions that the cloud answered", 100 * calls, "%"),
            *(Figure(f"estimated energy an answer, {policy}", joules[policy], "J") for policy in policies),
            *(Figure(f"sent between edge and cloud an answer, {policy}", sent[policy], "bytes") for policy in policies),
        ),
        (
            at_least("quality: times that of the cloud alone,", worth["cascade"] / worth["cloud"], 0.99),
            at_most("questions that the cloud answers", 100 * calls, 50.0, "%"),
        ),
    )
    return [found]
