"""OpenAI's own Python client, as it comes, asks the gateway over a socket."""

import asyncio
import base64
import time
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI, OpenAI

from tests.serve.live import Spoken, speaking

CAT = [{"role": "user", "content": "the cat"}]
SEEN = {"type": "input_values", "input_values": {"values": [3.0, 3.1, 2.9, 3.0]}, "modality": "image"}
HEARD = {"type": "input_values", "input_values": {"values": [-1.0, -1.1, -0.9]}, "modality": "sound"}


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Spoken]:
    with speaking(tmp_path_factory.mktemp("spoken")) as one:
        yield one


@pytest.fixture(scope="module")
def client(spoken: Spoken) -> OpenAI:
    return OpenAI(base_url=f"{spoken.live.url}/v1", api_key="none", max_retries=0)


def _ask(client: OpenAI, messages: Any = CAT, model: str = "auto", **more: Any) -> Any:
    return client.chat.completions.create(model=model, messages=messages, **{"max_tokens": 12, **more})


def _said(answer: Any) -> str:
    return str(answer.choices[0].message.content)


def test_models_are_listed_and_each_can_be_looked_up(client: OpenAI) -> None:
    models = {model.id: model for model in client.models.list()}
    assert {"auto", "edge", "cloud", "client-0", "client-1"} <= set(models)
    for name, model in models.items():
        assert client.models.retrieve(name) == model
    assert models["client-0"].model_extra is not None
    assert models["client-0"].model_extra["domains"] == {"south": 8}


def test_the_name_that_an_answer_bears_can_be_looked_up_and_asked_again(client: OpenAI) -> None:
    first = _ask(client, model="edge")
    assert client.models.retrieve(first.model).id == first.model
    assert _said(_ask(client, model=first.model)) == _said(first)


def test_an_answer_has_all_that_openais_has_and_what_is_ours(client: OpenAI) -> None:
    answer = _ask(client, model="cloud")
    assert answer.id.startswith("chatcmpl-")
    assert answer.object == "chat.completion"
    assert abs(answer.created - time.time()) < 60
    assert answer.choices[0].message.role == "assistant"
    assert (answer.mlecs["answered_by"], answer.mlecs["policy"]) == ("cloud", "cloud")
    assert answer.model_extra["mlecs"]["model"] == answer.model


def test_pieces_of_a_stream_are_the_whole_answer(client: OpenAI) -> None:
    chunks = list(_ask(client, stream=True))
    whole = _ask(client)
    assert chunks[0].choices[0].delta.role == "assistant"
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == _said(whole)
    assert [chunk.choices[0].finish_reason for chunk in chunks][-1] == whole.choices[0].finish_reason
    assert chunks[-1].mlecs["answered_by"] == whole.mlecs["answered_by"]
    assert len({chunk.id for chunk in chunks}) == 1
    assert all(chunk.usage is None for chunk in chunks)


def test_usage_comes_last_in_a_stream_that_asks_for_it(client: OpenAI) -> None:
    *rest, last = list(_ask(client, stream=True, stream_options={"include_usage": True}))
    assert last.choices == []
    assert last.usage == _ask(client).usage
    assert all(chunk.usage is None for chunk in rest)


def test_the_clients_own_helper_puts_a_stream_together(client: OpenAI) -> None:
    whole = _said(_ask(client, model="cloud"))
    # It raises where an answer was cut at its length.
    with client.chat.completions.stream(model="cloud", messages=CAT, max_tokens=12, stop=whole[-2:]) as stream:
        told = "".join(event.delta for event in stream if event.type == "content.delta")
        final = stream.get_final_completion()
    assert told == _said(final) == whole[: whole.find(whole[-2:])]


def test_usage_counts_the_tokens_of_prompt_and_answer(client: OpenAI) -> None:
    usage = _ask(client, max_tokens=3).usage
    assert (usage.completion_tokens, usage.total_tokens) == (3, usage.prompt_tokens + 3)
    longer = _ask(client, [{"role": "user", "content": "the cat and the hat"}], max_tokens=3).usage
    assert longer.prompt_tokens > usage.prompt_tokens


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_an_answer_ends_at_its_limit(client: OpenAI, name: str) -> None:
    answer = client.chat.completions.create(model="cloud", messages=CAT, **{name: 2})  # type: ignore[call-overload]
    assert (answer.usage.completion_tokens, answer.choices[0].finish_reason) == (2, "length")


def test_an_answer_ends_before_its_stop_text(client: OpenAI) -> None:
    whole = _said(_ask(client, model="cloud"))
    stop = whole[3:5]
    for given in (stop, ["never said", stop]):
        answer = _ask(client, model="cloud", stop=given)
        assert _said(answer) == whole[: whole.find(stop)]
        assert answer.choices[0].finish_reason == "stop"


def test_a_seed_says_the_same_again_and_another_one_something_else(client: OpenAI) -> None:
    said = [_said(_ask(client, temperature=1.5, seed=seed, max_tokens=20)) for seed in (7, 7, 8)]
    assert said[0] == said[1] != said[2]
    assert len({_said(_ask(client, temperature=1.5, max_tokens=20)) for _ in range(4)}) > 1


@pytest.mark.parametrize("seed", [-(2**63), 2**63 - 1])
def test_seeds_reach_from_end_to_end_of_64_bits(client: OpenAI, seed: int) -> None:
    assert _said(_ask(client, temperature=1, seed=seed)) == _said(_ask(client, temperature=1, seed=seed))


