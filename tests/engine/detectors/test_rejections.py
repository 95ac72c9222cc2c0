"""Detectors read exactly the trades that the pipeline counts: two kernels apply the same rules, compared here."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from flow_gl.core.market.rejections import counts_of
from flow_gl.engine.detectors.trades import SessionTrades
from flow_gl.engine.pipeline import Pipeline
from flow_gl.engine.sinks import Collector
from tests.engine.test_pipeline import IDS, any_trade, lay_out
from tests.engine.twin import TICK


@given(st.lists(any_trade, min_size=1, max_size=200))
def test_the_detectors_accept_exactly_the_trades_that_the_pipeline_counts(draws):
    trades = lay_out([(IDS[0], *rest) for _, *rest in draws])
    pipeline, collector = Pipeline(), Collector()
    pipeline.attach(IDS[0], collector)
    pipeline.process(trades)
    pipeline.publish()
    taken = SessionTrades()
    taken.take(np.ascontiguousarray(trades).view(np.int64), TICK)
    session = collector.tables["session"][0] if "session" in collector.tables else None
    assert taken.count == (0 if session is None else int(session["trade_count"]))
    if session is not None:
        assert taken.count + sum(counts_of(session).values()) == len(trades)


def test_each_rule_rejects_on_both_sides():
    for special in ("A", "0", "u", "t"):
        trades = lay_out([(IDS[0], 0, 0, 5, "B", "T", 128), (IDS[0], 1, 0, 5, "B", special, 128)])
        pipeline, collector = Pipeline(), Collector()
        pipeline.attach(IDS[0], collector)
        pipeline.process(trades)
        pipeline.publish()
        taken = SessionTrades()
        taken.take(np.ascontiguousarray(trades).view(np.int64), TICK)
        session = collector.tables["session"][0]
        assert (taken.count, int(session["trade_count"]), sum(counts_of(session).values())) == (1, 1, 1)
