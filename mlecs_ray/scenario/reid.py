"""From a scenario to finding people: the data as student and teacher read it, both models, and what the cloud has."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from torch import Tensor
from transformers import AutoConfig, AutoModelForImageTextToText

from mlecs_ray.data import assets
from mlecs_ray.data.backbones import minilm_folder, mobilenet_file
from mlecs_ray.data.pool import Pool, Shape
from mlecs_ray.errors import InputError
from mlecs_ray.method import Method
from mlecs_ray.methods.local import LocalTraining
from mlecs_ray.methods.pretrained import digest, remembered
from mlecs_ray.methods.reid.cloud import Cloud, Eye, Schooling, Teaching
from mlecs_ray.methods.reid.options import MLLMEmbedReID
from mlecs_ray.methods.reid.schooled import Schooled
from mlecs_ray.methods.reid.system import Cameras
from mlecs_ray.models.reid.asked import Rows, Teacher, rows_of
from mlecs_ray.models.reid.course import Course
from mlecs_ray.models.reid.distillation import Distillation
from mlecs_ray.models.reid.eyed import EyedLM
from mlecs_ray.models.reid.sft import SFT
from mlecs_ray.models.reid.stages import Batches, Identity
from mlecs_ray.models.reid.student import Student
from mlecs_ray.models.reid.task import ReIDTask
from mlecs_ray.models.reid.teacher import Tuition
from mlecs_ray.models.reid.vlm import VLM
from mlecs_ray.models.slm import load, weights_digest
from mlecs_ray.samples import Samples
from mlecs_ray.scenario.captions import find_slm, find_slm_source
from mlecs_ray.scenario.config import Scenario
from mlecs_ray.seeds import derive
from mlecs_ray.task import Task
from mlecs_ray.tree import Tree

_EYE, _WORDS = "mobilenet", "minilm"
_EDITION = 1
"""Changed whenever what frozen parts make of a picture is."""


def reid_task(scenario: Scenario, shape: Shape) -> ReIDTask:
    """Finding people in these modalities."""
    return ReIDTask(student_of(scenario), shape.modalities)


def student_of(scenario: Scenario) -> Student:
    """The edge's dual encoder, in the space of the scenario's teacher."""
    rules = scenario.reid.student
    made = " ".join(assets.lookup(one).sha256[:16] for one in (_EYE, _WORDS))
    return Student(
        str(mobilenet_file()),
        str(minilm_folder()),
        _width(scenario.reid.teacher.model),
        made,
        rules.side,
        rules.layers,
        rules.trained,
    )


def schooled(scenario: Scenario, task: Task, public: Samples) -> Schooled:
    """``task``, but its first parameters are what the cloud has taught. Raises InputError for any other task."""
    if not isinstance(task, ReIDTask):
        raise InputError(
            f"method.name={scenario.method.name} needs task.kind=reid, for it finds people: here is "
            f"task.kind={scenario.task.kind}"
        )
    return Schooled(task, cloud_of(scenario, public))


def cameras(task: Schooled, local: LocalTraining, options: MLLMEmbedReID) -> Method:
    """MLLMEmbed-ReID over a fleet."""
    return Cameras(task, local, options)


def cloud_of(scenario: Scenario, public: Samples) -> Cloud:
    """What the scenario's cloud has; ``public`` as the student reads it."""
    config, student = scenario.reid.student, student_of(scenario)
    schooling = Schooling(
        student,
        Course(config.alone_steps, config.alone_lr),
        Course(config.taught_steps, config.taught_lr),
        Batches(config.identities, config.each),
        Identity(**scenario.reid.identity.model_dump()),
        Distillation(**scenario.reid.distillation.model_dump()),
        config.ridge,
    )
    return Cloud(
        public, partial(_seen, scenario, "public"), _teaching(scenario), schooling, derive(scenario.seed, "cloud")
    )


def known_of_test(scenario: Scenario, cloud: Cloud, test: Samples) -> dict[str, Tensor]:
    """What the teacher makes of the test, in its order: by modality (n, d)."""
    return cloud.features(partial(_seen, scenario, "test"), digest(test))


def teacher_of(cloud: Cloud) -> Teacher:
    """The cloud's, trained where it was not yet."""
    return Teacher(cloud.teacher(), cloud.teaching.eye)


def teaching_cloud(scenario: Scenario, public: Samples) -> Cloud | None:
    """The scenario's cloud, where its teacher is there; None for students that learn alone. A run that was begun with
    another teacher, on another machine or by other code, has none here either."""
    cloud = cloud_of(scenario, public)
    return cloud if scenario.reid.student.taught_steps and cloud.has_taught else None


