"""A run's models, ready to be served and measured: directly, and over HTTP on Ray Serve."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from bench.serving.web import free_port
from mlecs_ray.errors import InputError
from mlecs_ray.run.artifact import FACTS, Card, digests, weights_of
from mlecs_ray.run.bundle import Bundle, adopt, read_bundle, version_of
from mlecs_ray.samples import Samples
from mlecs_ray.scenario.deal import deal
from mlecs_ray.serving import calibration
from mlecs_ray.serving.holdout import calibrate, checking
from mlecs_ray.tree import tree_map
from mlecs_ray.wire import load_tree, save_tree
from serve.running import Running
from serve.settings import Settings

SHARE = 0.3


@dataclass(frozen=True)
class Bed:
    """A store with the run's version in it."""

    store: Path
    bundle: Bundle
    share: float = SHARE
    """Of the questions that the cascade hands on, on the rows that its threshold is fitted to."""

    @cached_property
    def test(self) -> Samples:
        """Rows that no threshold was fitted to."""
        return checking(deal(self.bundle.scenario)[0].test)

    @property
    def edge(self) -> Card:
        """The usual edge model."""
        return next(card for card in self.bundle.cards.values() if card.side == "edge" and card.client is None)

    @property
    def cloud(self) -> Card:
        """The cloud's model, without which ``lay`` takes no run."""
        assert self.bundle.cloud is not None
        return self.bundle.cloud

    @property
    def clients(self) -> list[Card]:
        """Those of the edge's usual structure, by their number."""
        same = (c for c in self.bundle.cards.values() if c.client is not None and c.structure == self.edge.structure)
        return sorted(same, key=lambda card: card.client or 0)

    def settings(self, folder: Path, **more: Any) -> Settings:
        """Of a server of it."""
        told = {"store": str(self.store), "version": self.bundle.version, "gallery": str(folder / "gallery")}
        return Settings.model_validate({**told, "log_file": str(folder / "requests.jsonl"), **more})


def lay(run: Path, folder: Path, console: Console) -> Bed:
    """Take the run's models over, with thresholds of the cascade. Raises InputError where it has no cloud."""
    bundle = adopt(run / "artifact", folder / "store")
    sides = {card.side for card in bundle.cards.values()}
    if bundle.scenario.task.kind != "caption" or sides != {"edge", "cloud"}:
        raise InputError(
            f"{run} has models of {sorted(sides)} and task.kind={bundle.scenario.task.kind}, serving is measured with "
            "captioners on both sides: `mlecs run stamps` makes such a run"
        )
    bed = Bed(folder / "store", bundle)
    with console.status("fitting thresholds"):
        test = deal(bundle.scenario)[0].test
        calibration.save(calibrate(bundle, [bed.edge.name], bed.share, test), bundle.folder)
    return bed


def variant(bed: Bed, seed: int, scale: float) -> str:
    """Another version: the same models with other weights in their adapters. Its name."""
    part = bed.store / f".variant-{seed}"
    shutil.rmtree(part, ignore_errors=True)
    shutil.copytree(bed.bundle.folder, part)
    draw = torch.Generator().manual_seed(seed)
    for file in sorted(part.rglob("connector.safetensors")):
        moved = tree_map(lambda x: x + scale * x.std() * torch.randn(x.shape, generator=draw), load_tree(file))
        save_tree(moved, file)
    facts = json.loads((part / FACTS).read_text())
    files = digests(part)
    facts.update(weights=weights_of(files), version=facts["version"] + seed, files=files)
    (part / FACTS).write_text(json.dumps(facts))
    target = bed.store / version_of(facts)
    shutil.rmtree(target, ignore_errors=True)
    part.rename(target)
    calibration.save(calibration.read(bed.bundle.folder), target)
    return read_bundle(target).version


@contextmanager
def served(settings: Settings) -> Iterator[tuple[Running, int]]:
    """On Ray Serve at a free port of loopback, until the end."""
    port = free_port()
    with Running(settings, "127.0.0.1", port) as running:
        yield running, port
