"""A server as files: what ``serve deploy`` takes, from the same settings as ``mlecs serve``."""

from collections.abc import Mapping
from typing import Any

import yaml

from mlecs_ray import cache
from serve.settings import Settings

NAME = "mlecs"
IMPORT_PATH = "serve.deployments:build"
_OF_DEPLOYMENTS = {"replicas", "cpus"}
"""These settings stand with the deployments, where whoever runs a cluster looks for them."""
_HEAD = """\
# Written by `mlecs serve RUN --config FILE`. Replicas and CPUs are those of the deployments below; Gateway and
# Galleries keep one replica each: nobody else knows how a rollout stands, or writes to the galleries.
"""


def document(settings: Settings, told: Settings | None = None, env: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The applications as Serve's schema has them.

    ``told``: the settings with the paths of where it will run, where those are others. ``env``: of the replicas.
    """
    shown = (told or settings).model_dump(mode="json", exclude_defaults=True, exclude={*_OF_DEPLOYMENTS, "started"})
    one = {
        "name": NAME,
        "route_prefix": "/",
        "import_path": IMPORT_PATH,
        **({"runtime_env": {"env_vars": dict(env)}} if env else {}),
        "args": shown,
        "deployments": deployments(settings),
    }
    return {"applications": [one]}


def deployments(settings: Settings) -> list[dict[str, Any]]:
    """The options of every deployment as the application's code sets them: a config's stand above them."""
    # Ray Serve takes seconds to import, and most of the command line has no use for it. The same two functions make
    # `serve build`, which takes no application with arguments.
    from ray.serve._private.build_app import build_app
    from ray.serve.deployment import deployment_to_schema

    from serve.deployments import build

    made = build_app(build(settings), name=NAME).deployments
    shown = (deployment_to_schema(one).model_dump(mode="json", exclude_unset=True) for one in made)
    # A single replica is said outright as well: it is what one would change.
    return [{"name": one.pop("name"), "num_replicas": one.pop("num_replicas", 1), **one} for one in shown]


def serve_config(settings: Settings, host: str, port: int) -> str:
    """YAML of a Serve config file, for a cluster on this machine's files."""
    env = {"HF_HUB_OFFLINE": "1", "MLECS_CACHE": str(cache.root())}
    listening = {"proxy_location": "HeadOnly", "http_options": {"host": host, "port": port}}
    return _HEAD + dumped({**listening, **document(settings, env=env)})


def dumped(whole: Mapping[str, Any]) -> str:
    """YAML in which a text of several lines stays one."""
    return str(yaml.dump(dict(whole), Dumper=_Dumper, sort_keys=False, width=120))


class _Dumper(yaml.SafeDumper):  # type: ignore[misc]  # yaml ships no types
    """Writes a text of several lines as a block, and nothing twice by reference."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def _text(dumper: Any, text: str) -> Any:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)
