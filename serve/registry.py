"""Which models there are, in which versions, and which of them a request is for."""

import json
import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from threading import Lock

from mlecs_ray.data.encoding import kind
from mlecs_ray.errors import InputError
from mlecs_ray.run.artifact import Card
from mlecs_ray.run.bundle import Bundle, read_bundle
from mlecs_ray.serving.calibration import read
from mlecs_ray.serving.rollout import Rollout, Rules
from serve.faults import Absent, Mistaken
from serve.leases import Lease
from serve.protocol import ModelCard, Wish
from serve.question import Policy, Route
from serve.senses import TEXTS
from serve.version import Version

AUTO = "auto"
"""The model of whoever wants the best answer: the gateway chooses the side."""
EDGE = "edge"
"""The usual edge model."""
STATE = "rollout.json"
"""Who answers, below the store."""
VERSION = re.compile(r"\d+-[0-9a-f]{8}")
KEPT = 4
"""Versions that stay, in memory and in the store, beside those that are needed."""


@dataclass(frozen=True)
class Chosen:
    """What a request's model means: the models, and who may answer."""

    route: Route
    policy: Policy
    bound: bool
    version: Version
    judges: bool
    """Whether what comes of it speaks for or against the version: who asks for one by its name decides no trial."""


@dataclass
class Registry:
    """Versions in the order in which they came, and the rollout between them."""

    store: Path
    policy: Policy
    only: frozenset[str]
    """The names of the edge models to serve; empty: all."""
    above: str | None
    """The name of the model that answers as the cloud; None: the run's own; ``none``: nobody."""
    rollout: Rollout
    began: str = ""
    """What this start of the server began with: of another one nothing is recalled."""
    versions: dict[str, Version] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def add(self, version: str) -> Version:
        """Read a version from the store; the oldest go that neither answer, are on trial, nor came just before."""
        lease = Lease(self.store / version)
        bundle = read_bundle(self.store / version)
        cards = {name: card for name, card in bundle.cards.items() if self._serves(card)}
        self._check(bundle, cards)
        found = Version(bundle, cards, read(bundle.folder), self.above, lease)
        with self._lock:
            # A new mapping each time: requests read the old one meanwhile.
            others = {name: one for name, one in self.versions.items() if name != version}
            self.versions = self._tidy({**others, version: found})
        return found

    def _tidy(self, versions: Mapping[str, Version]) -> dict[str, Version]:
        kept = {*list(versions)[-KEPT:], *self._used()}
        return {name: one for name, one in versions.items() if name in kept}

    @property
    def in_use(self) -> set[str | None]:
        """Versions that answer, may answer again, or can be asked for by name."""
        return {*self.versions, *self._used()}

    def _used(self) -> set[str | None]:
        return {self.rollout.stable, self.rollout.canary, self.rollout.previous}

    def forget(self, version: str) -> None:
        """A version that could not be loaded is not there, unless it is one that answers, or that may come back."""
        with self._lock:
            if version not in self._used():
                self.versions = {name: one for name, one in self.versions.items() if name != version}

    def remember(self) -> None:
        """Write down who answers, so that a gateway that is started anew goes on with it."""
        told = {
            "began": self.began,
            "stable": self.rollout.stable,
            "previous": self.rollout.previous,
            "canary": self.rollout.canary,
        }
        part = self.store / f".{STATE}.part"
        part.write_text(json.dumps(told))
        part.replace(self.store / STATE)

    def recall(self) -> None:
        """Go on with what ``remember`` wrote, where that was of the same start; a trial begins anew."""
        told = self._told()
        stable, previous, canary = (str(told.get(role) or "") for role in ("stable", "previous", "canary"))
        if told.get("began") != self.began or not stable or not (self.store / stable).is_dir():
            return
        # What cannot be read any more is on trial no more, and nobody goes back to it; who answers must.
        with suppress(InputError):
            if previous:
                self.rollout.previous = self.add(previous).name
        self.rollout.stable = self.add(stable).name
        with suppress(InputError):
            if canary:
                self.rollout.begin(self.add(canary).name)

    def _told(self) -> Mapping[str, object]:
        file = self.store / STATE
        try:
            found = json.loads(file.read_text()) if file.is_file() else {}
        except ValueError:
            found = None
        if not isinstance(found, dict):
            logging.getLogger(__name__).warning("%s is damaged, so the version of the server's start answers", file)
            return {}
        return found

    def _serves(self, card: Card) -> bool:
        if card.side == "cloud":
            return self.above is None or card.name == self.above
        return not self.only or card.name in self.only or card.name == self.above

    def _check(self, bundle: Bundle, cards: Mapping[str, Card]) -> None:
        wanted = self.only | ({self.above} - {None, "none"})
        missing = sorted(str(name) for name in wanted - cards.keys())
        if missing:
            near = get_close_matches(missing[0], bundle.cards, 3, 0.0)
            raise InputError(f"model {missing[0]!r} is not in version {bundle.version}; did you mean {near}?")
        if not cards:
            raise InputError(f"version {bundle.version} has no model that can answer, so there is nothing to serve")

    def choose(self, model: str, wish: Wish) -> Chosen:
        """Raises Absent for a model, version, client or domain that is not there."""
        name, _, asked = model.partition("@")
        version = self._version(asked or self.rollout.choose())
        edge, cloud = version.edge(), version.cloud()
        if wish.client is not None or wish.domain is not None:
            edge = version.of_client(wish.client) if wish.client is not None else version.of_domain(str(wish.domain))
        if name == AUTO:
            policy = wish.policy or self.policy
            return Chosen(self._route(version, edge, cloud), _possible(policy, edge, cloud), False, version, not asked)
        card = self._named(version, name, edge)
        if name != EDGE and (wish.client is not None or wish.domain is not None):
            raise Mistaken(f"model {name!r} is one model, so client and domain choose nothing: ask {AUTO}")
        if card.side == "cloud":
            return Chosen(self._route(version, edge, card), "cloud", True, version, not asked)
        return Chosen(self._route(version, card, cloud), "edge", True, version, not asked)

    def _version(self, name: str) -> Version:
        if name not in self.versions and VERSION.fullmatch(name) and (self.store / name).is_dir():
            # An old one, as of a gallery: read again where someone asks for it.
            return self.add(name)
        if name not in self.versions:
            raise Absent(f"version {name!r} is none of {list(self.versions)}, so nobody answers as it")
        return self.versions[name]

    def _named(self, version: Version, name: str, edge: Card | None) -> Card:
        if name == EDGE and edge is not None:
            return edge
        if name == TEXTS:
            raise Absent(f"model {TEXTS!r} makes vectors of words and says nothing: ask /v1/embeddings")
        if name not in version.cards:
            near = get_close_matches(name, [AUTO, EDGE, *version.cards], 3)
            meant = f"did you mean {' or '.join(near)}?" if near else f"there are {AUTO}, {EDGE} and others:"
            raise Absent(f"model {name!r} is not served; {meant} GET /v1/models has all")
        return version.cards[name]

    def _route(self, version: Version, edge: Card | None, cloud: Card | None) -> Route:
        return Route(
            version.name,
            None if edge is None else edge.name,
            None if cloud is None else cloud.name,
            None if edge is None else version.calibration(edge),
            "phone-mid" if edge is None else edge.device,
        )

    def model(self, name: str) -> ModelCard:
        """What ``GET /v1/models/NAME`` shows, by every name that a request may use. Raises Absent for others."""
        bare, at, asked = name.partition("@")
        version = self._version(asked or self.rollout.stable)
        found = {card.id: card for card in (*_cards(version, at + asked), _encoder(version))}
        if name not in found:
            self._named(version, bare, None)
        return found[name]

    def models(self) -> list[ModelCard]:
        """What ``GET /v1/models`` lists: of the version that answers, and of the one on trial under its full names."""
        found = [*_cards(self.versions[self.rollout.stable], ""), _encoder(self.versions[self.rollout.stable])]
        if self.rollout.canary in self.versions:
            trial = self.versions[str(self.rollout.canary)]
            found += _cards(trial, f"@{trial.name}")
        return found

    def __contains__(self, name: object) -> bool:
        return name in (AUTO, EDGE) or any(name in one.cards for one in self.versions.values())


