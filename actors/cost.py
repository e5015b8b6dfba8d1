"""What a fleet of actors cost in start-up time and memory: ``fleet.json`` in the run folder."""

import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path

from mlecs_ray.run.records import write_whole


@dataclass
class Traffic:
    """What really crossed between the server and its actors while a run trained; evaluation and start-up apart."""

    calls: int = 0
    direct: int = 0
    """Of the calls, those that went by a socket of our own and not through Ray."""
    answers: int = 0
    """Updates that came back."""
    puts: int = 0
    """Trees put into the object store: one per distinct large payload of a version."""
    put_bytes: int = 0
    sent_bytes: int = 0
    """Small payloads, which travel in the calls."""
    answer_bytes: int = 0


@dataclass(frozen=True)
class FleetCost:
    """Real seconds and bytes, so no part of what a seed repeats."""

    actors: int
    startup_seconds: float
    """From the first actor's creation until all were ready to work."""
    pss_bytes: list[int]
    """Memory of each actor at the end of the run; shared pages are split among those who share them."""
    replaced: int
    """Actors that were lost for good and got a successor."""
    traffic: Traffic = field(default_factory=Traffic)

    def __str__(self) -> str:
        total, mean = sum(self.pss_bytes) / 1e9, sum(self.pss_bytes) / len(self.pss_bytes) / 1e6
        lost = f", {self.replaced} replaced" if self.replaced else ""
        return (
            f"{self.actors} edge actors: ready in {self.startup_seconds:.1f} s, "
            f"{mean:.0f} MB each, {total:.2f} GB together{lost}"
        )


def write_cost(folder: Path, cost: FleetCost) -> None:
    """Raises InputError when the disk refuses."""
    with write_whole(folder / "fleet.json") as part:
        part.write_text(json.dumps(dataclasses.asdict(cost), indent=2) + "\n")


def read_cost(folder: Path) -> FleetCost | None:
    """None where the run had no actors."""
    path = folder / "fleet.json"
    if not path.exists():
        return None
    facts = json.loads(path.read_text())
    return FleetCost(**{**facts, "traffic": Traffic(**facts.get("traffic", {}))})
