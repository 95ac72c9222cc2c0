"""Imported by an interpreter that has this folder on its PYTHONPATH: advances its wall clock by FLOW_WALL_SHIFT_NS.

Live programs use the exchange's calendar, but their tests must not depend on the weekday on which they run.
"""

import os
import time

_shift_ns = int(os.environ.get("FLOW_WALL_SHIFT_NS", "0"))
_time_ns = time.time_ns
time.time_ns = lambda: _time_ns() + _shift_ns
