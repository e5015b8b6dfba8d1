"""How numbers, names and verdicts are written."""

from collections.abc import Mapping

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
    "eclm": "ECLM",
    "noadaptation": "No adaptation",
    "localadaptation": "Local adaptation",
    "adaptivenet": "AdaptiveNet",
    "fedavg": "FedAvg",
    "heterofl": "HeteroFL",
    "fedavgft": "FedAvg, fine-tuned",
    "mllmembedreid": "MLLMEmbed-ReID",
}
METRICS: Mapping[str, str] = {
    "rouge_lsum": "Rouge-LSum",
    "rouge_lsum_content": "Rouge-LSum of content words",
    "bertscore_minilm": "BERTScore (MiniLM)",
    "macro_f1": "macro F1",
}


def method(name: str) -> str:
    """As papers write it."""
    return METHODS.get(name, name)


def metric(name: str) -> str:
    """As papers write it."""
    return METRICS.get(name, name)


def value(found: Spread | None, seeds: int | None = None) -> str:
    """Mean and deviation, and over how many where that is not all of these ``seeds``."""
    return _spread(found, seeds, 1.0, 3)


def hundredths(found: Spread | None, seeds: int | None = None) -> str:
    """The same of a share, in hundredths and without their sign, as the column has it."""
    return _spread(found, seeds, 100.0, 2)


def _spread(found: Spread | None, seeds: int | None, scale: float, digits: int) -> str:
    if found is None:
        return NOT_RUN
    text = f"{scale * found.mean:.{digits}f}"
    text = text if found.sd is None else f"{text} ± {scale * found.sd:.{digits}f}"
    return text if seeds is None else of_seeds(text, found.seeds, seeds)


def of_seeds(text: str, seeds: int, every: int) -> str:
    """With how many seeds it rests on, where these are not all."""
    return text if seeds == every else f"{text} ({seeds} of {every} seeds)"


def points(difference: float) -> str:
    """A difference of shares."""
    return f"{100 * difference:+.2f} points"


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


def plain_test(pair: Paired) -> str:
    """The same of a test that is no member of a family."""
    if pair.p is None:
        return f"no test (n = {pair.n})"
    text = f"{chance(pair.p)} (n = {pair.n})"
    return text if pair.p_seeds is None or pair.n == pair.seeds else f"{text}, by seed {_bare(pair.p_seeds)}"


def seeds_test(pair: Paired) -> str:
    """A difference of shares with the p-value over the means of seeds: what one seed has in several rows, or of several
    methods, is not independent."""
    return f"{points(pair.difference)} ({chance(pair.p_seeds)}, n = {pair.seeds})"


def _bare(p: float | None) -> str:
    return chance(p).removeprefix("p ").removeprefix("= ")
