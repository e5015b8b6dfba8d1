"""Teachers: a language model with borrowed eyes, and Qwen2-VL's own classes; both learn, and are written and read."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from mlecs_ray.errors import InputError
from mlecs_ray.models.reid.course import Course, learned, restore
from mlecs_ray.models.reid.eyed import EyedLM
from mlecs_ray.models.reid.prompts import SIGHTS
from mlecs_ray.models.reid.sft import SFT, targets
from mlecs_ray.models.reid.stages import Batches
from mlecs_ray.models.reid.teacher import Tuition, embedded, prepared, teach
from mlecs_ray.models.reid.vlm import VLM
from mlecs_ray.samples import Samples
from tests.models import tiny
from tests.models.reid.tiny import write_qwen2vl

RULES = SFT(rank=2, alpha=4, dropout=0.0)
TUITION = Tuition(Course(6, 5e-3, keep_every=2), Batches(4, 2))


def seeing(maps: Tensor) -> Tensor:
    """Borrowed eyes: more channels of the same."""
    return maps.repeat(1, 14, 1, 1)[:, :1280]


@pytest.fixture(scope="module")
def qwen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_qwen2vl(tmp_path_factory.mktemp("qwen2vl"))


def eyed() -> EyedLM:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return EyedLM(tiny.slm(), seeing, RULES)


Make = Callable[[], Any]


@pytest.fixture(params=["eyed", "qwen2vl"])
def made(request: pytest.FixtureRequest, lowered: Samples, people: Samples, qwen: Path) -> tuple[Make, Samples]:
    """How a teacher is made, and people as it reads them."""

    def vlm() -> VLM:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return VLM(qwen, RULES)

    return (eyed, lowered) if request.param == "eyed" else (vlm, people)


def test_it_embeds_every_modality_into_one_space(made: tuple[Make, Samples]) -> None:
    make, seen = made
    teacher = make().eval()
    found = embedded(teacher, prepared(teacher, seen), len(seen))
    assert set(found) == {"ir", "rgb", "sketch", "text"}
    assert all(x.shape == (12, teacher.width) for x in found.values())
    # Rows that lack the modality are zeros.
    assert not found["text"][1::2].any()
    assert found["text"][::2].any(1).all()


def test_a_sighting_is_embedded_alone_as_among_others(made: tuple[Make, Samples]) -> None:
    make, seen = made
    teacher = make().eval()
    there = prepared(teacher, seen)
    with torch.no_grad():
        for modality, inputs in there.inputs.items():
            whole = teacher(there.inputs)[modality]
            one = teacher({modality: inputs[torch.tensor([2])]})[modality]
            assert torch.allclose(one[0], whole[2], atol=1e-4), modality


def test_a_long_sentence_is_read_apart_from_short_ones(lowered: Samples) -> None:
    """In the order in which they came, as each would be alone."""
    teacher = eyed().eval()
    said = ["a man in a red coat", "a dog", "somebody with a hat", "she"]
    inputs = teacher.prepared("text", said)
    assert (inputs >= 0).sum(1).tolist() == [17, 5, 17, 3]
    pictures = prepared(teacher, lowered).inputs["rgb"][:3]
    with torch.no_grad():
        found = teacher({"text": inputs, "rgb": pictures})
        alone = [teacher({"text": inputs[i : i + 1]})["text"][0] for i in range(4)]
        seen = teacher({"rgb": pictures})["rgb"]
    assert torch.allclose(found["text"], torch.stack(alone), atol=1e-4)
    assert torch.allclose(found["rgb"], seen, atol=1e-4)
    assert not torch.allclose(found["text"][0], found["text"][2], atol=1e-2)


def test_merged_adapters_answer_the_same(made: tuple[Make, Samples]) -> None:
    make, seen = made
    teacher = make()
    there = prepared(teacher, seen)
    with torch.no_grad():
        for name, p in teacher.named_parameters():
            if "lora_B" in name:
                p.normal_(std=0.1)
        teacher.eval()
        before = teacher(there.inputs)
        teacher.merge()
        after = teacher(there.inputs)
    assert all(torch.allclose(before[m], after[m], atol=1e-3) for m in before)


def test_it_learns_and_only_adapters_and_connector_do(made: tuple[Make, Samples]) -> None:
    make, seen = made
    teacher, fresh = make(), make()
    losses = teach(teacher, prepared(teacher, seen), TUITION, 3)
    assert len(losses) == 6
    assert all(loss == loss for loss in losses)
    moved, before = learned(teacher), learned(fresh)
    assert any(not torch.equal(moved[name], before[name]) for name in moved if "lora_B" in name)
    frozen = [name for name, p in teacher.named_parameters() if not p.requires_grad]
    theirs = dict(fresh.named_parameters())
    mine = dict(teacher.named_parameters())
    # Its adapters are part of the weights now.
    assert not all(torch.equal(mine[name], theirs[name]) for name in frozen)
    teacher.lm.unmerge_adapter()
    assert all(torch.allclose(mine[name], theirs[name], atol=1e-5) for name in frozen)
    assert all("lora" in name or not name.startswith("lm.") for name, p in mine.items() if p.requires_grad)


def test_what_it_learned_is_written_and_read(made: tuple[Make, Samples]) -> None:
    make, seen = made
    teacher, other = make(), make()
    there = prepared(teacher, seen)
    teach(teacher, there, TUITION, 3)
    restore(other, {name: x.clone() for name, x in learned(teacher).items()})
    other.eval().merge()
    mine, theirs = (embedded(one, there, len(seen)) for one in (teacher, other))
    assert all(torch.equal(mine[m], theirs[m]) for m in mine)


def test_its_training_is_stopped_and_goes_on_to_the_same_end(lowered: Samples, tmp_path: Path) -> None:
    whole, stopped, resumed = eyed(), eyed(), eyed()
    there = prepared(whole, lowered)
    losses = teach(whole, there, TUITION, 3)
    calls = [0]
    forward = stopped.forward

    def failing(inputs: Any) -> Any:
        calls[0] += 1
        if calls[0] == 6:
            raise KeyboardInterrupt
        return forward(inputs)

    stopped.forward = failing  # type: ignore[method-assign]  # it is to fail
    with pytest.raises(KeyboardInterrupt):
        teach(stopped, there, TUITION, 3, tmp_path)
    assert teach(resumed, there, TUITION, 3, tmp_path) == losses
    mine, theirs = learned(whole), learned(resumed)
    assert all(torch.equal(mine[name], theirs[name]) for name in mine)


def test_a_chat_says_which_modality_is_meant(qwen: Path, people: Samples) -> None:
    teacher = VLM(qwen, RULES)
    chats = {m: teacher.prepared(m, x) for m, x in people.inputs.items() if m != "text"}
    assert {m: one.texts[0].count(SIGHTS[m]) for m, one in chats.items()} == dict.fromkeys(chats, 2)
    said = teacher.prepared("text", ["a man in red"]).texts[0]
    assert "a man in red" in said
    assert said.endswith("<|im_end|>\n<|im_start|>assistant\n")


def test_a_connector_first_learns_the_words_for_what_it_sees(lowered: Samples) -> None:
    """Before the language model has run once, pictures stand nearer to what is said of the same identity."""
    teacher = eyed()
    # Words that have letters in common would all point the same way.
    texts = tuple(letter * 4 if said else "" for letter, said in zip("aabbccddeeff", lowered.texts, strict=True))
    # A random network makes nearly the same of all pictures.
    sketches = torch.randn(12, 96, 2, 2, generator=torch.Generator().manual_seed(0))
    inputs = {**lowered.inputs, "sketch": sketches}
    there = prepared(teacher, replace(lowered, texts=texts, inputs=inputs))

    def near() -> float:
        with torch.no_grad():
            said, seen = (teacher.words_of(there.inputs[m]) for m in ("text", "sketch"))
        cosines = torch.nn.functional.normalize(said, dim=1) @ torch.nn.functional.normalize(seen, dim=1).T
        return float(cosines.diagonal().mean() - cosines.mean())

    before = near()
    teach(teacher, there, Tuition(Course(0, 1.0), Batches(4, 2), words=Course(40, 1e-2)), 3)
    assert near() > before + 0.1


def test_what_it_makes_of_each_modality_is_centred_in_the_end(lowered: Samples) -> None:
    """After six steps a running mean would be half of the way."""
    teacher = eyed()
    there = prepared(teacher, lowered)
    teach(teacher, there, TUITION, 3)
    for modality, vectors in embedded(teacher, there, len(lowered)).items():
        seen = vectors[lowered.present[modality]]
        assert seen.mean(0).abs().max() < 1e-3, modality
    assert not teacher.training


def test_fewer_layers_may_be_kept() -> None:
    assert len(EyedLM(tiny.slm(), seeing, RULES, layers=2).lm.base_model.model.layers) == 2
    with pytest.raises(InputError, match=r"layers=9 must lie in 1\.\.4"):
        EyedLM(tiny.slm(), seeing, RULES, layers=9)


@pytest.mark.parametrize(
    ("pattern", "deep"),
    [("last2", [6, 7]), ("last4-even", [0, 2, 4, 5, 6, 7]), ("fourth-last", [0, 4, 7]), ("none", [])],
)
def test_attention_adapts_everywhere_and_the_mlp_where_the_pattern_says(pattern: str, deep: list[int]) -> None:
    names = targets(tiny.slm(layers=8).model.base_model, pattern)
    assert sum(name.endswith("q_proj") for name in names) == 8
    assert sorted(int(name.split(".")[1]) for name in names if name.endswith("up_proj")) == deep


def test_a_vision_tower_does_not_adapt(qwen: Path) -> None:
    from transformers import AutoModelForImageTextToText

    names = targets(AutoModelForImageTextToText.from_pretrained(qwen).model, "last2")
    assert not [name for name in names if "visual" in name]
    assert len([name for name in names if name.endswith("v_proj")]) == 3


def test_adapters_begin_as_nothing(lowered: Samples) -> None:
    """Before a step the model answers as it does without them."""
    teacher = eyed().eval()
    there = prepared(teacher, lowered)
    with torch.no_grad():
        mine = teacher(there.inputs)
        teacher.lm.disable_adapter_layers()
        plain = teacher(there.inputs)
    assert all(torch.allclose(mine[m], plain[m], atol=1e-4) for m in mine)


@pytest.mark.parametrize("wrong", [{"rank": 0}, {"alpha": 0}, {"dropout": 1.0}, {"mlp": "all"}])
def test_adapters_that_adapt_nothing_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=next(iter(wrong))):
        SFT(**wrong)


def test_a_folder_of_something_else_is_no_teacher(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="must be the folder of a vision-language model"):
        VLM(tmp_path, RULES)
    with pytest.raises(InputError, match="must be the folder of a vision-language model"):
        VLM(tiny.folder(tmp_path / "words alone"), RULES)


def test_a_model_of_other_names_is_refused() -> None:
    with pytest.raises(InputError, match="has no layers"):
        targets(torch.nn.Linear(2, 2), "last2")
