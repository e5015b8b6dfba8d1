"""`mlecs serve RUN --config FILE` as its users meet it."""

from pathlib import Path

import yaml

from tests.scenarios.conftest import Mlecs, assert_refused
from tests.serving import spoken

KINDS = {
    "serve": "applications",
    "rayservice": "apiVersion",
    "vllm": "applications",
}


def more(kind: str) -> tuple[str, ...]:
    """What a kind must be told besides."""
    if kind == "rayservice":
        return ("--key-file", "keys.jsonl", "--config-set", f"cache={spoken.run().parent}")
    return ("--config-set", "adapters=s3://bucket/x") if kind == "vllm" else ()


def test_each_kind_writes_its_file_and_serves_nothing(mlecs: Mlecs) -> None:
    Path("keys.jsonl").touch()
    for kind, key in KINDS.items():
        said = mlecs("serve", spoken.run(), "--config", f"{kind}.yaml", "--config-kind", kind, *more(kind))
        assert said.code == 0, said
        assert f"written: {kind}.yaml" in said.out
        assert key in yaml.safe_load(Path(f"{kind}.yaml").read_text())
    assert {path.name for path in Path().glob("*.yaml*")} == {*(f"{kind}.yaml" for kind in KINDS), "vllm.yaml.md"}


def test_a_note_that_is_there_keeps_the_file_from_being_written(mlecs: Mlecs) -> None:
    Path("vllm.yaml.md").write_text("mine")
    said = mlecs("serve", spoken.run(), "--config", "vllm.yaml", "--config-kind", "vllm", *more("vllm"))
    assert_refused(said, "vllm.yaml.md is there and holds something else")
    assert not Path("vllm.yaml").exists()
