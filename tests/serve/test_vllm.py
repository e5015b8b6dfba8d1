"""What vLLM is told, against Ray's own class for it.

``ray.serve.llm`` cannot be imported without vLLM; its ``LLMConfig`` adds nothing to the class that is checked with
here. What only vLLM knows, the names and values in ``engine_kwargs``, is compared with its documentation alone.
"""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from ray.serve.schema import ServeDeploySchema
from rich.console import Console

from mlecs_ray.errors import InputError
from mlecs_ray.run import artifact
from mlecs_ray.run.bundle import read_bundle
from mlecs_ray.run.local import run_locally
from scenarios import smoke
from scenarios.configs import File, write
from scenarios.serving import Wanted, prepare
from serve.settings import Settings
from serve.vllm import Engine, choose, vllm_config
from tests.serve.test_configs import QUIET, wanted
from tests.serving import spoken

ENGINE = Engine(adapters="s3://bucket/adapters/")


@pytest.fixture(scope="module")
def settings() -> Settings:
    return prepare(wanted(), QUIET)


def config(settings: Settings, engine: Engine = ENGINE, host: str = "127.0.0.1") -> Any:
    """The one ``LLMConfig`` as Ray reads it."""
    from ray.llm._internal.serve.core.configs.llm_config import LLMConfig

    whole = yaml.safe_load(vllm_config(settings, engine, host, 8123))
    (one,) = ServeDeploySchema.model_validate(whole).applications
    assert one.import_path == "ray.serve.llm:build_openai_app"
    (found,) = one.args["llm_configs"]
    return LLMConfig.model_validate(found)


def test_the_cloud_with_its_adapter_is_an_llm_config_for_ray(settings: Settings) -> None:
    found = config(settings)
    assert found.model_id == "smoke-cloud"
    assert found.model_loading_config.model_source == str(spoken.run().parent / "tiny-cloud")
    # A rank of 2 needs the next that vLLM knows.
    assert found.engine_kwargs == {
        "dtype": "bfloat16",
        "max_model_len": found.max_request_context_length,
        "enable_lora": True,
        "max_lora_rank": 8,
        "max_loras": 1,
        "max_cpu_loras": 1,
    }
    place = f"s3://bucket/adapters/{settings.version}/cloud"
    assert found.lora_config.dynamic_lora_loading_path == place
    assert found.multiplex_config().max_num_models_per_replica == 1


def test_no_prompt_is_longer_than_the_language_model_knows(settings: Settings) -> None:
    known = json.loads((spoken.run().parent / "tiny-cloud" / "config.json").read_text())["max_position_embeddings"]
    assert config(settings).max_request_context_length == min(known, settings.context)
    assert config(settings.model_copy(update={"context": 16})).max_request_context_length == 16


def test_every_client_on_one_language_model_is_an_adapter_of_it(settings: Settings) -> None:
    bundle = read_bundle(Path(settings.store) / settings.version)
    edges = {card.name for card in bundle.cards.values() if card.side == "edge"}
    edge = next(name for name in edges if name.startswith(spoken.LANGUAGE))
    found = choose(settings.model_copy(update={"cloud": edge}))
    assert {one.card.name for one in found.adapters} == edges > {edge, "client-1"}
    assert [one.card.name for one in found.others] == ["cloud"]
    few = choose(settings.model_copy(update={"cloud": edge, "edge": ("client-1",)}))
    assert {one.card.name for one in few.adapters} == {edge, "client-1"}


def test_where_vllm_runs_the_language_model_may_be_elsewhere(settings: Settings) -> None:
    engine = Engine(adapters="gs://b/x", model="/models/cloud", accelerator="L4")
    found = config(settings, engine)
    assert found.model_loading_config.model_source == "/models/cloud"
    assert found.accelerator_type == "L4"


def test_adapters_of_another_language_model_are_refused(settings: Settings) -> None:
    with pytest.raises(InputError, match=r"client-0 adapts .*tiny-edge, another language model than cloud's"):
        choose(settings.model_copy(update={"edge": ("client-0",)}))


def test_without_a_cloud_somebody_must_be_named(settings: Settings) -> None:
    with pytest.raises(InputError, match=r"--cloud none: .* has no cloud's language model"):
        choose(settings.model_copy(update={"cloud": "none"}))


def test_keys_that_nobody_would_ask_for_are_not_promised(settings: Settings) -> None:
    with pytest.raises(InputError, match=r"--host 0\.0\.0\.0: Ray Serve LLM asks nobody for a key"):
        vllm_config(settings, ENGINE, "0.0.0.0", 8123)


def changed(settings: Settings, store: Path, **adapter: Any) -> Settings:
    """The same version, whose cloud's adapter says something else."""
    bundle = read_bundle(Path(settings.store) / settings.version)
    folder = store / settings.version
    shutil.copytree(bundle.folder, folder)
    file = folder / bundle.card("cloud").folder / "adapter_config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **adapter}))
    facts = json.loads((folder / artifact.FACTS).read_text())
    (folder / artifact.FACTS).write_text(json.dumps({**facts, "files": artifact.digests(folder)}))
    return settings.model_copy(update={"store": str(store)})


@pytest.mark.parametrize(
    ("adapter", "complaint"),
    [
        ({"r": 513}, "cloud has rank 513, more than the 512 that vLLM takes"),
        ({"use_dora": True}, "cloud has use_dora=True, it must be False"),
        ({"bias": "all"}, "cloud has bias='all', it must be 'none'"),
        ({"modules_to_save": ["lm_head"]}, "it must be None"),
        ({"rank_pattern": {"q_proj": 4}}, "it must be {}"),
        ({"base_model_name_or_path": "/gone"}, "/gone is not on this machine.*--config-set model=PATH"),
        ({"base_model_name_or_path": "tiny-edge"}, "is not the one of SHA-256"),
    ],
)
def test_adapters_that_vllm_would_refuse_are_named(
    settings: Settings, tmp_path: Path, adapter: dict[str, Any], complaint: str
) -> None:
    if adapter.get("base_model_name_or_path") == "tiny-edge":
        adapter = {"base_model_name_or_path": str(spoken.run().parent / "tiny-edge")}
    with pytest.raises(InputError, match=complaint):
        vllm_config(changed(settings, tmp_path, **adapter), ENGINE, "127.0.0.1", 8123)


def test_a_classifier_has_nothing_for_vllm(tmp_path: Path) -> None:
    run_locally(smoke.SCENARIO.model_copy(update={"merges": 1}), tmp_path / "run")
    plain = Wanted(tmp_path / "run", (), None, "edge", 0.3, False, {})
    with pytest.raises(InputError, match="these models classify and hold no language model"):
        choose(prepare(plain, Console(quiet=True)))


def test_the_note_says_what_travels_and_that_nothing_was_run(tmp_path: Path) -> None:
    file = File(tmp_path / "vllm.yaml", "vllm", ("adapters=s3://bucket/x",), "127.0.0.1", 8123)
    write(wanted(), file, QUIET)
    text = (tmp_path / "vllm.yaml.md").read_text()
    assert "**Not run.**" in text
    assert "| `smoke-cloud:cloud` | 2 | `cloud/` |" in text
    assert "`prompt_embeds`" in text
    assert "into 2 vectors" in text
    assert "has no chat template" in text
    assert "`client-0`" in text
