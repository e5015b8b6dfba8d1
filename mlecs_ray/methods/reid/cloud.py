"""What the cloud has before the first camera is switched on: a teacher, what it makes of everybody, and a student.

arXiv 2602.12936. All of it is kept in the cache by what it depends on; a training that is stopped goes on where it was.
"""

import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mlecs_ray import cache
from mlecs_ray.errors import InputError
from mlecs_ray.methods.pretrained import digest, remembered
from mlecs_ray.models.flops import count_forward
from mlecs_ray.models.reid.asked import forms_of
from mlecs_ray.models.reid.course import Course, learned, restore
from mlecs_ray.models.reid.distillation import Distillation, basis
from mlecs_ray.models.reid.heads import fitted
from mlecs_ray.models.reid.kinds import TEXT
from mlecs_ray.models.reid.stages import Batches, Identity, Lesson, Sightings, sightings
from mlecs_ray.models.reid.student import Student
from mlecs_ray.models.reid.teacher import Tuition, embedded, prepared, teach
from mlecs_ray.samples import Samples
from mlecs_ray.seeds import derive
from mlecs_ray.tree import Tree
from mlecs_ray.wire import load_tree, save_tree

_TEACHER, _STUDENT, _LOSSES = "teacher.safetensors", "student.safetensors", "losses.json"
_FACTS = "facts.json"
_NAME = "reid-teacher"
_EDITION = 1
"""Changed whenever the trainings are."""
_TEACHERS = 2
"""Changed whenever the teacher's alone is."""


Eye = Callable[[Tensor], Tensor]
"""Maps (n, 96, h, w) of a frozen part to the last ones, (n, 1280, h, w)."""


@dataclass(frozen=True, eq=False)
class Teaching:
    """The teacher: how it is made and how it learns."""

    make: Callable[[Eye | None], Any]
    """A fresh ``Embedder`` that is a module, with these eyes if it has none of its own."""
    recipe: Mapping[str, Any]
    """What ``make`` depends on, as JSON values."""
    tuition: Tuition
    eye: Student | None = None
    """A dual encoder of whose pictures' part it borrows; None: it has eyes of its own."""
    eye_course: Course | None = Course(0, 1.0)  # noqa: RUF009  # a frozen value
    """How that learns first, alone; None: it is the student, and learns as that does."""

    def fresh(self, tree: Tree) -> Any:
        """A teacher with the ``eye`` of what ``Cloud.taught_tree`` gave, which has learned nothing else."""
        eye = self.eye
        return self.make(None if eye is None else partial(_looked, eye, tree))

    def raised(self, tree: Tree) -> Any:
        """The teacher as it answers, of what ``Cloud.taught_tree`` gave. Raises InputError where that is another's."""
        made = self.fresh(tree)
        restore(made, dict(tree["learned"]))
        made.eval().merge()
        return made


def _looked(eye: Student, tree: Tree, maps: Tensor) -> Tensor:
    return eye.looked({"eye": tree["eye"]}, maps)


@dataclass(frozen=True, eq=False)
class Schooling:
    """The student: alone, then taught."""

    student: Student
    alone: Course
    taught: Course
    batches: Batches
    identity: Identity
    rules: Distillation
    ridge: float | None = None
    """The second stage begins with heads ``fitted`` with this; None: with those of the first."""


