"""The cases by name, in the order in which they run."""

from collections.abc import Callable, Mapping

from bench.case import Case
from bench.cases import engine, gpu, lora, population, startup

CASES: Mapping[str, Callable[[bool], Case]] = {
    "engine": engine.case,
    "lora": lora.case,
    "population": population.case,
    "startup": startup.case,
    "gpu": gpu.case,
}
"""Each is made for a quick look or in earnest."""
