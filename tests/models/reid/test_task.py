"""Finding people as a federated task."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from mlecs_ray.errors import InputError
from mlecs_ray.method import Job
from mlecs_ray.methods.local import LocalTraining, fit
from mlecs_ray.methods.optimizers import AdamW
from mlecs_ray.models.reid.losses import SCALE, matching, triplet, whole
from mlecs_ray.models.reid.student import Student
from mlecs_ray.models.reid.task import ReIDTask
from mlecs_ray.samples import Samples
from tests.models.tiny import client

EVERY = ("ir", "rgb", "sketch", "text")


@pytest.fixture
def task(student: Student) -> ReIDTask:
    return ReIDTask(student, EVERY)


def test_the_loss_is_triplet_and_every_pair_of_modalities(task: ReIDTask, lowered: Samples) -> None:
    params = task.init(0)
    seen = task.embedded(params, lowered)
    every = whole(seen)
    by_hand = triplet(every.features, every.labels) + matching(seen, SCALE, "sum")
    assert task.told(params, lowered, seen).item() == pytest.approx(by_hand.item())


def test_a_camera_of_one_modality_sees_its_pictures_twice(task: ReIDTask, lowered: Samples) -> None:
    """Each identity once, so that only another look at the same picture can be found again."""
    rgb = lowered.only(["rgb"]).take([0, 2, 4])
    params = task.part(task.init(0), client("rgb"))
    torch.manual_seed(0)
    assert task.loss(params, rgb, client("rgb")).item() > 0


def test_who_has_sentences_alone_has_nothing_to_find(task: ReIDTask, lowered: Samples) -> None:
    words = lowered.only(["text"])
    params = task.part(task.init(0), client("text"))
    assert task.loss(params, words, client("text")).item() == 0
    nothing = words.take([1, 3])
    assert task.loss(params, nothing, client("text")).item() == 0


def test_it_is_learned_in_the_clients_own_loop(task: ReIDTask, lowered: Samples) -> None:
    local = LocalTraining(AdamW(3e-3), batch=12, epochs=6)
    job = Job(client(*EVERY), 0, 4, task.init(0))
    first, last = fit(task, replace(local, epochs=1), job, lowered), fit(task, local, job, lowered)
    assert last.loss < first.loss


def test_answers_are_vectors_by_modality_of_what_a_sample_has(task: ReIDTask, lowered: Samples) -> None:
    answers = task.predictor(task.init(0), client(*EVERY))(lowered)
    assert [sorted(one) for one in answers[:2]] == [["ir", "rgb", "sketch", "text"], ["rgb"]]
    assert np.linalg.norm(answers[0]["text"]) == pytest.approx(1, abs=1e-5)
    through = task.predictor(task.part(task.init(0), client("ir")), client("ir"))(lowered.only(["ir"]))
    assert [sorted(one) for one in through[:2]] == [["ir"], []]


def test_what_it_costs_grows_with_modalities_and_not_with_the_batch(task: ReIDTask) -> None:
    two, three = task.cost(client("rgb", "ir"), 8), task.cost(client("rgb", "ir", "text"), 8)
    assert 0 < two.flops_per_sample < three.flops_per_sample
    assert two.memory_bytes < three.memory_bytes
    assert task.cost(client("rgb", "ir"), 16).flops_per_sample == pytest.approx(two.flops_per_sample, rel=0.01)
    # Alone it sees every picture twice.
    assert task.cost(client("rgb"), 8).flops_per_sample > two.flops_per_sample / 2


def test_a_client_that_sees_nobody_is_refused(task: ReIDTask) -> None:
    with pytest.raises(InputError, match=r"client 7 has .*'smell'.* none of"):
        task.part(task.init(0), client("smell"))


def test_samples_without_identities_are_refused(task: ReIDTask, lowered: Samples) -> None:
    with pytest.raises(InputError, match="without identities"):
        task.loss(task.init(0), replace(lowered, labels=None), client(*EVERY))