@dataclass(frozen=True, eq=False)
class Cloud:
    """Final. ``public`` are the cloud's samples as the student reads them, ``seen`` the same as the teacher does."""

    public: Samples
    seen: Callable[[], Samples]
    teaching: Teaching
    schooling: Schooling
    seed: int

    def __post_init__(self) -> None:
        there = len(set(self.public.labels.tolist())) if self.public.labels is not None else 0
        if there < 2:
            raise InputError(
                f"data.public_share leaves the cloud {there} identities; it takes 2 or more to learn to tell people "
                "apart"
            )

    @cached_property
    def _data(self) -> str:
        return digest(self.public)

    def _recipe(self, **more: Any) -> dict[str, Any]:
        return {"data": self._data, "seed": self.seed, "torch": torch.__version__, "edition": _EDITION, **more}

    def _taught(self) -> dict[str, Any]:
        teaching = self.teaching
        eye = [repr(teaching.eye), repr(teaching.eye_course), repr(self.schooling.batches)] if teaching.eye else []
        if teaching.eye and teaching.eye_course is None:
            eye += [repr(self.schooling.alone), repr(self.schooling.identity)]
        return self._recipe(teacher=dict(teaching.recipe), tuition=repr(teaching.tuition), eye=eye, teachers=_TEACHERS)

    @property
    def teacher_folder(self) -> Path:
        """Where the teacher's adapters and their losses are, trained on the first call."""
        return cache.build_once(cache.derived(_NAME, self._taught()), self._teach)

    def _teach(self, folder: Path) -> None:
        teacher, there = self.teaching.fresh(self._eye()), self.seen()
        with _kept(folder) as course:
            losses = teach(
                teacher, prepared(teacher, there), self.teaching.tuition, derive(self.seed, "teacher"), course
            )
            facts = {"forms": forms_of(there, self.teaching.eye), "flops": _flops(teacher, there, self.teaching.eye)}
        _write(folder, losses)
        save_tree(learned(teacher), folder / _TEACHER)
        (folder / _FACTS).write_text(json.dumps(facts))

    def _eye(self) -> Tree:
        """``eye``, as it has learned to see, where the teacher borrows one; else nothing."""
        student, course = self.teaching.eye, self.teaching.eye_course
        if student is None:
            return {}
        if course is None:
            return {"eye": self._alone()["eye"]}
        lesson = Lesson(student, sightings(self.seen()), course, self.schooling.batches)
        return {"eye": self._stage("eye", lesson, lambda: student.init(derive(self.seed, "eye")))["eye"]}

    @property
    def teacher_facts(self) -> Mapping[str, Any]:
        """By modality, the ``forms`` of what the teacher reads, and the ``flops`` that an answer takes; and ``model``,
        which one it is."""
        found: dict[str, Any] = json.loads((self.teacher_folder / _FACTS).read_text())
        return {**found, "model": self.teaching.recipe["model"]}

    @property
    def has_taught(self) -> bool:
        """Whether the teacher is there, and need not learn first."""
        return cache.derived(_NAME, self._taught()).is_dir()

    def taught_tree(self) -> Tree:
        """All that the teacher has ``learned``, and the ``eye`` that it borrows: what ``Teaching.raised`` takes."""
        return {**self._eye(), "learned": load_tree(self.teacher_folder / _TEACHER)}

    def teacher(self) -> Any:
        """It, trained."""
        return self.teaching.raised(self.taught_tree())

    def features(self, samples: Callable[[], Samples], key: str) -> dict[str, Tensor]:
        """What the teacher makes of samples as it reads them: by modality (n, d), zeros where a sample lacks it.
        ``key`` tells these samples from others."""

        def made() -> Tree:
            teacher, there = self.teacher(), samples()
            return embedded(teacher, prepared(teacher, there), len(there))

        return dict(remembered("reid-features", {**self._taught(), "of": key}, made))

    @cached_property
    def known(self) -> dict[str, Tensor]:
        """``features`` of the public samples."""
        return self.features(self.seen, "public")

    @cached_property
    def sightings(self) -> Sightings:
        """The public samples, as the student reads them."""
        return sightings(self.public)

    @property
    def matched(self) -> dict[str, Tensor]:
        """``known`` in the order of ``sightings``."""
        return {m: self.known[m][torch.from_numpy(rows)] for m, rows in self.sightings.rows.items()}

    def basis(self) -> Tensor:
        """(d, k): the principal directions of all that the teacher makes of the public samples."""
        rules = self.schooling.rules
        return basis(torch.cat(list(self.matched.values())), rules.components, rules.energy)

    def pupil(self) -> Tree:
        """The student after both stages."""
        tree = self._alone()
        if not self.schooling.taught.steps:
            return tree
        told, ridge = self.lesson(self.schooling.taught, taught=True), self.schooling.ridge
        before = {"alone": repr(self.schooling.alone), "rules": repr(told.rules), "ridge": ridge}

        def begin() -> Tree:
            assert told.teacher is not None
            return tree if ridge is None else fitted(told.student, tree, told.seen, told.teacher, ridge)

        return self._stage("taught", told, begin, **self._taught(), **before)

    def _alone(self) -> Tree:
        """The student after its first stage."""
        lesson = self.lesson(self.schooling.alone)
        return self._stage("alone", lesson, lambda: lesson.student.init(derive(self.seed, "student")))

    def lesson(self, course: Course, taught: bool = False) -> Lesson:
        """What the student learns from in the cloud."""
        schooling = self.schooling
        lesson = Lesson(schooling.student, self.sightings, course, schooling.batches, schooling.identity)
        return lesson.with_teacher(self.matched, schooling.rules) if taught else lesson

    def _stage(self, name: str, lesson: Lesson, begin: Callable[[], Tree], **more: Any) -> Tree:
        """A stage's result; ``more``: what it depends on beside its lesson."""
        if not lesson.course.steps:
            return begin()
        told = [repr(one) for one in (lesson.student, lesson.course, lesson.batches, lesson.identity)]

        def build(folder: Path) -> None:
            with _kept(folder) as course:
                tree, losses = lesson.learn(begin(), derive(self.seed, name), course)
            _write(folder, losses)
            save_tree(tree, folder / _STUDENT)

        recipe = {**more, **self._recipe(stage=name, lesson=told)}
        return load_tree(cache.build_once(cache.derived("reid-student", recipe), build) / _STUDENT)


def _flops(teacher: Any, seen: Samples, eye: Student | None) -> dict[str, int]:
    """Of an answer, by modality that somebody has, from pixels or words on."""
    found = {}
    for modality, rows in seen.present.items():
        if not rows.any():
            continue
        first = int(rows.nonzero()[0])
        one = [seen.texts[first]] if modality == TEXT else seen.inputs[modality][first : first + 1]
        found[modality] = count_forward(partial(lambda m, x: teacher({m: teacher.prepared(m, x)}), modality, one))
        if eye is not None and modality != TEXT:
            found[modality] += count_forward(partial(eye.lower, modality, eye.blank(modality, 1)))
    return found


@contextmanager
def _kept(folder: Path) -> Iterator[Path]:
    """A folder beside the one that is built, which outlives a build that is stopped, and goes when it is done."""
    beside = folder.parent / f"{folder.name.removesuffix('.part')}.course"
    beside.mkdir(exist_ok=True)
    yield beside
    shutil.rmtree(beside)


def _write(folder: Path, losses: Sequence[float]) -> None:
    (folder / _LOSSES).write_text(json.dumps([round(one, 4) for one in losses]))