def _cards(version: Version, suffix: str) -> Iterator[ModelCard]:
    everything = tuple(version.bundle.shape.modalities)
    yield _listed(version, AUTO + suffix, "gateway", everything)
    edge = version.edge()
    if edge is not None and edge.name != EDGE:
        yield _listed(version, EDGE + suffix, "edge", edge.modalities, edge)
    for card in version.cards.values():
        yield _listed(version, card.name + suffix, card.side, card.modalities, card)


def _listed(version: Version, name: str, side: str, modalities: Sequence[str], card: Card | None = None) -> ModelCard:
    data, widths = version.bundle.scenario.data.name, dict(version.bundle.shape.widths)
    own = {} if card is None else {"device": card.device, "samples": card.samples, "domains": card.domains}
    return ModelCard.model_validate(
        {
            "id": name,
            "created": version.created,
            "side": side,
            "version": version.name,
            "answers": version.answers,
            "modalities": sorted(modalities),
            "senses": {m: {"kind": kind(data, m), "width": widths[m]} for m in sorted(modalities)},
            # Structures may be named by a folder, whose place is nobody's business.
            "structure": None if card is None else Path(card.structure).name or None,
            **own,
        }
    )


def _encoder(version: Version) -> ModelCard:
    """The frozen sentence encoder, which is of no version."""
    return ModelCard(id=TEXTS, created=version.created, side="encoder", version=TEXTS, answers="embedding")


def open_registry(
    store: Path, version: str, policy: Policy, only: Sequence[str], above: str | None, rules: Rules
) -> Registry:
    """A registry whose only version answers."""
    registry = Registry(store, policy, frozenset(only), above, Rollout(version, rules))
    registry.add(version)
    return registry


def _possible(policy: Policy, edge: Card | None, cloud: Card | None) -> Policy:
    """The policy, where both sides are there; else the side that is."""
    if edge is None:
        return "cloud"
    return "edge" if cloud is None else policy
