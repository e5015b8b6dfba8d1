"""Public re-identification data sets by name: how each is read, and how its makers search."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from mlecs_ray.data.pool import Pool
from mlecs_ray.data.reid import cuhkpedes, icfgpedes, llcm, marketsketch, regdb, rstpreid, sysumm01
from mlecs_ray.data.reid.trials import Trial
from mlecs_ray.samples import Samples


class Published(NamedTuple):
    """One data set."""

    load: Callable[[Path], Pool]
    protocol: Callable[[Samples], tuple[Trial, ...]]


PEOPLE: Mapping[str, Published] = {
    "cuhkpedes": Published(cuhkpedes.load, cuhkpedes.protocol),
    "icfgpedes": Published(icfgpedes.load, icfgpedes.protocol),
    "rstpreid": Published(rstpreid.load, rstpreid.protocol),
    "sysumm01": Published(sysumm01.load, sysumm01.protocol),
    "regdb": Published(regdb.load, regdb.protocol),
    "llcm": Published(llcm.load, llcm.protocol),
    "marketsketch": Published(marketsketch.load, marketsketch.protocol),
}
"""By the name that scenarios use."""


def load(name: str, folder: Path) -> Pool:
    """The one of this name, from the folder where it lies."""
    return PEOPLE[name].load(folder)


def protocol(name: str, test: Samples) -> tuple[Trial, ...]:
    """The searches of its makers."""
    return PEOPLE[name].protocol(test)
