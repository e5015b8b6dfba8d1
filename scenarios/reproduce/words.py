"""How numbers, names and verdicts are written."""

from collections.abc import Mapping

from scenarios.reproduce.found import CLIENTS, CLOUD, RECEIVER
from scenarios.reproduce.statistics import Paired, Spread

NOT_RUN = "not run"
METHODS: Mapping[str, str] = {
    "mlecs": "ML-ECS",
    "standalone": "Standalone",
    "multifedavg": "Multi-FedAvg",
    "fedilora": "FediLoRA",
    "fedmllm": "FedMLLM",
    "creamfl": "CreamFL",
    "coplms": "Co-PLMs",
}
METRICS: Mapping[str, str] = {
    "rouge_lsum": "Rouge-LSum",
    "rouge_lsum_content": "Rouge-LSum of content words",
    "bertscore_minilm": "BERTScore (MiniLM)",
    "macro_f1": "macro F1",
}
SIDES: Mapping[str, str] = {
    CLIENTS: "clients",
    CLOUD: "cloud LLM",
    RECEIVER: "client-compatible model on the server",
}


def method(name: str) -> str:
    """As papers write it."""
    return METHODS.get(name, name)


def metric(name: str) -> str:
    """As papers write it."""
    return METRICS.get(name, name)


def value(found: Spread | None, seeds: int | None = None) -> str:
    """Mean and deviation, and over how many where that is not all of these ``seeds``."""
    if found is None:
        return NOT_RUN
    text = f"{found.mean:.3f}" if found.sd is None else f"{found.mean:.3f} ± {found.sd:.3f}"
    return text if seeds in (None, found.seeds) else f"{text} ({found.seeds} of {seeds} seeds)"


def percent(share: float | None) -> str:
    """With its sign."""
    return "-" if share is None else f"{100 * share:+.2f} %"


def chance(p: float | None) -> str:
    """A p-value."""
    if p is None:
        return "no test"
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def test(pair: Paired, corrected: float | None) -> str:
    """The p-value, as it is and corrected, and the pairs; beside them that of the seeds, where pairs are more."""
    if pair.p is None:
        return f"no test (n = {pair.n})"
    text = f"{chance(pair.p)}, Holm {_bare(corrected)} (n = {pair.n})"
    return text if pair.p_seeds is None or pair.n == pair.seeds else f"{text}, by seed {_bare(pair.p_seeds)}"


def _bare(p: float | None) -> str:
    return chance(p).removeprefix("p ").removeprefix("= ")
