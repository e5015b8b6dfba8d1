"""What the cloud has before the first camera is switched on, and that it is made once."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from mlecs_ray.errors import InputError
from mlecs_ray.methods.reid.cloud import Cloud
from mlecs_ray.models.reid.asked import LETTERS
from mlecs_ray.models.reid.distillation import Distillation
from mlecs_ray.models.reid.stages import Lesson, Sightings
from mlecs_ray.models.reid.student import Student
from mlecs_ray.models.reid.teacher import embedded, prepared
from mlecs_ray.samples import Samples
from mlecs_ray.tree import Tree, tree_digest
from tests.methods.reid.conftest import schooling
from tests.models.reid.conftest import WIDTH


def kinds(cache: Path) -> list[str]:
    """What was derived, by the first words of its name."""
    return sorted({path.name.rpartition("-")[0] for path in (cache / "derived").iterdir() if path.name[0] != "."})


def test_a_teacher_learns_once_and_what_it_makes_of_people_is_kept(cloud: Cloud, own_cache: Path) -> None:
    known = cloud.known
    assert {m: tuple(x.shape) for m, x in known.items()} == dict.fromkeys(("ir", "rgb", "sketch", "text"), (12, WIDTH))
    assert kinds(own_cache) == ["reid-features", "reid-student", "reid-teacher"]
    again = replace(cloud, teaching=replace(cloud.teaching, make=_failing))
    assert all(torch.equal(again.known[m], known[m]) for m in known)


def _failing(_eye: object) -> None:
    raise AssertionError("it was made already")


def test_what_it_knows_stands_in_the_order_of_the_students_sightings(cloud: Cloud) -> None:
    for modality, vectors in cloud.matched.items():
        rows = torch.from_numpy(cloud.sightings.rows[modality])
        assert torch.equal(vectors, cloud.known[modality][rows])
        assert vectors.any(1).all()


def test_a_student_is_schooled_once(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    pupil = cloud.pupil()
    monkeypatch.setattr(Lesson, "learn", _failing)
    assert tree_digest(replace(cloud).pupil()) == tree_digest(pupil)


def test_other_rules_are_another_student_of_the_same_first_stage(cloud: Cloud, own_cache: Path) -> None:
    pupil = cloud.pupil()
    other = replace(cloud, schooling=replace(cloud.schooling, rules=Distillation(cm=1, pcm=0, fr=0)))
    assert tree_digest(other.pupil()) != tree_digest(pupil)
    students = [path for path in (own_cache / "derived").iterdir() if path.name.startswith("reid-student-")]
    # The eye, the first stage, and two second ones.
    assert len(students) == 4


def test_without_a_second_stage_there_is_no_teacher(student: Student, cloud: Cloud, own_cache: Path) -> None:
    replace(cloud, schooling=schooling(student, taught=0)).pupil()
    assert kinds(own_cache) == ["reid-student"]


def test_another_seed_is_another_cloud(cloud: Cloud) -> None:
    assert tree_digest(cloud.pupil()) != tree_digest(replace(cloud, seed=4).pupil())


def test_a_stage_that_is_stopped_goes_on_to_the_same_student(
    cloud: Cloud, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped at the ninth of the second stage's twelve steps: what was written after eight is gone on from."""
    from mlecs_ray.models.reid import course

    long = replace(cloud.schooling.taught, steps=12, keep_every=4)
    cloud = replace(cloud, schooling=replace(cloud.schooling, taught=long))
    usual, calls = Lesson._loss, [0]

    def stopping(self: Lesson, *given: object) -> torch.Tensor:
        calls[0] += self.teacher is not None
        if calls[0] == 9:
            raise KeyboardInterrupt
        return usual(self, *given)  # type: ignore[arg-type]  # handed on

    with monkeypatch.context() as patch:
        patch.setattr(Lesson, "_loss", stopping)
        with pytest.raises(KeyboardInterrupt):
            cloud.pupil()
    left = [path for path in (own_cache / "derived").iterdir() if path.name.endswith(".course")]
    assert [(path / course._FILE).exists() for path in left] == [True]
    resumed = tree_digest(cloud.pupil())
    assert not left[0].exists()
    monkeypatch.setenv("MLECS_CACHE", str(own_cache.parent / "another"))
    assert tree_digest(replace(cloud).pupil()) == resumed


