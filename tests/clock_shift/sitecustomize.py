"""Found by an interpreter that has this folder on its PYTHONPATH: its wall clock is set forward by FLOW_WALL_SHIFT_NS.

Live programs ask the exchange's calendar; a test of them must not depend on the weekday on which it runs.
"""

import os
import time

_shift_ns = int(os.environ.get("FLOW_WALL_SHIFT_NS", "0"))
_time_ns = time.time_ns
time.time_ns = lambda: _time_ns() + _shift_ns
