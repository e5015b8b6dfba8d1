"""Linear programmes over choices of yes or no, solved with hardly a word on standard output."""

import warnings
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mlecs_ray.models.modular import Numbers

Held = NDArray[np.bool_]
_QUIET = {
    "mip_heuristic_run_rens": False,
    "mip_heuristic_run_rins": False,
    "mip_heuristic_run_root_reduced_cost": False,
    "mip_detect_symmetry": False,
}
"""Where one of these comes to a choice that is beyond a limit by a rounding, HiGHS prints a line, whatever it was told
of printing. Without them it does so once in some thousand, is no slower here, and the optimum is the same."""


class Limit(NamedTuple):
    """``low <= sum(row x) <= high`` for each row, which has the shape of ``x``."""

    rows: Numbers
    low: Numbers | float
    high: Numbers | float


def each_row(shape: tuple[int, int]) -> Numbers:
    """(R, R, N) for ``x`` of this shape (R, N): its rows, one at a time."""
    return np.repeat(np.eye(shape[0])[:, :, None], shape[1], axis=2)


def best(worth: Numbers, able: Held, limits: Sequence[Limit], gap: float = 1e-4) -> Held | None:
    """The choice ``x`` within all ``limits``, of what is ``able``, for which ``sum(worth x)`` is largest, or at most
    ``gap`` of it from there; None where there is no choice."""
    # scipy's optimiser takes a third of a second to import, and only this method needs it.
    from scipy.optimize import Bounds, LinearConstraint, milp

    flat = [LinearConstraint(rows.reshape(len(rows), -1), low, high) for rows, low, high in limits if len(rows)]
    with warnings.catch_warnings():
        # It hands on to HiGHS what it does not know itself, and warns of that.
        warnings.simplefilter("ignore", RuntimeWarning)
        found = milp(
            -worth.ravel(),
            integrality=np.ones(worth.size),
            bounds=Bounds(0, able.ravel().astype(float)),
            constraints=flat,
            options={"mip_rel_gap": gap, **_QUIET},
        )
    return None if found.x is None else found.x.reshape(worth.shape) > 0.5