def test_the_basis_is_of_all_that_the_teacher_makes(cloud: Cloud) -> None:
    directions = cloud.basis()
    assert directions.shape == (WIDTH, 4)
    every = torch.cat(list(cloud.matched.values()))
    right = torch.linalg.svd(every, full_matrices=False)[2][:4].T
    assert torch.allclose((directions.T @ right).abs(), torch.eye(4), atol=1e-3)


def test_a_cloud_with_one_identity_is_refused(cloud: Cloud, lowered: Samples) -> None:
    with pytest.raises(InputError, match=r"data\.public_share leaves the cloud 1 identities"):
        replace(cloud, public=lowered.take([0, 1]))


def test_prepared_people_are_counted(lowered: Samples) -> None:
    assert Sightings({}, {"rgb": lowered.labels.numpy()}, {}).identities == 9  # type: ignore[union-attr]  # they have some


def test_what_the_teacher_reads_and_costs_stands_beside_it(cloud: Cloud) -> None:
    facts = cloud.teacher_facts
    assert facts["forms"] == {"ir": [96, 2, 2], "rgb": [96, 2, 2], "sketch": [96, 2, 2], "text": [LETTERS]}
    assert facts["flops"].keys() == facts["forms"].keys()
    assert min(facts["flops"].values()) > 0
    # Its eyes look first.
    assert facts["flops"]["rgb"] > facts["flops"]["text"]


def test_a_teacher_is_made_again_of_what_it_has_learned(cloud: Cloud) -> None:
    there = cloud.seen()
    tree = cloud.taught_tree()
    assert tree.keys() == {"eye", "learned"}
    again = cloud.teaching.raised(tree)
    mine, theirs = (embedded(one, prepared(one, there), len(there)) for one in (again, cloud.teacher()))
    assert all(torch.equal(mine[m], theirs[m]) for m in mine)


def test_what_nobody_has_shown_the_teacher_is_not_counted(cloud: Cloud, lowered: Samples) -> None:
    """As of a camera that draws no sketches."""
    present = {**lowered.present, "sketch": torch.zeros(12, dtype=torch.bool)}
    without = replace(lowered, present=present)
    facts = replace(cloud, public=without, seen=lambda: without).teacher_facts
    assert facts["flops"].keys() == {"ir", "rgb", "text"}


def test_a_teacher_has_taught_when_it_is_there(cloud: Cloud) -> None:
    assert not cloud.has_taught
    assert cloud.known
    assert cloud.has_taught


def test_a_student_may_begin_with_fitted_heads(cloud: Cloud) -> None:
    """Without a step after it, it already points more as the teacher does."""
    short = replace(cloud.schooling.taught, steps=1, lr=1e-9)
    plain, begun = (
        replace(cloud, schooling=replace(cloud.schooling, taught=short, ridge=ridge)).pupil() for ridge in (None, 1e-3)
    )
    student, seen = cloud.schooling.student, cloud.sightings

    def near(tree: Tree) -> float:
        mine = student.embed(tree, "rgb", seen.inputs["rgb"])
        return float(torch.nn.functional.cosine_similarity(mine, cloud.matched["rgb"]).mean())

    assert near(begun) > near(plain) + 0.1


def test_teacher_and_student_may_look_through_the_same_eyes(cloud: Cloud, own_cache: Path) -> None:
    shared = replace(cloud, teaching=replace(cloud.teaching, eye_course=None))
    eye = shared.taught_tree()["eye"]
    assert tree_digest({"eye": eye}) == tree_digest({"eye": shared._alone()["eye"]})
    assert kinds(own_cache) == ["reid-student", "reid-teacher"]
    assert len(list((own_cache / "derived").glob("reid-student-*"))) == 1
    # A student that learned otherwise lends other eyes, to another teacher.
    schooling = replace(shared.schooling, alone=replace(shared.schooling.alone, steps=6))
    assert replace(shared, schooling=schooling).teacher_folder != shared.teacher_folder
    # Eyes of its own have nothing to do with the student's course.
    assert replace(cloud, schooling=schooling).teacher_folder == cloud.teacher_folder
