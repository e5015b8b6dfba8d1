"""`mlecs doctor`: what this machine can run, and what is missing."""

import os
import platform
import shutil
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

from rich.console import Console

from mlecs_ray import cache
from mlecs_ray.data import assets
from mlecs_ray.data.catalogue import CATALOGUE
from scenarios.fetching import NEEDED

MARKS = {"good": "[green]ok[/green]     ", "note": "[yellow]note[/yellow]   ", "bad": "[red]missing[/red]"}


@dataclass(frozen=True)
class Finding:
    """One thing looked at."""

    verdict: Literal["good", "note", "bad"]
    text: str


def examine(console: Console) -> bool:
    """Print all findings; False when something is missing."""
    findings = [*_software(), *_hardware(), *_assets()]
    for finding in findings:
        console.print(f"{MARKS[finding.verdict]} {finding.text}", soft_wrap=True, highlight=False)
    return all(finding.verdict != "bad" for finding in findings)


def _software() -> list[Finding]:
    right = sys.version_info[:2] == (3, 11)
    found = [Finding("good" if right else "bad", f"Python {platform.python_version()} (needs 3.11)")]
    for name in ("torch", "ray", "transformers", "peft", "pyarrow"):
        found.append(Finding("good", f"{name} {metadata.version(name)}"))
    for name in ("torchvision", "torchaudio", "timm"):
        if any(found_one.metadata["Name"] == name for found_one in metadata.distributions(name=name)):
            found.append(Finding("note", f"{name} is installed; mlecs-ray does not use it, and it may replace torch"))
    return found


def _hardware() -> list[Finding]:
    import torch

    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    free = shutil.disk_usage(_existing(cache.root())).free / 1e9
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU: everything runs on CPUs"
    return [
        Finding("good", f"{os.cpu_count()} CPUs"),
        Finding("good" if memory >= 4 else "bad", f"{memory:.0f} GB memory (needs 4; each Ray actor takes 0.2 to 0.6)"),
        Finding("good" if free >= 3 else "bad", f"{free:.0f} GB free at {cache.root()} (needs 3)"),
        Finding("good" if torch.cuda.is_available() else "note", gpu),
    ]


def _existing(path: Path) -> Path:
    return next(parent for parent in (path, *path.parents) if parent.exists())


def _assets() -> list[Finding]:
    """Those that are there are checked by the hash of every file, which takes seconds."""
    found = []
    for asset in CATALOGUE.values():
        if asset.folder.is_dir():
            damage = assets.damage(asset.folder, deep=True)
            fixed = f"asset {asset.name} is damaged ({damage}): mlecs fetch {asset.name}"
            found.append(Finding("bad", fixed) if damage else Finding("good", f"asset {asset.name}"))
        elif asset.name in NEEDED:
            found.append(Finding("bad", f"asset {asset.name} ({asset.why}): mlecs fetch {asset.name}"))
        else:
            found.append(Finding("note", f"asset {asset.name} ({asset.why}): mlecs fetch {asset.name}, if you want it"))
    return found
