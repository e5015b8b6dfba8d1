"""A gateway of made-up models, and whoever asks it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from serve.desk import Desk
from tests.serve.fakes import fake_app, fake_desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return fake_desk(tmp_path)


@pytest.fixture
def client(desk: Desk) -> Iterator[TestClient]:
    with TestClient(fake_app(desk)) as made:
        yield made
