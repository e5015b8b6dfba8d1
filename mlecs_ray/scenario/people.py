"""How people are learned to be found again, as keys of a scenario: the cloud's teacher, the edge's student."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from mlecs_ray.scenario.base import STRICT
from mlecs_ray.scenario.ranges import Count, NonNegative, Share

Steps = Annotated[int, Field(ge=0)]
Rate = Annotated[float, Field(gt=0, le=1)]
Pair = Annotated[int, Field(ge=2)]


class TeacherConfig(BaseModel):
    """The multimodal language model in the cloud, which embeds every modality into one space."""

    model_config = STRICT

    model: str = "smollm2"
    """A language model, named as in ``task.slms``, that is given eyes; or the folder of a vision-language model, or an
    id of one fetched before."""
    layers: Count | None = None
    """Of a language model that is given eyes keep the first so many layers; None: all."""
    eyes: Literal["own", "student"] = "own"
    """What a language model looks through: eyes that learn for it alone, by ``eye_side``, ``eye_steps`` and ``eye_lr``;
    or those of the student's first stage, which both then have in common."""
    eye_side: Annotated[int, Field(ge=32, le=512)] = 160
    """To this many pixels each way pictures are brought for borrowed eyes."""
    eye_steps: Steps = 600
    """Of what these learn first, on the public samples: to see people alike in every modality."""
    eye_lr: Rate = 1e-3
    """Its peak."""
    words_steps: Steps = 1000
    """Of what its connector learns then: to turn a picture into the words that are said of the same identity."""
    words_lr: Rate = 2e-3
    """Its peak."""
    steps: Steps = 100
    """Of training on the public samples."""
    lr: Rate = 4e-4
    """Its peak for adapters; connector and classifier learn at twice that."""
    identities: Pair = 12
    """Of a batch."""
    each: Count = 2
    """Sightings of an identity in each modality of a batch, at most."""
    rank: Count = 16
    """Of its adapters."""
    alpha: Count = 64
    """They are scaled by ``alpha / rank``."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Of its adapters; the paper has 0.1, with which DoRA computes every product twice."""
    dora: bool = True
    """Whether adapters learn direction and length apart."""
    mlp: Literal["last2", "last4-even", "fourth-last", "none"] = "last2"
    """Which layers adapt in their MLP; in their attention all do."""


class StudentConfig(BaseModel):
    """The dual encoder at the edge, in the teacher's space."""

    model_config = STRICT

    side: Annotated[int, Field(ge=32, le=512)] = 96
    """To this many pixels each way pictures are brought."""
    layers: Annotated[int, Field(ge=1, le=6)] = 4
    """Of MiniLM's six keep the first so many."""
    trained: Annotated[int, Field(ge=1, le=6)] = 2
    """Of these the last so many learn."""
    alone_steps: Steps = 400
    """Of its first stage: alone on the public samples."""
    alone_lr: Rate = 1e-3
    """Its peak."""
    taught_steps: Steps = 400
    """Of its second stage: from what the teacher makes of them; 0: no teacher."""
    taught_lr: Rate = 5e-4
    """Its peak."""
    ridge: Annotated[float, Field(gt=0)] | None = None
    """The second stage begins with heads that are ridge regressions on what the teacher makes of the public samples,
    with this weight times the mean variance of what they read; None: with those of the first stage."""
    identities: Pair = 16
    """Of a batch."""
    each: Count = 2
    """Sightings of an identity in each modality of a batch, at most."""


class IdentityConfig(BaseModel):
    """What of what identity teaches the student in the cloud counts how much."""

    model_config = STRICT

    id: NonNegative = 0.25
    """Of naming identities."""
    triplet: NonNegative = 1.0
    """Of the batch-hard triplet loss."""
    sdm: NonNegative = 1.0
    """Of similarity distribution matching, between every pair of modalities."""


class DistillationConfig(BaseModel):
    """What of the second stage counts how much."""

    model_config = STRICT

    task: NonNegative = 0.01
    """Of what identity teaches."""
    cm: NonNegative = 0.29
    """Of cosine matching."""
    pcm: NonNegative = 0.35
    """Of principal component matching."""
    fr: NonNegative = 0.35
    """Of feature relation."""
    components: Count = 50
    """Principal components of each batch, at most."""
    energy: Annotated[Share, Field(gt=0)] | None = None
    """Take the fewest components that hold this share of the batch's energy instead."""


class PeopleConfig(BaseModel):
    """Of ``task.kind=reid`` alone."""

    model_config = STRICT

    teacher: TeacherConfig = TeacherConfig()
    student: StudentConfig = StudentConfig()
    identity: IdentityConfig = IdentityConfig()
    distillation: DistillationConfig = DistillationConfig()
