"""Files for clusters: each checked against the classes that will read it, and the first deployed for real."""

import http.client
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ray.serve.schema import ServeDeploySchema
from rich.console import Console

from bench.serving.web import free_port
from mlecs_ray.errors import InputError
from scenarios.configs import File, write
from scenarios.serving import Wanted, prepare
from serve.configs import serve_config
from serve.deployments import build
from serve.settings import Settings
from tests.serving import spoken

READY_SECONDS = 90
QUIET = Console(quiet=True)


def wanted(**options: Any) -> Wanted:
    """The tiny run, as the command line asks for it."""
    return Wanted(spoken.run(), (), None, "cascade", 0.3, False, {"threads": 1, **options})


@pytest.fixture(scope="module")
def settings() -> Settings:
    return prepare(wanted(cpus=0.1), QUIET)


def application(text: str) -> Any:
    return ServeDeploySchema.model_validate(yaml.safe_load(text)).applications[0]


def test_a_serve_config_file_is_one_for_ray(settings: Settings) -> None:
    found = ServeDeploySchema.model_validate(yaml.safe_load(serve_config(settings, "127.0.0.1", 8123)))
    assert (found.http_options.host, found.http_options.port) == ("127.0.0.1", 8123)
    (one,) = found.applications
    assert (one.import_path, one.route_prefix) == ("serve.deployments:build", "/")
    assert one.runtime_env["env_vars"]["HF_HUB_OFFLINE"] == "1"


def test_its_arguments_and_deployments_say_the_same_as_the_settings(settings: Settings) -> None:
    several = settings.model_copy(update={"replicas": 2})
    one = application(serve_config(several, "127.0.0.1", 8123))
    by_name = {deployment.name: deployment for deployment in one.deployments}
    assert set(by_name) == {"Gateway", "Edge", "Cloud", "Senses", "Galleries"}
    assert [by_name[name].num_replicas for name in ("Edge", "Cloud", "Gateway", "Galleries")] == [2, 2, 1, 1]
    assert by_name["Edge"].ray_actor_options.num_cpus == 0.1
    # What an application's builder is given makes the settings again, less what the deployments say.
    again = Settings.model_validate(one.args)
    assert again.model_copy(update={"replicas": 2, "cpus": 0.1, "started": several.started}) == several
    assert build(again)._bound_deployment.max_ongoing_requests == by_name["Gateway"].max_ongoing_requests


def test_a_file_that_holds_something_else_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "serve.yaml"
    path.write_text("mine")
    file = File(path, "serve", (), "127.0.0.1", 8123)
    with pytest.raises(InputError, match=r"serve\.yaml is there and holds something else"):
        write(wanted(), file, QUIET)
    assert path.read_text() == "mine"
    path.unlink()
    write(wanted(), file, QUIET)
    first = path.stat().st_mtime_ns
    write(wanted(), file, QUIET)
    assert path.stat().st_mtime_ns == first


@pytest.mark.parametrize(
    ("kind", "pairs", "complaint"),
    [
        ("helm", (), "--config-kind helm must be one of"),
        ("serve", ("image=x",), "--config-set image=x is for --config-kind rayservice and vllm"),
        ("rayservice", ("imag=x",), "--config-set imag is no key=value of this kind.*image"),
        ("rayservice", ("workers=0",), "--config-set workers=0: .* greater than or equal to 1"),
        ("vllm", (), "--config-set adapters=: Field required .*takes no folder"),
    ],
)
def test_what_cannot_be_written_is_named(tmp_path: Path, kind: str, pairs: tuple[str, ...], complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        write(wanted(), File(tmp_path / "file", kind, pairs, "127.0.0.1", 8123), QUIET)
    assert not list(tmp_path.iterdir())


def test_strangers_need_a_key(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="key file must say who may"):
        write(wanted(), File(tmp_path / "file", "serve", (), "0.0.0.0", 8123), QUIET)


@pytest.fixture
def deployed(tmp_path: Path) -> Iterator[int]:
    """The port of a Serve instance that was given the file, as the dashboard gives it what `serve deploy` sends."""
    from ray import serve as ray_serve
    from ray.serve.context import _get_global_client

    port = free_port()
    path = tmp_path / "serve.yaml"
    write(wanted(cpus=0.1, log_file=str(tmp_path / "log")), File(path, "serve", (), "127.0.0.1", port), QUIET)
    config = ServeDeploySchema.model_validate(yaml.safe_load(path.read_text()))
    # The dashboard's part of `serve deploy`: start Serve with the file's options, hand the file to the controller.
    ray_serve.start(proxy_location=config.proxy_location, http_options=config.http_options.model_dump())
    client = _get_global_client()
    try:
        client.deploy_apps(config)
        yield port
    finally:
        client.delete_apps([one.name for one in config.applications])
        client.shutdown()


def ask(port: int, path: str, body: Any = None) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        payload = None if body is None else json.dumps(body)
        connection.request("GET" if body is None else "POST", path, payload, {"Content-Type": "application/json"})
        response = connection.getresponse()
        return response.status, response.read()
    except OSError as error:
        return 0, error
    finally:
        connection.close()


@pytest.mark.ray
@pytest.mark.usefixtures("cluster")
def test_a_deployed_file_answers(deployed: int, settings: Settings) -> None:
    until = time.monotonic() + READY_SECONDS
    while (found := ask(deployed, "/readyz"))[0] != 200:
        assert time.monotonic() < until, found
        time.sleep(0.2)
    # What KubeRay's readiness of a worker asks for.
    assert ask(deployed, "/-/healthz")[0] == 200
    body = {"model": "cloud", "messages": [{"role": "user", "content": "the hat"}], "max_tokens": 3}
    status, raw = ask(deployed, "/v1/chat/completions", body)
    assert status == 200, raw
    assert json.loads(raw)["mlecs"]["version"] == settings.version
    assert json.loads(raw)["usage"]["completion_tokens"] <= 3
