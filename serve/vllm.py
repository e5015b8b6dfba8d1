"""One language model of a run, with its adapters, as Ray Serve LLM has vLLM serve them on GPUs: text in, text out.

Written from the source of Ray 2.60 and vLLM's documentation; vLLM is no part of this project, and none of it ran here.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from mlecs_ray.errors import InputError
from mlecs_ray.run.artifact import Card, model_digest
from mlecs_ray.run.bundle import Bundle, read_bundle
from serve.configs import dumped
from serve.settings import Count, Settings

IMPORT_PATH = "ray.serve.llm:build_openai_app"
RANKS = (8, 16, 32, 64, 128, 256, 320, 512)
"""What vLLM takes as ``max_lora_rank`` (``MaxLoRARanks`` of vllm.config.lora, 0.14 to 0.22; 1 apart)."""
_PLAIN: dict[str, Any] = {"bias": "none", "modules_to_save": None, "use_dora": False, "rank_pattern": {}}
"""What vLLM's ``PEFTHelper`` asks of an adapter; it reads no ``rank_pattern`` in all its versions."""
_HEAD = """\
# Written by `mlecs serve RUN --config FILE --config-kind vllm`, and not run there: read the note beside it first.
"""

Store = Annotated[
    str,
    StringConstraints(pattern=r"^(s3|gs|abfss|azure)://[^\s/]+[^\s]*$"),
    Field(description="object storage, as LoraConfig of Ray 2.60 takes no folder: s3://, gs://, abfss:// or azure://"),
]


class Engine(BaseModel):
    """Where vLLM finds what, and on what it runs."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    adapters: Store
    """Where the adapters are, in a folder for each version and language model."""
    model: str | None = None
    """The language model's folder where vLLM runs, or an id; None: as on this machine."""
    accelerator: str | None = None
    """As Ray names it, e.g. ``L4``; None: any GPU."""
    at_once: Count = 8
    """Adapters in one batch."""
    adapters_per_replica: Count = 64
    """Adapters in the memory of a replica."""


@dataclass(frozen=True)
class Adapter:
    """One model's adapter as PEFT wrote it. ``base``: where its language model was when the run wrote it."""

    card: Card
    base: str
    config: dict[str, Any]

    @property
    def rank(self) -> int:
        return int(self.config["r"])


@dataclass(frozen=True)
class Choice:
    """What vLLM gets of a run, and what stays behind."""

    bundle: Bundle
    base: Adapter
    adapters: tuple[Adapter, ...]
    others: tuple[Adapter, ...]
    """On other language models."""

    @property
    def model_id(self) -> str:
        """By which clients ask for the language model itself; an adapter is ``<model_id>:<name>``."""
        return f"{self.bundle.scenario.name}-{self.base.card.name}".replace(":", "-").replace("/", "-")


def choose(settings: Settings) -> Choice:
    """The language model that answers as the cloud, and every chosen adapter on it. Raises InputError where vLLM could
    serve none, or not all that were asked for."""
    bundle = read_bundle(Path(settings.store) / settings.version)
    if bundle.scenario.task.kind != "caption":
        raise InputError(
            f"task.kind={bundle.scenario.task.kind}: these models classify and hold no language model, so vLLM can "
            "serve none of them; --config-kind serve can"
        )
    base = read(bundle, _base(bundle, settings.cloud))
    found = [read(bundle, card) for card in bundle.cards.values()]
    for one in found:
        if one.card.name in settings.edge and one.base != base.base:
            raise InputError(
                f"--edge {one.card.name} adapts {one.base}, another language model than {base.card.name}'s: vLLM holds "
                f"one at a time, so write a file of its own for it by --cloud {one.card.name}"
            )
    wanted = {base.card.name, *settings.edge} if settings.edge else set(bundle.cards)
    mine = tuple(one for one in found if one.base == base.base and one.card.name in wanted)
    for one in mine:
        _check(one)
    return Choice(bundle, base, mine, tuple(one for one in found if one.base != base.base))


def _base(bundle: Bundle, cloud: str | None) -> Card:
    if cloud not in (None, "none"):
        return bundle.card(str(cloud))
    if bundle.cloud is None or cloud == "none":
        raise InputError(
            f"--cloud {cloud}: version {bundle.version} then has no cloud's language model, so vLLM has nothing to "
            f"serve: --cloud NAME says whose it is; there are {', '.join(list(bundle.cards)[:4])}"
        )
    return bundle.cloud


