"""Which vectors may be compared: those of one space, which is named here."""

from mlecs_ray.scenario.compose import system_parts
from mlecs_ray.scenario.names import SYSTEMS
from serve.version import Version


def shared(version: Version, words: bool) -> bool:
    """Whether the version's method draws what all of its models sense, and ``words`` too, to one place."""
    scenario = version.bundle.scenario
    # A student has one space for all that it sees, and its words.
    if scenario.task.kind == "reid":
        return True
    if scenario.method.name not in SYSTEMS:
        return False
    parts = system_parts(scenario)
    return parts.words_meet if words else parts.meet


def space_of(version: Version, model: str, words: bool) -> str:
    """Where vectors of ``model``, which is ``name@version``, lie: in the version's space, or in one of its own. Words
    are read by the cloud's model where there is one, whoever is asked."""
    if shared(version, words):
        return version.name
    if not words:
        return model
    return f"words of {model}" if version.bundle.cloud is None else f"words@{version.name}"


def version_of(space: str) -> str:
    """The version that makes vectors of this space; of the sentence encoder, that one's name."""
    return space.rpartition("@")[2]
