"""Why records are not charted: the counters and the line built from them."""

import numpy as np

from flow_gl.core.market.rejections import REASONS, counts_of, describe, total
from flow_gl.core.schema import SESSION
from flow_gl.engine.kernels.layout import STATE


def test_every_reason_is_a_counter_of_the_engine_and_of_the_published_session():
    for field in REASONS:
        assert field in (STATE.names or ())
        assert field in (SESSION.names or ())


def test_the_line_shows_how_many_and_why():
    assert not describe({})
    assert describe({"rejected_no_size": 1}) == "not charted: 1 record of size 0"
    counts = {"rejected_no_price": 1_200, "rejected_no_size": 1}
    assert describe(counts) == "not charted: 1,201 records: 1,200 without a price, 1 of size 0"


def test_counters_are_read_and_added_up_by_reason():
    session = np.zeros(1, SESSION)
    session["rejected_time"], session["rejected_no_price"] = 2, 3
    counts = counts_of(session[0])
    assert counts == {"rejected_no_price": 3, "rejected_time": 2}
    assert total([counts, {"rejected_time": 1}]) == {"rejected_no_price": 3, "rejected_time": 3}
