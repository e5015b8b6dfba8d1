"""What Prometheus reads, parsed by its own parser."""

from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from serve.metrics import REASONS, Metrics
from serve.observe import Record
from tests.serve.virtual import Clock


def samples(metrics: Metrics) -> dict[tuple[str, ...], float]:
    """Value by name and labels' values, the labels in the order of their names."""
    page, content_type = metrics.render()
    assert content_type.startswith("text/plain; version=")
    families = text_string_to_metric_families(page.decode())
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def ended(metrics: Metrics, status: int = 200, seconds: float = 0.0, **known: object) -> None:
    clock = Clock()
    record = Record("r1", clock=clock)
    for name, value in known.items():
        setattr(record, name, value)
    metrics.begin()
    clock.now = seconds
    record.end(status)
    metrics.end(record)


def test_requests_are_counted_by_answerer_route_and_status():
    metrics = Metrics()
    ended(metrics, route="/v1/models", answered_by="edge")
    ended(metrics, route="/v1/models", answered_by="edge")
    ended(metrics, 499)
    found = samples(metrics)
    assert found["mlecs_requests_total", "edge", "/v1/models", "200"] == 2
    assert found["mlecs_requests_total", "none", "other", "499"] == 1


def test_seconds_and_first_tokens_fall_into_their_buckets():
    metrics = Metrics(models=["llm"])
    ended(metrics, seconds=0.3, route="/v1/models", model="llm", first_token_seconds=0.02)
    found = samples(metrics)
    assert found["mlecs_request_seconds_bucket", "0.25", "/v1/models"] == 0
    assert found["mlecs_request_seconds_bucket", "0.5", "/v1/models"] == 1
    assert found["mlecs_request_seconds_sum", "/v1/models"] == 0.3
    assert found["mlecs_first_token_seconds_bucket", "0.025", "llm"] == 1


def test_tokens_and_refusals_are_counted():
    metrics = Metrics(models=["llm"])
    ended(metrics, model="llm", tokens_in=3, tokens_out=4)
    ended(metrics, 429, refused="rate")
    found = samples(metrics)
    assert found["mlecs_tokens_total", "in", "llm"] == 3
    assert found["mlecs_tokens_total", "out", "llm"] == 4
    assert found["mlecs_refused_total", "rate"] == 1


def test_requests_in_flight_go_up_and_down():
    metrics = Metrics()
    metrics.begin()
    assert samples(metrics)["mlecs_in_flight",] == 1
    metrics.end(Record("r1"))
    assert samples(metrics)["mlecs_in_flight",] == 0


@settings(max_examples=20, deadline=None)
@given(st.lists(st.text(), min_size=1, max_size=20))
def test_clients_cannot_add_labels(words):
    metrics = Metrics(models=["llm"])
    for word in words:
        ended(metrics, model=word, answered_by=word, refused=word, tokens_in=1, first_token_seconds=1.0)
    names = {label for name in samples(metrics) for label in name[1:]}
    numbers = {label for label in names if label == "+Inf" or label.replace(".", "", 1).isdigit()}
    assert names <= {"other", "none", "llm", "edge", "cloud", "in", "out", "200"} | REASONS | numbers


def test_a_name_that_is_not_known_is_not_logged_either():
    metrics, record = Metrics(models=["llm"]), Record("r1", model="my secret question")
    metrics.begin()
    metrics.end(record)
    assert record.model == "other"


def test_two_servers_in_one_process_do_not_share_figures():
    first, second = Metrics(), Metrics()
    ended(first, route="/x")
    assert not [name for name in samples(second) if name[0] == "mlecs_requests_total"]
