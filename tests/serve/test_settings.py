"""What a server is told is checked before anything starts."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from serve import settings as module
from serve.settings import Settings


def test_the_fast_engine_is_refused_where_it_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_spec", lambda _: None)
    (tmp_path / "1-a").mkdir()
    told = {"store": str(tmp_path), "version": "1-a", "gallery": str(tmp_path / "g")}
    assert Settings.model_validate(told).engine == "transformers"
    with pytest.raises(ValidationError, match=r'not installed: `pip install "mlecs-ray\[fast\]"`'):
        Settings.model_validate({**told, "engine": "llamacpp"})
