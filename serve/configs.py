"""A server as files: what ``serve deploy`` and KubeRay take, from the same settings as ``mlecs serve``."""

from typing import Any

import yaml

from serve.settings import Settings

IMPORT_PATH = "serve.deployments:build"


def application(settings: Settings) -> dict[str, Any]:
    """The application as Serve's schema has it."""
    told = settings.model_dump(mode="json", exclude_defaults=True)
    return {"name": "mlecs", "route_prefix": "/", "import_path": IMPORT_PATH, "args": told}


def serve_config(settings: Settings, host: str, port: int) -> str:
    """YAML of a Serve config file."""
    whole = {
        "proxy_location": "HeadOnly",
        "http_options": {"host": host, "port": port},
        "applications": [application(settings)],
    }
    return str(yaml.safe_dump(whole, sort_keys=False))
