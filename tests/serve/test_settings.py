"""What a server is told is checked before anything starts."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from mlecs_ray.errors import InputError
from serve import settings as module
from serve.settings import Settings, check_gpus


def test_the_fast_engine_is_refused_where_it_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_spec", lambda _: None)
    (tmp_path / "1-a").mkdir()
    told = {"store": str(tmp_path), "version": "1-a", "gallery": str(tmp_path / "g")}
    assert Settings.model_validate(told).engine == "transformers"
    with pytest.raises(ValidationError, match=r'not installed: `pip install "mlecs-ray\[fast\]"`'):
        Settings.model_validate({**told, "engine": "llamacpp"})


def test_gpus_are_asked_for_before_anything_starts(tmp_path: Path) -> None:
    (tmp_path / "1-a").mkdir()
    told = {"store": str(tmp_path), "version": "1-a", "gallery": str(tmp_path / "g")}
    check_gpus(Settings.model_validate(told), 0, 1)
    asked = Settings.model_validate({**told, "device": "cuda"})
    check_gpus(asked, 1, 1)
    with pytest.raises(InputError, match="needs 1 GPUs and 0 are here, so nothing was started"):
        check_gpus(asked, 0, 1)


def test_the_fast_engine_runs_on_cpus_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_spec", lambda _: True)
    (tmp_path / "1-a").mkdir()
    told = {"store": str(tmp_path), "version": "1-a", "gallery": str(tmp_path / "g"), "engine": "llamacpp"}
    assert Settings.model_validate(told).device == "cpu"
    with pytest.raises(ValidationError, match="device=cuda with engine=llamacpp"):
        Settings.model_validate({**told, "device": "cuda"})