def test_a_tiny_top_p_says_what_is_likeliest(client: OpenAI) -> None:
    assert _said(_ask(client, temperature=2, top_p=1e-6, seed=3)) == _said(_ask(client))


def test_what_is_sensed_is_answered_and_told(client: OpenAI) -> None:
    answer = _ask(client, [{"role": "user", "content": [SEEN]}], model="edge")
    assert (answer.mlecs["modalities"], answer.mlecs["masked"]) == (["image"], ["sound"])
    both = _ask(client, [{"role": "user", "content": [SEEN, HEARD]}], model="edge")
    assert both.mlecs["masked"] == []


def test_wishes_choose_who_answers(client: OpenAI) -> None:
    sensed = [{"role": "user", "content": [SEEN]}]
    for wish, side, name in (
        ({"policy": "cloud"}, "cloud", "cloud"),
        ({"policy": "edge", "client": 1}, "edge", "client-1"),
        ({"policy": "edge", "domain": "south"}, "edge", "client-0"),
    ):
        answer = _ask(client, sensed, extra_body={"mlecs": wish})
        assert (answer.mlecs["answered_by"], answer.mlecs["model"].partition("@")[0]) == (side, name)


def test_embeddings_are_the_same_as_base64_and_as_floats(client: OpenAI) -> None:
    texts = ["the cat", "a hand"]
    ours = client.embeddings.create(model="edge", input=texts)
    floats = client.embeddings.create(model="edge", input=texts, encoding_format="float")
    for one, other in zip(ours.data, floats.data, strict=True):
        assert one.embedding == pytest.approx(other.embedding, rel=1e-6)
    assert [row.index for row in ours.data] == [0, 1]
    assert sum(x * x for x in ours.data[0].embedding) == pytest.approx(1, abs=1e-4)
    assert ours.usage.total_tokens == ours.usage.prompt_tokens > 0
    raw = client.embeddings.create(model="edge", input="the cat", encoding_format="base64").data[0].embedding
    assert len(base64.b64decode(str(raw))) == 4 * len(ours.data[0].embedding)


def test_what_is_sensed_is_embedded_where_texts_are(client: OpenAI) -> None:
    seen: Any = [[SEEN], [SEEN, HEARD]]
    assert {len(row.embedding) for row in client.embeddings.create(model="edge", input=seen).data} == {256}


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"n": 2}, "n"),
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "tools"),
        ({"logprobs": True}, "logprobs"),
        ({"response_format": {"type": "json_object"}}, "response_format.type"),
        ({"stop": ""}, "stop"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages.0.content"),
        ({"messages": [{"role": "user", "content": [{"type": "smell"}]}]}, "messages.0.content.0"),
    ],
)
def test_what_is_not_there_is_refused_by_its_name(client: OpenAI, more: dict[str, Any], param: str) -> None:
    with pytest.raises(openai.BadRequestError) as found:
        _ask(client, **{"messages": CAT, **more})
    assert found.value.param == param
    assert param in found.value.message
    assert found.value.type == "invalid_request_error"


@pytest.mark.parametrize("stream", [True, False])
def test_a_prompt_that_is_too_long_is_refused(client: OpenAI, stream: bool) -> None:
    with pytest.raises(openai.BadRequestError, match="leaves no room in a context of 1024"):
        _ask(client, [{"role": "user", "content": "the cat " * 1000}], stream=stream)


def test_numbers_of_which_nothing_finite_comes_are_refused(client: OpenAI) -> None:
    huge: Any = [[{**SEEN, "input_values": {"values": [3e38, -3e38, 3e38, 3e38]}}]]
    with pytest.raises(openai.BadRequestError, match="nothing finite"):
        client.embeddings.create(model="edge", input=huge)


def test_an_unknown_model_is_not_found(client: OpenAI) -> None:
    for ask in (lambda: _ask(client, model="clowd"), lambda: client.models.retrieve("clowd")):
        with pytest.raises(openai.NotFoundError, match="did you mean cloud") as found:
            ask()
        assert found.value.code == "not_found"


def test_who_leaves_in_mid_stream_frees_the_place(client: OpenAI, spoken: Spoken) -> None:
    stream = _ask(client, model="cloud", max_tokens=900, stream=True)
    for _ in range(3):
        next(stream)
    assert spoken.load == 1
    stream.close()
    until = time.monotonic() + 1
    while spoken.load and time.monotonic() < until:
        time.sleep(0.01)
    assert spoken.load == 0


def test_who_leaves_before_the_whole_answer_frees_the_place_too(client: OpenAI, spoken: Spoken) -> None:
    with pytest.raises(openai.APITimeoutError):
        _ask(client.with_options(timeout=0.3), model="cloud", max_tokens=900)
    until = time.monotonic() + 1
    while spoken.load and time.monotonic() < until:
        time.sleep(0.01)
    assert spoken.load == 0


def test_many_ask_at_once_by_the_asynchronous_client(spoken: Spoken, client: OpenAI) -> None:
    async def ask() -> list[str]:
        async with AsyncOpenAI(base_url=f"{spoken.live.url}/v1", api_key="none") as other:
            asked = (other.chat.completions.create(model="cloud", messages=CAT, max_tokens=12) for _ in range(6))
            whole = [_said(one) for one in await asyncio.gather(*asked)]
            stream = await other.chat.completions.create(model="cloud", messages=CAT, max_tokens=12, stream=True)
            return [*whole, "".join([chunk.choices[0].delta.content or "" async for chunk in stream])]

    assert set(asyncio.run(ask())) == {_said(_ask(client, model="cloud"))}