def read(bundle: Bundle, card: Card) -> Adapter:
    """The adapter of one model of a captioning run."""
    config = json.loads((bundle.folder / card.folder / "adapter_config.json").read_text())
    return Adapter(card, str(config["base_model_name_or_path"]), config)


def _check(one: Adapter) -> None:
    """Raise InputError for what vLLM would refuse, or would not see."""
    if one.rank > RANKS[-1]:
        raise InputError(
            f"{one.card.name} has rank {one.rank}, more than the {RANKS[-1]} that vLLM takes, so it would refuse it: "
            "serve it with --config-kind serve, or run with a lower task.rank"
        )
    for key, plain in _PLAIN.items():
        if one.config.get(key, plain) != plain:
            raise InputError(
                f"{one.card.name} has {key}={one.config[key]!r}, it must be {plain!r}, or vLLM refuses it or answers "
                "otherwise: serve it with --config-kind serve"
            )


def vllm_config(settings: Settings, engine: Engine, host: str, port: int) -> str:
    """YAML of a Serve config file with one ``LLMConfig``. Raises InputError for what vLLM cannot serve safely."""
    if host not in ("127.0.0.1", "::1", "localhost"):
        raise InputError(
            f"--host {host}: Ray Serve LLM asks nobody for a key, so everyone who reaches it could use it; write the "
            "file for 127.0.0.1 and put something that asks for keys before it"
        )
    whole = {
        "proxy_location": "HeadOnly",
        "http_options": {"host": host, "port": port},
        "applications": [
            {
                "name": "vllm",
                "route_prefix": "/",
                "import_path": IMPORT_PATH,
                "args": {"llm_configs": [llm_config(choose(settings), settings, engine)]},
            }
        ],
    }
    return _HEAD + dumped(whole)


def llm_config(choice: Choice, settings: Settings, engine: Engine) -> dict[str, Any]:
    """``ray.serve.llm.LLMConfig`` as Ray 2.60 has it."""
    rank = max(one.rank for one in choice.adapters)
    kept = min(len(choice.adapters), engine.adapters_per_replica)
    return {
        "model_loading_config": {"model_id": choice.model_id, "model_source": source(choice, engine)},
        "runtime_env": {"env_vars": {"HF_HUB_OFFLINE": "1"}},
        **({"accelerator_type": engine.accelerator} if engine.accelerator else {}),
        "engine_kwargs": {
            # vLLM computes adapters in 16 bits alone.
            "dtype": "bfloat16",
            "max_model_len": _context(choice, settings.context),
            "enable_lora": True,
            "max_lora_rank": next(limit for limit in RANKS if limit >= rank),
            "max_loras": min(kept, engine.at_once),
            "max_cpu_loras": kept,
        },
        "lora_config": {
            "dynamic_lora_loading_path": place(choice, engine),
            "max_num_adapters_per_replica": kept,
        },
        "deployment_config": {"num_replicas": settings.replicas, "max_ongoing_requests": settings.slots},
    }


def place(choice: Choice, engine: Engine) -> str:
    """Below which every adapter has a folder by its name, and nobody else has one: Ray lists all that are there."""
    return f"{engine.adapters.rstrip('/')}/{choice.bundle.version}/{choice.base.card.name}"


def source(choice: Choice, engine: Engine) -> str:
    """Where vLLM finds the language model. Raises InputError where it is not the one that the run adapted."""
    told = choice.bundle.facts["models"].get(choice.base.card.structure, "")
    here = Path(choice.base.base)
    if not here.is_dir():
        if engine.model is None:
            raise InputError(
                f"the language model {here} is not on this machine, so nothing was written: --config-set model=PATH "
                "says where vLLM finds it"
            )
        return engine.model
    if told and told != model_digest(str(here)):
        raise InputError(
            f"the language model in {here} is not the one of SHA-256 {told[:12]} that the run adapted, so nothing was "
            "written: its answers would be others"
        )
    return engine.model or str(here)


def _context(choice: Choice, wanted: int) -> int:
    """Tokens of a prompt and its answer, as many as the language model knows positions for."""
    file = Path(choice.base.base) / "config.json"
    known = json.loads(file.read_text()).get("max_position_embeddings") if file.is_file() else None
    return wanted if known is None else min(wanted, int(known))
