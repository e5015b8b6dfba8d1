"""A run's artifact as the predictor that evaluation measured, for whoever serves it."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from mlecs_ray.errors import InputError
from mlecs_ray.method import Client
from mlecs_ray.run.artifact import FORMAT
from mlecs_ray.run.records import read_json
from mlecs_ray.samples import Samples
from mlecs_ray.scenario.build import build, judge_clients
from mlecs_ray.scenario.overrides import validate
from mlecs_ray.wire import load_tree


class ServedModel:
    """Answers with one structure of a finished run. A modality that a request lacks is masked, as in training."""

    def __init__(self, run: Path, structure: str | None = None) -> None:
        """``structure`` as ``artifact.json`` names them; None: the usual one. Raises InputError where it is none."""
        facts = _facts(run / "artifact" / "artifact.json")
        self.version: int = facts["version"]
        self._built = build(validate(facts["scenario"]))
        self._client = self._choose(structure)
        self._tree = self._built.method.assign(load_tree(run / "artifact" / "state.safetensors"), self._client)

    def _choose(self, structure: str | None) -> Client:
        judges = {client.structure: client for client in judge_clients(self._built)}
        if not judges:
            raise InputError(
                f"method {self._built.scenario.method.name} leaves every model with its client, so the server has none "
                "to serve"
            )
        if structure is None:
            return next(iter(judges.values()))
        if structure not in judges:
            raise InputError(f"structure {structure!r} is none of {sorted(judges)}, so there is no such model to serve")
        return judges[structure]

    def answer(self, samples: Samples) -> Sequence[Any]:
        """One answer per sample, by the method's own predictor."""
        client = replace(self._client, modalities=self._client.modalities & samples.modalities)
        if not client.modalities:
            raise InputError(
                f"the samples have {sorted(samples.modalities)}, the model senses {sorted(self._client.modalities)}: "
                "there is nothing to answer from"
            )
        with torch.no_grad():
            return self._built.method.predictor(self._tree, {}, client)(samples)


def _facts(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise InputError(
            f"{path.parents[1]} has no artifact: a run leaves one when it has ended, so there is nothing to serve yet"
        )
    return read_json(path, "artifact", FORMAT)
