"""What is asked over HTTP goes the way that evaluation went."""

import asyncio
from collections.abc import Iterator

import pytest
import torch

from mlecs_ray.errors import InputError
from mlecs_ray.models.targets import _found
from mlecs_ray.run.bundle import adopt
from mlecs_ray.run.local import run_locally
from mlecs_ray.samples import Samples
from mlecs_ray.scenario.deal import deal
from mlecs_ray.serving.engine import TransformersEngine
from mlecs_ray.serving.host import Ask, Host, Resident
from mlecs_ray.serving.turns import Turn
from tests.serving import spoken
from tests.small import small_scenario


@pytest.fixture(scope="module")
def version() -> str:
    run = spoken.run()
    return adopt(run / "artifact", run / "store").version


@pytest.fixture
def host() -> Iterator[Host]:
    made = Host(spoken.run() / "store", lambda lm: TransformersEngine(lm, rows=4, queue=64))
    yield made
    made.close()


def _row(samples: Samples, i: int) -> Samples:
    """One row as a request brings it: what is absent is left out."""
    one = samples.take([i])
    return one.only([m for m in one.modalities if bool(one.present[m])])


async def _said(host: Host, resident: Resident, ask: Ask) -> str:
    return "".join([piece.text async for piece in host.stream(resident, ask)])


@pytest.mark.parametrize("name", ["cloud", "client-0", "client-1"])
def test_served_answers_are_those_of_evaluation_whichever_modalities_are_there(
    host: Host, version: str, name: str
) -> None:
    resident = host.load(f"{name}@{version}")
    test = deal(resident.bundle.scenario)[0].test
    expected = resident.bundle.predictor(resident.card)(test)

    async def all_at_once() -> list[str]:
        rows = (_row(test, i) for i in range(len(test)))
        return await asyncio.gather(*(_said(host, resident, Ask(row)) for row in rows))

    assert asyncio.run(all_at_once()) == expected


def test_words_beside_what_is_sensed_take_the_place_of_the_instruction(host: Host, version: str) -> None:
    resident = host.load(f"cloud@{version}")
    row = _row(deal(resident.bundle.scenario)[0].test, 0)
    own = resident.captioner
    assert own is not None
    same = host.prompt(resident, Ask(row, (Turn("system", "Be brief."), Turn("user", f" {own.instruction} "))))
    assert torch.equal(same.embeds, host.prompt(resident, Ask(row)).embeds)
    other = host.prompt(resident, Ask(row, (Turn("user", "the hat and the cat"),)))
    assert other.embeds.shape != same.embeds.shape


def test_words_alone_are_answered_without_soft_tokens(host: Host, version: str) -> None:
    resident = host.load(f"cloud@{version}")
    prompt = host.prompt(resident, Ask(turns=(Turn("user", "the"),)))
    assert len(prompt.embeds) == len(host.backbone(resident).tokenizer("the\n")["input_ids"])
    with pytest.raises(InputError, match="neither words nor anything sensed"):
        host.prompt(resident, Ask())


def test_a_model_that_senses_nothing_of_a_request_says_so(host: Host, version: str) -> None:
    resident = host.load(f"client-0@{version}")
    with pytest.raises(InputError, match="there is nothing to answer from"):
        host.prompt(resident, Ask(Samples({"smell": torch.ones(1, 2)})))


def test_what_is_sensed_and_what_is_said_are_vectors_of_one_space(host: Host, version: str) -> None:
    resident = host.load(f"cloud@{version}")
    seen = host.embed(resident, _row(deal(resident.bundle.scenario)[0].test, 0))
    said = host.embed_text(resident, ["the cat", "a hand"])
    assert seen.shape == (256,)
    assert said.shape == (2, 256)
    assert torch.allclose(torch.cat([seen[None], said]).norm(dim=1), torch.ones(3))


def test_models_have_parameters_of_their_own_on_one_backbone(host: Host, version: str) -> None:
    first, again = host.load(f"client-0@{version}"), host.load(f"client-0@{version}")
    assert first.params is not again.params
    assert host.backbone(first) is host.backbone(again)


def test_an_id_without_a_version_is_refused(host: Host) -> None:
    with pytest.raises(InputError, match="must be NAME@VERSION"):
        host.load("cloud")


def test_a_classifier_tells_the_class_of_evaluation_and_its_probabilities(tmp_path_factory) -> None:
    run = tmp_path_factory.mktemp("digits")
    run_locally(small_scenario(), run)
    host = Host(run / "store")
    resident = host.load(f"model@{adopt(run / 'artifact', run / 'store').version}")
    test = deal(resident.bundle.scenario)[0].test
    expected = resident.bundle.predictor(resident.card)(test)
    for i in range(20):
        verdict = host.classify(resident, test.take([i]))
        assert verdict.label == str(expected[i])
        assert sum(verdict.probabilities.values()) == pytest.approx(1)
        assert max(verdict.probabilities, key=verdict.probabilities.__getitem__) == verdict.label
    with pytest.raises(InputError, match="is a classifier and has no words"):
        host.prompt(resident, Ask(test.take([0])))


def test_a_prompt_without_room_is_refused_before_anything_is_computed_of_it(version: str) -> None:
    short = Host(spoken.run() / "store", context=8)
    resident = short.load(f"cloud@{version}")
    row = _row(deal(resident.bundle.scenario)[0].test, 0)
    turns = (Turn("user", "the cat and the hat and the hand"),)
    for ask in (Ask(turns=turns), Ask(row, turns)):
        with pytest.raises(InputError, match="leaves no room in a context of 8"):
            short.prompt(resident, ask)


def test_what_nothing_finite_comes_of_is_refused(host: Host, version: str) -> None:
    resident = host.load(f"cloud@{version}")
    huge = Samples({"image": torch.tensor([[3e38, -3e38, 3e38, 3e38]])})
    for ask in (lambda: host.embed(resident, huge), lambda: host.prompt(resident, Ask(huge))):
        with pytest.raises(InputError, match="nothing finite"):
            ask()


def test_a_long_text_is_not_remembered(host: Host, version: str) -> None:
    resident = host.load(f"cloud@{version}")
    before = _found.cache_info().currsize
    host.embed_text(resident, ["the cat " * 500])
    assert _found.cache_info().currsize == before


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
@pytest.mark.parametrize("name", ["cloud", "client-0"])
def test_a_gpu_says_what_the_cpu_says(host: Host, version: str, name: str) -> None:
    there = Host(host.store, host.make_engine, device="cuda")
    try:
        here, resident = host.load(f"{name}@{version}"), there.load(f"{name}@{version}")
        assert resident.device == "cuda:0"
        test = deal(resident.bundle.scenario)[0].test
        rows = [_row(test, i) for i in range(len(test))]

        async def all_at_once() -> list[str]:
            return await asyncio.gather(*(_said(there, resident, Ask(row)) for row in rows))

        assert asyncio.run(all_at_once()) == here.predictor(test)
        torch.testing.assert_close(there.embed(resident, rows[0]).cpu(), host.embed(here, rows[0]))
        told = Ask(turns=(Turn("user", "the"),), max_tokens=8, temperature=1.0, seed=3)
        assert asyncio.run(_said(there, resident, told)) == asyncio.run(_said(host, here, told))
    finally:
        there.close()
