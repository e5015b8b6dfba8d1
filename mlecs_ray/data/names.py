"""The names of data sets; no more, so that a scenario is checked before anything that reads data is imported."""

from typing import Literal, get_args

Shipped = Literal["stamps", "watch", "digits", "mnist5k", "mnist10k", "emoji", "emoji9", "syllables", "emojireid"]
"""Built in, or fetched from packages."""
Brought = Literal[
    "vast",
    "urfall",
    "ucihar",
    "cifar10",
    "cifar100",
    "speechcommands",
    "cuhkpedes",
    "icfgpedes",
    "rstpreid",
    "sysumm01",
    "regdb",
    "llcm",
    "marketsketch",
]
"""Public, but not in any package: they are read from the folder where the user has them."""

NAMES: tuple[str, ...] = get_args(Shipped)
FOLDERS: tuple[str, ...] = get_args(Brought)
