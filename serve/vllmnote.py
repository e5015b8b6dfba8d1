"""What must be known of a run in vLLM: what travels, what does not, and that it was not tried."""

from pathlib import Path

from serve.settings import Settings
from serve.vllm import Choice, Engine, choose, place, source

_SHOWN = 8

_NOTE = """\
# {name}, version {version}, in vLLM

**Not run.** vLLM needs a GPU and is not installed where this was written. `{file}` was checked against the classes
of Ray 2.60's source alone; no request was ever sent to it.

## What must be where

- The language model of `{base}`: `{source}`, on every node with a GPU.
- Each adapter's `adapter_config.json` and `adapter_model.safetensors` in a folder by its name below
  `{place}`.
  Ray lists every folder there as a model, so nothing else belongs there. Not `connector.safetensors`: see below.

| ask for | rank | copy from, below the run's `{store}` |
|---|---:|---|
{rows}

`{model_id}` alone is the language model without an adapter.

## What travels

The attention's adapters, in PEFT's format, each over the same frozen language model. They answer **text** prompts
at `/v1/completions`{chat},
as the gateway answers words that come alone, without soft tokens. All is computed in bfloat16, as vLLM computes
adapters in 16 bits alone: answers can differ from the gateway's, and from those that were measured.

## What does not

- **What is sensed.** The run's own answers start from a soft prompt: encoders, projections and fusion turn a picture
  or a sound into {tokens} vectors as wide as the language model, which stand before the words. They are in
  `connector.safetensors`; vLLM has no place for them, so it sees text alone. The adapters learned *behind* a soft
  prompt, and the measured scores are of answers with one: without it, expect less.
- To have it, vLLM would need `enable_prompt_embeds: true` among the `engine_kwargs`, and someone before it who runs
  the connector, puts the words' embeddings behind its vectors and sends all of them, (tokens, width), as
  `prompt_embeds` (a torch tensor in base64) to `/v1/completions`. vLLM warns that a tensor of a wrong shape can stop
  the engine: for trusted callers only. Whether it takes such a prompt together with an adapter, and whether Ray's
  ingress hands it on, must be tried on the version that is used.
- **Edge and cloud.** No cascade, no thresholds, no costs, no galleries, no `/v1/embeddings`, `/v1/search` or
  `/v1/classify`, no versions on trial: they are the gateway's.
- **Keys and limits.** Ray Serve LLM asks nobody for a key. It listens on {host} alone; put something before it.
{others}"""


def note(settings: Settings, engine: Engine, host: str, file: str) -> str:
    """Markdown of the note that lies beside ``file``."""
    choice = choose(settings)
    scenario = choice.bundle.scenario
    return _NOTE.format(
        name=scenario.name,
        version=choice.bundle.version,
        file=file,
        base=choice.base.card.name,
        source=source(choice, engine),
        place=place(choice, engine),
        store=f"{Path(settings.store).name}/{settings.version}/",
        rows="\n".join(_rows(choice)),
        model_id=choice.model_id,
        chat=_chat(choice),
        tokens=scenario.task.soft_tokens,
        host=host,
        others=_others(choice),
    )


def _rows(choice: Choice) -> list[str]:
    return [f"| `{choice.model_id}:{one.card.name}` | {one.rank} | `{one.card.folder}/` |" for one in choice.adapters]


def _chat(choice: Choice) -> str:
    base = Path(choice.base.base)
    config = base / "tokenizer_config.json"
    told = (base / "chat_template.jinja").is_file() or (config.is_file() and '"chat_template"' in config.read_text())
    return " and `/v1/chat/completions`" if told else "; the tokenizer has no chat template, so chat is refused"


def _others(choice: Choice) -> str:
    """Whose adapters are on another language model."""
    if not choice.others:
        return ""
    named = ", ".join(f"`{one.card.name}`" for one in choice.others[:_SHOWN])
    more = f" and {len(choice.others) - _SHOWN} more" if len(choice.others) > _SHOWN else ""
    return (
        f"- **Other language models.** {named}{more} adapt others than `{choice.base.card.name}`'s; "
        "`--cloud NAME` writes a file for one of theirs.\n"
    )
