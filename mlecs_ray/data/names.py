"""The names of data sets; no more, so that a scenario is checked before anything that reads data is imported."""

from typing import Literal, get_args

Shipped = Literal["stamps", "watch", "digits", "mnist5k", "mnist10k", "emoji", "emoji9", "syllables", "emojireid"]
"""Built in, or fetched from packages."""
People = Literal["cuhkpedes", "icfgpedes", "rstpreid", "sysumm01", "regdb", "llcm", "marketsketch"]
"""Of these, those in which people are searched for, each as its makers do."""
Brought = Literal["vast", "urfall", "ucihar", "cifar10", "cifar100", "speechcommands", People]
"""Public, but not in any package: they are read from the folder where the user has them."""

NAMES: tuple[str, ...] = get_args(Shipped)
PEOPLE: tuple[str, ...] = get_args(People)
SEEN: tuple[str, ...] = ("emojireid", *PEOPLE)
"""All that have people in them, or what stands for people."""
FOLDERS: tuple[str, ...] = get_args(Brought)
