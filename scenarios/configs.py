"""`mlecs serve RUN --config FILE`: a server as files, for clusters."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from rich.console import Console

from mlecs_ray.errors import InputError
from mlecs_ray.scenario.overrides import parse
from scenarios.serving import Wanted, prepare
from serve.settings import Settings, check_host

T = TypeVar("T", bound=BaseModel)
KINDS = ("serve", "rayservice", "vllm")
_NEXT = {
    "serve": "`serve deploy {file}` serves it on a running cluster",
    "rayservice": "`kubectl apply -f {file}` serves it where KubeRay is",
    "vllm": "not run here: read {file}.md first",
}


@dataclass(frozen=True)
class File:
    """What is written where."""

    path: Path
    kind: str
    pairs: Sequence[str]
    """``key=value`` of ``Pods`` or ``Engine``."""
    host: str
    port: int


def write(wanted: Wanted, file: File, console: Console) -> None:
    """Write the file, and what belongs beside it. Raises InputError before anything is written or overwritten."""
    if file.kind not in KINDS:
        raise InputError(f"--config-kind {file.kind} must be one of {', '.join(KINDS)}, so nothing was written")
    texts = _texts(prepare(wanted, console), file)
    lacking = [path for path, text in texts.items() if _lacking(path, text)]
    for path in lacking:
        try:
            path.write_text(texts[path])
        except OSError as error:
            raise InputError(f"{path} cannot be written ({error.strerror}): choose another --config") from error
    console.print(f"written: {', '.join(map(str, texts))}; {_NEXT[file.kind].format(file=file.path)}", soft_wrap=True)


def _texts(settings: Settings, file: File) -> Mapping[Path, str]:
    if file.kind == "serve":
        from serve.configs import serve_config

        check_host(file.host, settings.key_file)
        _check_unset(file.pairs)
        return {file.path: serve_config(settings, file.host, file.port)}
    if file.kind == "rayservice":
        from serve.rayservice import Pods, manifest

        return {file.path: manifest(settings, options(Pods, file.pairs), file.port)}
    from serve.vllm import Engine, vllm_config
    from serve.vllmnote import note

    engine = options(Engine, file.pairs)
    beside = file.path.with_name(f"{file.path.name}.md")
    return {
        file.path: vllm_config(settings, engine, file.host, file.port),
        beside: note(settings, engine, file.host, file.path.name),
    }


def _check_unset(pairs: Sequence[str]) -> None:
    if pairs:
        raise InputError(
            f"--config-set {pairs[0]} is for --config-kind rayservice and vllm, a Serve config file has no such key: "
            "--set key=value sets the server's"
        )


def options(kind: type[T], pairs: Sequence[str]) -> T:
    """``key=value`` pairs as one of these. Raises InputError naming the key, the value and the rule."""
    told: dict[str, Any] = {}
    for pair in pairs:
        key, value = parse(pair) if "=" in pair else (pair, None)
        if key not in kind.model_fields or value is None:
            near = ", ".join(get_close_matches(key, kind.model_fields, 1) or kind.model_fields)
            raise InputError(
                f"--config-set {key} is no key=value of this kind, so nothing was written; keys are {near}"
            )
        told[key] = value
    try:
        return kind.model_validate(told)
    except ValidationError as error:
        first = error.errors()[0]
        key = str(first["loc"][0])
        what = f" ({kind.model_fields[key].description})" if kind.model_fields[key].description else ""
        value = told.get(key, "")
        raise InputError(f"--config-set {key}={value}: {first['msg']}{what}, so nothing was written") from error


def _lacking(path: Path, text: str) -> bool:
    """Whether this is not there yet. Raises InputError where something else is."""
    if path.is_dir() or (path.exists() and path.read_bytes() != text.encode()):
        raise InputError(
            f"{path} is there and holds something else, so nothing was written: remove it, or name another"
        )
    return not path.exists()
