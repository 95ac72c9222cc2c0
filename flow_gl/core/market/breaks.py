"""Interruptions of a chart: gaps, and rolls to another instrument."""

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.schema import GAP, NOT_YET


def gaps_and_rolls(gaps: NDArray[np.void], rolls: NDArray[np.void]) -> NDArray[np.void]:
    """Return gaps (GAP) and rolls (ROLL), which no line may cross, as GAP rows, oldest first."""
    done = rolls[rolls["first_ts"] != NOT_YET]
    if not len(done):
        return gaps
    found = np.zeros(len(gaps) + len(done), GAP)
    found[: len(gaps)] = gaps
    found["start"][len(gaps) :], found["end"][len(gaps) :] = done["last_ts"] + 1, done["first_ts"]
    return found[np.argsort(found["start"], kind="stable")]
