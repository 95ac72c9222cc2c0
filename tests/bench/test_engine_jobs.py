"""The benchmark's peers compute the same numbers as the engine."""

import numpy as np
import pytest

from flow_gl.bench.engine import pandas_frame, pandas_job, polars_frame, polars_job
from flow_gl.bench.tape import make_tape
from flow_gl.engine.pipeline import Pipeline
from flow_gl.engine.sinks import Collector

TAPE = make_tape(50_000)
SUMS = ("buy", "sell", "unsided")


@pytest.fixture(scope="module")
def engine():
    pipeline, sink = Pipeline(lods=1), Collector()
    pipeline.attach(1, sink)
    pipeline.process(TAPE)
    pipeline.finish()
    return sink


def test_pandas_yields_the_engines_bubbles_cvd_and_profile(engine):
    bubbles, prices, points, profile, poc = pandas_job(pandas_frame(TAPE))
    rows, cvd, session = engine.bubble_rows(), engine.cvd_rows(), engine.sessions[0]
    np.testing.assert_array_equal(rows["id"], bubbles.index)
    for name in ("ts_event", *SUMS, "trade_count", "ts_last"):
        np.testing.assert_array_equal(rows[name], bubbles[name])
    np.testing.assert_allclose(rows["price"], bubbles["average"], rtol=0, atol=1)
    for name, theirs in {"open": "first", "high": "max", "low": "min", "close": "last"}.items():
        np.testing.assert_array_equal(rows[name], prices[theirs])
    for name, theirs in {"open": "open", "high": "max", "low": "min", "close": "last"}.items():
        np.testing.assert_array_equal(cvd[name], points[theirs])
    profile = profile.sort_index()
    np.testing.assert_array_equal(session.price, profile.index)
    for name in SUMS:
        np.testing.assert_array_equal(getattr(session, name), profile[name])
    assert session.poc == poc


def test_polars_yields_the_engines_bubbles_cvd_and_profile(engine):
    pytest.importorskip("polars")
    bubbles, profile, poc = polars_job(polars_frame(TAPE))
    rows, cvd, session = engine.bubble_rows(), engine.cvd_rows(), engine.sessions[0]
    np.testing.assert_array_equal(rows["id"], bubbles["bucket"])
    for name in ("ts_event", "open", "high", "low", "close", *SUMS, "trade_count", "ts_last"):
        np.testing.assert_array_equal(rows[name], bubbles[name])
    np.testing.assert_allclose(rows["price"], bubbles["average"], rtol=0, atol=1)
    for name in ("open", "high", "low", "close"):
        np.testing.assert_array_equal(cvd[name], bubbles[f"cvd_{name}"])
    profile = profile.sort("price")
    np.testing.assert_array_equal(session.price, profile["price"])
    for name in SUMS:
        np.testing.assert_array_equal(getattr(session, name), profile[name])
    assert poc["price"].to_list() == [session.poc]
