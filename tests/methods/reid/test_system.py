"""Cameras learn, the cloud teaches again, and neither pictures nor teacher travel."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch

from mlecs_ray.errors import InputError
from mlecs_ray.method import Arrival, Client, Job, cloud_trains, collaborates
from mlecs_ray.methods.local import LocalTraining
from mlecs_ray.methods.optimizers import AdamW
from mlecs_ray.methods.reid.cloud import Cloud
from mlecs_ray.methods.reid.options import MLLMEmbedReID
from mlecs_ray.methods.reid.schooled import Schooled
from mlecs_ray.methods.reid.system import Cameras
from mlecs_ray.models.reid.student import Student
from mlecs_ray.models.reid.task import ReIDTask
from mlecs_ray.samples import Samples
from mlecs_ray.sim.population import cloud_client
from mlecs_ray.tree import Tree, leaves, tree_add, tree_bytes, tree_digest
from tests.methods.reid.conftest import schooling
from tests.models.tiny import client

EVERY = ("ir", "rgb", "sketch", "text")
LOCAL = LocalTraining(AdamW(1e-3), batch=6, epochs=2)


@pytest.fixture
def cameras(student: Student, cloud: Cloud) -> Cameras:
    return Cameras(Schooled(ReIDTask(student, EVERY), cloud), LOCAL, MLLMEmbedReID(again=2))


def job(cameras: Cameras, state: Tree, who: Client) -> Job:
    return Job(who, 0, 11, cameras.assign(state, who))


def paths(tree: Tree) -> set[str]:
    return {path for path, _ in leaves(tree)}


def test_a_camera_is_sent_what_it_runs_and_the_teachers_directions(cameras: Cameras) -> None:
    state = cameras.init(0)
    sent = cameras.assign(state, client("rgb", "ir"))
    assert set(sent) == {"student", "basis"}
    assert set(sent["student"]["heads"]) == {"rgb", "ir"}
    assert "words" not in sent["student"]
    assert sent["basis"]["directions"].shape == (24, 4)
    # The directions weigh next to nothing beside the student.
    assert tree_bytes(sent["basis"]) < 0.01 * tree_bytes(sent["student"])


def test_what_comes_back_is_what_was_announced(cameras: Cameras, lowered: Samples) -> None:
    for who, data in ((client("rgb"), lowered.only(["rgb"])), (cloud_client(EVERY, 12), lowered)):
        state = cameras.init(0)
        asked = job(cameras, state, who)
        work, update = cameras.work(who, asked.tree), cameras.train(asked, data, {})
        assert paths(work.upload) == paths(update.tree)
        assert tree_bytes(work.upload) == tree_bytes(update.tree)
        assert work.flops > 0
        assert work.memory_bytes > 0


def test_training_is_the_same_each_time_and_leaves_what_was_sent(cameras: Cameras, lowered: Samples) -> None:
    asked = job(cameras, cameras.init(0), client(*EVERY))
    before = tree_digest(asked.tree)
    one, again = (cameras.train(asked, lowered, {}) for _ in range(2))
    assert tree_digest(one.tree) == tree_digest(again.tree)
    assert tree_digest(asked.tree) == before


def moved(cameras: Cameras, state: Tree, data: Samples) -> float:
    update = cameras.train(job(cameras, state, client(*EVERY)), data, {})
    after = tree_add(state["student"], update.tree["student"])
    task = cameras.task.task
    seen = [task.embedded(params, data)["rgb"].features for params in (state["student"], after)]
    directions = state["basis"]["directions"]
    return float(1 - torch.nn.functional.cosine_similarity(*(one @ directions for one in seen)).mean())


def test_an_anchor_holds_what_the_cloud_taught(cameras: Cameras, lowered: Samples) -> None:
    state = cameras.init(0)
    tight = replace(cameras, options=MLLMEmbedReID(anchor=1000.0))
    loose = replace(cameras, options=MLLMEmbedReID(anchor=0.0))
    assert moved(tight, state, lowered) < moved(loose, state, lowered)


def test_without_an_anchor_no_directions_travel(cameras: Cameras) -> None:
    loose = replace(cameras, options=MLLMEmbedReID(anchor=0.0))
    assert set(loose.assign(loose.init(0), client("rgb"))) == {"student"}
    assert loose.work(client("rgb"), {"student": {}}).flops < cameras.work(client("rgb"), {"student": {}}).flops


def arrivals(*updates: tuple[Client, Tree, float]) -> Sequence[Arrival]:
    from mlecs_ray.method import Update

    return [Arrival(who, Update(tree, weight), 0) for who, tree, weight in updates]


def test_a_merge_is_the_mean_over_those_who_have_the_part(cameras: Cameras) -> None:
    state = cameras.init(0)
    head = state["student"]["heads"]["rgb"]["bias"]
    ones, threes = torch.ones_like(head), 3 * torch.ones_like(head)
    merged = cameras.merge(
        state,
        arrivals(
            (client("rgb"), {"student": {"heads": {"rgb": {"bias": ones}}}}, 1.0),
            (client("rgb"), {"student": {"heads": {"rgb": {"bias": threes}}}}, 3.0),
            (client("text"), {"student": {"heads": {"text": {"bias": ones}}}}, 5.0),
        ),
    )
    assert torch.allclose(merged["student"]["heads"]["rgb"]["bias"], head + 2.5)
    assert torch.allclose(merged["student"]["heads"]["text"]["bias"], state["student"]["heads"]["text"]["bias"] + 1)
    assert torch.equal(merged["student"]["heads"]["ir"]["bias"], state["student"]["heads"]["ir"]["bias"])
    assert torch.equal(merged["basis"]["directions"], state["basis"]["directions"])


def test_the_cloud_teaches_again_from_where_the_cameras_have_come(cameras: Cameras, lowered: Samples) -> None:
    state = cameras.init(0)
    who = cloud_client(EVERY, 12)
    update = cameras.train(job(cameras, state, who), lowered, {})
    assert cloud_trains(cameras)
    assert not collaborates(cameras)
    merged = cameras.merge(state, arrivals((who, update.tree, update.weight)))
    expected = tree_add(state["student"], update.tree["student"])
    assert all(torch.allclose(leaf, dict(leaves(expected))[path]) for path, leaf in leaves(merged["student"]))
    assert not cloud_trains(replace(cameras, options=MLLMEmbedReID(again=0)))


def test_costs_are_told_without_a_teacher(cameras: Cameras, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Cloud, "pupil", None)
    shapes = cameras.outline()
    assert paths(shapes) == {*paths({"student": cameras.task.task.init(0)}), "basis/directions"}


def test_the_predictor_answers_with_the_students_vectors(cameras: Cameras, lowered: Samples) -> None:
    state = cameras.init(0)
    answers = cameras.predictor(cameras.shown(state, client("rgb")), {}, client("rgb"))(lowered.only(["rgb"]))
    assert [set(one) for one in answers] == [{"rgb"}] * 12


def test_to_teach_again_needs_a_teacher(student: Student, cloud: Cloud) -> None:
    untaught = Schooled(ReIDTask(student, EVERY), replace(cloud, schooling=schooling(student, taught=0)))
    with pytest.raises(InputError, match=r"again=20 needs a teacher, but reid\.student\.taught_steps=0"):
        Cameras(untaught, LOCAL, MLLMEmbedReID())


@pytest.mark.parametrize("wrong", [{"anchor": -1.0}, {"again": -1}, {"again_lr": 0.0}])
def test_options_that_mean_nothing_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(InputError, match=next(iter(wrong))):
        MLLMEmbedReID(**wrong)  # type: ignore[arg-type]  # whole numbers are among them
