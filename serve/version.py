"""One version of a run's models, as a server has it."""

from collections.abc import Mapping
from dataclasses import dataclass

from mlecs_ray.run.artifact import FACTS, Card, folder_of
from mlecs_ray.run.bundle import Bundle
from mlecs_ray.serving.calibration import Calibration
from serve.faults import Absent
from serve.leases import Lease


@dataclass(frozen=True)
class Version:
    """One version's models, by name."""

    bundle: Bundle
    cards: Mapping[str, Card]
    calibrations: Mapping[str, Calibration]
    above: str | None = None
    """The name of the model that answers as the cloud, where it is not the run's own; ``none``: nobody."""
    lease: Lease | None = None
    """Whoever still has the version, has its folder."""

    @property
    def name(self) -> str:
        return self.bundle.version

    @property
    def words(self) -> bool:
        """Whether its models answer in words."""
        return self.bundle.scenario.task.kind == "caption"

    @property
    def answers(self) -> str:
        """What one gets from them: ``text``, ``class``, or ``embedding`` of those that find people."""
        if self.bundle.scenario.task.kind == "reid":
            return "embedding"
        return "class" if not self.words or self.bundle.scenario.task.answer == "class" else "text"

    @property
    def created(self) -> int:
        """Unix time at which the run left them."""
        return int((self.bundle.folder / FACTS).stat().st_mtime)

    def edge(self) -> Card | None:
        """The usual edge model: what the server has made of all, else the client with most samples."""
        # Who answers as the cloud is above the edge, unless there is nobody else.
        edges = [card for card in self._edges() if card.name != self.above] or self._edges()
        return next(iter(sorted(edges, key=lambda card: (card.client is not None, -card.samples))), None)

    def cloud(self) -> Card | None:
        """Who answers as the cloud."""
        if self.above is not None:
            return self.cards.get(self.above)
        return self.bundle.cloud

    def _edges(self) -> list[Card]:
        return [card for card in self.cards.values() if card.side == "edge"]

    def of_client(self, client: int) -> Card:
        """Raises Absent for a client that has no model of its own."""
        found = next((card for card in self._edges() if card.client == client), None)
        if found is None:
            raise Absent(f"client {client} keeps no model of its own in version {self.name}, so nobody can be it")
        return found

    def of_domain(self, domain: str) -> Card:
        """The client that has most samples of it. Raises Absent for a domain that no client has."""
        held = [card for card in self._edges() if (card.domains or {}).get(domain)]
        if not held:
            known = sorted({name for card in self._edges() for name in card.domains or {}})
            raise Absent(f"domain {domain!r} is none of {known}, so no client has learned it")
        return max(held, key=lambda card: (card.domains or {})[domain])

    def calibration(self, card: Card) -> Calibration | None:
        """That of the model; for a client without one, that of its structure."""
        return self.calibrations.get(card.name) or self.calibrations.get(folder_of(card.structure))
