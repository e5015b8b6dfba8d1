"""How sure an answer is said to be: in what such answers were worth, where such answers were looked at."""

import math

from mlecs_ray.serving.calibration import Calibration
from mlecs_ray.serving.host import Ask


def unlike(ask: Ask) -> str | None:
    """Why an answer to this is none of those that thresholds are fitted to: the likeliest words about what is sensed.

    None where it is one.
    """
    if ask.samples is None:
        return "no threshold was fitted for answers to words alone"
    if ask.temperature > 0:
        return "no threshold was fitted for answers that are drawn"
    if ask.stop:
        return "no threshold was fitted for answers with an end of the asker's own"
    return None


def cut(ask: Ask, finish: str | None) -> str | None:
    """Why an answer that ended so is none of them either: the asker's limit came before its end. None where it is."""
    if ask.max_tokens is not None and finish == "length":
        return "no threshold was fitted for answers that are cut short"
    return None


def certainty(
    calibration: Calibration | None, ask: Ask, score: float | None, finish: str | None
) -> dict[str, float | None]:
    """The fields of ``Told``: a confidence and the threshold beside it only where they were fitted to such answers."""
    if calibration is None or score is None or unlike(ask) or cut(ask, finish):
        return {"score": score}
    return {
        "score": score,
        "confidence": calibration.confidence(score),
        "threshold": calibration.confidence(calibration.threshold),
        "threshold_score": calibration.threshold if math.isfinite(calibration.threshold) else None,
    }
