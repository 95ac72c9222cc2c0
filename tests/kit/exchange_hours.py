"""A clock for live programs at which the exchange is open: a Tuesday at 10:30 in New York.

Tests of live programs use the exchange's calendar, but must not depend on the hour or weekday at which they run.
"""

import datetime as dt
import os
import time
from pathlib import Path
from typing import Final

from flow_gl.core.units import SECOND_NS

NOW_NS: Final = int(dt.datetime(2026, 11, 17, 15, 30, tzinfo=dt.UTC).timestamp()) * SECOND_NS
"""The time at which a test's clock begins, ns."""
_FOLDER: Final = Path(__file__).resolve().parents[1] / "clock_shift"


def shift_now() -> int:
    """Return the difference from this machine's clock to one that begins now, ns."""
    return NOW_NS - time.time_ns()


def shifted(shift_ns: int) -> dict[str, str]:
    """Return the environment variables of a program whose wall clock is shifted."""
    paths = os.pathsep.join(filter(None, (str(_FOLDER), os.environ.get("PYTHONPATH"))))
    return {"PYTHONPATH": paths, "FLOW_WALL_SHIFT_NS": str(shift_ns)}
