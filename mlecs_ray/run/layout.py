"""What a request becomes for models that find people: one row of numbers, of which each model reads its part."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mlecs_ray.errors import InputError
from mlecs_ray.run.artifact import Card
from mlecs_ray.samples import Samples

if TYPE_CHECKING:
    from mlecs_ray.models.reid.asked import Rows


@dataclass(frozen=True)
class Layout:
    """The student's numbers come first, those of a teacher behind them."""

    student: Mapping[str, int]
    """By modality, how many the student reads."""
    teacher: "Rows | None"
    """How requests are written for the cloud's teacher, which answers too; None where there is none."""

    @property
    def widths(self) -> dict[str, int]:
        """By modality, how many a row has."""
        if self.teacher is None:
            return dict(self.student)
        behind = self.teacher.widths
        return {modality: width + behind[modality] for modality, width in self.student.items()}

    def part(self, card: Card, samples: Samples) -> Samples:
        """Of rows of some version's layout what this model reads. Raises InputError where they hold nothing for it."""
        teaches = card.side == "cloud"
        inputs = {m: x[:, self.student[m] :] if teaches else x[:, : self.student[m]] for m, x in samples.inputs.items()}
        wanted = self.teacher.widths if teaches and self.teacher is not None else self.student
        if wrong := next((m for m, x in inputs.items() if x.shape[1] != wanted[m]), None):
            raise InputError(
                f"a request has {inputs[wrong].shape[1]} numbers of {wrong} for {card.name}, which reads "
                f"{wanted[wrong]}: the server began with a version without this teacher, start it anew"
            )
        return replace(samples, inputs=inputs)
