"""What the gateway's routes work with."""

from dataclasses import dataclass, field

from fastapi import Request

from serve.answering import Answering
from serve.galleries import Store
from serve.metrics import Metrics
from serve.observe import Record, record_of
from serve.protocol import Wish
from serve.registry import Chosen, Registry
from serve.sides import Encoding, Side


@dataclass
class Desk:
    """One gateway's state."""

    registry: Registry
    edge: Side
    cloud: Side
    encoding: Encoding
    store: Store
    metrics: Metrics
    answer_seconds: float = 120.0
    """After which an answer that is not done is given up."""
    answering: Answering = field(init=False)
    ready: bool = False

    def __post_init__(self) -> None:
        self.answering = Answering(self.edge, self.cloud)

    def choose(self, request: Request, model: str, wish: Wish) -> tuple[Record, Chosen]:
        """Who is meant by a request, noted in its record."""
        record = record_of(request.scope)
        chosen = self.registry.choose(model, wish, record.request_id)
        record.model = model.partition("@")[0]
        return record, chosen

    def side(self, chosen: Chosen) -> tuple[Side, str]:
        """The side that a policy names first, and the model's id there: for what is not an answer in words."""
        cloud = chosen.policy == "cloud"
        model = chosen.route.model("cloud" if cloud else "edge")
        assert model is not None
        return self.cloud if cloud else self.edge, model

    def tell(self, version: str, ok: bool, seconds: float, confidence: float | None = None) -> None:
        """What came of an answer, to the rollout."""
        step = self.registry.rollout.record(version, ok, seconds, confidence)
        if step is not None:
            self.registry.remember()