def served_teacher(scenario: Scenario, tree: Tree, model: str) -> Teacher:
    """The teacher again, of the ``Cloud.taught_tree`` that a run has left. Raises InputError where its ``model`` is
    another now."""
    teaching = _teaching(scenario)
    if (here := teaching.recipe["model"]) != model:
        raise InputError(
            f"the teacher learned as adapters of {model}, and {here} is here: its vectors would not be those that "
            "were measured"
        )
    return Teacher(teaching.raised(tree), teaching.eye)


def teacher_rows(scenario: Scenario, forms: Mapping[str, Sequence[int]]) -> Rows:
    """How requests are written for the scenario's teacher, which reads these ``forms``."""
    return rows_of(_eyes(scenario), forms)


def _seen(scenario: Scenario, part: str) -> Samples:
    """A part of the data as the teacher reads it."""
    # Here, as it is what deals that asks this module how the student reads.
    from mlecs_ray.scenario.deal import read

    found: Samples = getattr(read(scenario, _as_seen(scenario)), part)
    return found


def _teaching(scenario: Scenario) -> Teaching:
    config = scenario.reid.teacher
    rules = SFT(config.rank, config.alpha, config.dropout, config.dora, config.mlp)
    source = _source(config.model)
    recipe = {"model": _named(config.model, source), "layers": config.layers, "sft": repr(rules)}
    tuition = Tuition(
        Course(config.steps, config.lr),
        Batches(config.identities, config.each),
        words=Course(config.words_steps, config.words_lr),
    )
    if _reads_pictures(source):
        return Teaching(lambda _: VLM(source, rules), recipe, tuition)
    return Teaching(
        lambda eye: _eyed(source, eye, rules, config.layers),
        recipe,
        tuition,
        _eyes(scenario),
        None if config.eyes == "student" else Course(config.eye_steps, config.eye_lr),
    )


def _eyed(source: str, eye: Eye | None, rules: SFT, layers: int | None) -> EyedLM:
    assert eye is not None
    return EyedLM(load(source), eye, rules, layers)


def _eyes(scenario: Scenario) -> Student | None:
    """What lends a language model its eyes: the student, or one of its own that sees more; None for one that has
    eyes."""
    if _reads_pictures(_source(scenario.reid.teacher.model)):
        return None
    student = student_of(scenario)
    if scenario.reid.teacher.eyes == "student":
        return student
    return replace(student, side=scenario.reid.teacher.eye_side)


def _source(model: str) -> str:
    return str(find_slm_source() if model == "smollm2" else find_slm(model))


@lru_cache
def _named(model: str, source: str) -> str:
    """What tells its weights from others, wherever they lie."""
    return f"{model} {weights_digest(Path(source))[:16]}" if Path(source).is_dir() else model


@lru_cache
def _config(source: str) -> Any:
    try:
        return AutoConfig.from_pretrained(source, local_files_only=True)
    except (OSError, ValueError) as error:
        raise InputError(
            f"reid.teacher.model={source} must be a language model or a vision-language model of transformers that is "
            f"here, so there is no teacher: {str(error).splitlines()[0]}"
        ) from error


def _reads_pictures(source: str) -> bool:
    return type(_config(source)) in AutoModelForImageTextToText._model_mapping


def _width(model: str) -> int:
    return int(_config(_source(model)).get_text_config().hidden_size)


@dataclass(frozen=True)
class Lowered:
    """People as a student's frozen part leaves them; kept in the cache."""

    student: Student

    def __call__(self, pool: Pool) -> Pool:
        student = self.student
        samples, read = pool.samples, [student.made, student.side, student.layers - student.trained]
        recipe = {"data": digest(samples), "student": read, "edition": _EDITION}
        made = partial(self._made, samples)
        return replace(pool, samples=replace(samples, inputs=remembered("reid-lower", recipe, made)))

    def _made(self, samples: Samples) -> Tree:
        return {modality: _filled(samples, modality, self.student) for modality in samples.inputs}


def _filled(samples: Samples, modality: str, student: Student) -> Tensor:
    """What the student makes of the samples that have the modality; zeros for the others."""
    there = samples.present[modality]
    found = student.lower(modality, samples.inputs[modality][there])
    every = found.new_zeros((len(there), *found.shape[1:]))
    every[there] = found
    return every


def lowered(scenario: Scenario) -> Lowered:
    """How the scenario's student reads."""
    return Lowered(student_of(scenario))


def _as_seen(scenario: Scenario) -> Lowered | None:
    """How its teacher reads; None: pictures themselves."""
    eyes = _eyes(scenario)
    return None if eyes is None else Lowered(eyes)
