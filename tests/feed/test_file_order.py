"""The range of the times that order a file's trades is that of the times themselves, whatever the records are."""

import numpy as np
import pytest

from flow_gl.core.schema import F_BAD_TS_RECV, TRADE, UNDEF_TS
from flow_gl.core.units import MINUTE_NS, SECOND_NS
from flow_gl.feed.files.file_order import order_keys, order_range

START = 1_764_280_800 * SECOND_NS


@pytest.mark.parametrize("odd", ["none", "flag", "far", "no time", "no receipt", "early"])
def test_the_range_is_that_of_the_keys(odd: str) -> None:
    rng = np.random.default_rng(3)
    rows = np.zeros(500, TRADE)
    rows["ts_event"] = START + np.sort(rng.integers(0, 60 * MINUTE_NS, 500)) - rng.integers(0, SECOND_NS, 500)
    rows["ts_recv"] = rows["ts_event"] + rng.integers(-SECOND_NS, SECOND_NS, 500)
    at = rng.integers(0, 500, 9)
    if odd == "flag":
        rows["flags"][at] |= F_BAD_TS_RECV
    elif odd == "far":
        rows["ts_recv"][at] += 2 * MINUTE_NS
    elif odd == "no time":
        rows["ts_event"][at] = UNDEF_TS
    elif odd == "no receipt":
        rows["ts_recv"][at] = UNDEF_TS
    elif odd == "early":
        rows["ts_recv"][at], rows["ts_event"][at] = 7, 5
    keys = order_keys(rows)
    assert order_range(rows) == (keys.min(), keys.max())
