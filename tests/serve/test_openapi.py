"""The schema says what the gateway does."""

from pathlib import Path
from typing import Any

import pytest
import schemathesis
from fastapi.routing import iter_route_contexts
from starlette.testclient import TestClient

from tests.serve.fakes import fake_app, fake_desk


@pytest.fixture
def schema(tmp_path: Path) -> dict[str, Any]:
    with TestClient(fake_app(fake_desk(tmp_path))) as client:
        found: dict[str, Any] = client.get("/openapi.json").json()
    return found
