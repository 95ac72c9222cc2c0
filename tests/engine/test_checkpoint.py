"""A pipeline restored from a checkpoint gives the same numbers as one that never stopped."""

import datetime as dt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flow_gl.core.items import Definition, FeedGap, Mapping
from flow_gl.core.schema import MAX_LODS
from flow_gl.core.sessions import SessionCalendar
from flow_gl.core.settings import AggregationSettings
from flow_gl.core.units import DAY_NS, SECOND_NS
from flow_gl.engine import checkpoint
from flow_gl.engine.pipeline import Pipeline
from flow_gl.engine.sinks import Collector
from tests.engine.test_pipeline import IDS, START, any_trade, lay_out, split
from tests.engine.twin import TICK

NOTICES = (
    Mapping(IDS[0], "NQZ5", "NQ.v.0"),
    Definition(IDS[1], "NQH6", 2 * TICK, 20.0, True),
    FeedGap(START - 50 * SECOND_NS, START + 20 * SECOND_NS),
    FeedGap(START - 9 * SECOND_NS, START + 70 * SECOND_NS, instrument_id=IDS[2]),
)


def make(sinks, *, calendar=None, arm=40):
    settings = AggregationSettings(arm=arm, cvd_reset_times=(dt.time(9, 30), dt.time(17, 5)))
    pipeline = Pipeline(settings, sessions=calendar)
    for instrument_id, sink in sinks.items():
        pipeline.attach(instrument_id, sink)
    return pipeline


def new_sinks():
    return {instrument_id: Collector(lods=MAX_LODS) for instrument_id in IDS[:2]}


def end(pipeline, trades):
    pipeline.advance(int(trades["ts_event"].max()) + 100 * SECOND_NS)
    pipeline.finish()
    return pipeline.instruments


def assert_same(sinks, expected):
    for instrument_id, sink in sinks.items():
        other = expected[instrument_id]
        for lod in range(MAX_LODS):
            assert (sink.bubble_rows(lod) == other.bubble_rows(lod)).all()
            assert len(sink.bubble_rows(lod)) == len(other.bubble_rows(lod))
            assert (sink.cvd_rows(lod) == other.cvd_rows(lod)).all()
        assert sink.event_rows().tobytes() == other.event_rows().tobytes()
        assert sink.tables.keys() == other.tables.keys()
        for name, table in sink.tables.items():
            assert table.tobytes() == other.tables[name].tobytes(), name
        assert [one.session.tobytes() for one in sink.sessions] == [one.session.tobytes() for one in other.sessions]


@settings(max_examples=40)
@given(
    st.lists(any_trade, min_size=1, max_size=80),
    st.lists(st.integers(0, 200), min_size=1, max_size=4),
    st.lists(st.integers(0, 4), min_size=len(NOTICES), max_size=len(NOTICES)),
    st.booleans(),
    st.sampled_from([0, 0, DAY_NS]),
)
def test_a_checkpoint_taken_anywhere_continues_exactly(draws, cuts, places, has_sessions, stride):
    trades = lay_out(draws)
    # Some cover several sessions: each batch is a day after the previous one.
    batches = split(trades, cuts)
    for day, batch in enumerate(batches):
        batch["ts_event"] += np.where(batch["ts_event"] > 0, day * stride, 0)
    calendar = SessionCalendar() if has_sessions else None
    expected, sinks = new_sinks(), new_sinks()
    whole, pipeline = make(expected, calendar=calendar), make(sinks, calendar=calendar)
    for at, batch in enumerate(batches):
        for notice, place in zip(NOTICES, places, strict=True):
            if place == at:
                whole.take(notice)
                pipeline.take(notice)
        whole.process(batch)
        pipeline.process(batch)
        state = checkpoint.decode(pipeline.keep())
        pipeline = make(sinks, calendar=calendar)
        pipeline.resume(state)
    assert end(pipeline, trades) == end(whole, trades)
    assert_same(sinks, expected)


def test_bytes_that_are_not_a_checkpoint_are_refused_before_anything_is_restored():
    pipeline = make(new_sinks())
    pipeline.process(lay_out([(IDS[0], SECOND_NS, 1, 5, "B", "T", 0)] * 20))
    data = pipeline.keep()
    with pytest.raises(checkpoint.CheckpointError, match="not a checkpoint"):
        checkpoint.decode(data[:-1])
    state = checkpoint.decode(data)
    market = state.markets[0]
    words = np.frombuffer(market.state, np.int64).copy()
    words[checkpoint.STATE.names.index("reference_step")] = 10_000
    for field, value, said in (
        ("state", words.tobytes(), "cannot be"),
        ("state", market.state[8:], "another size"),
        ("pending", market.pending + b"\0" * 8, "another size"),
        ("bins", b"", "another size"),
        ("footprints", [b"", b"row"], "another size"),
        ("footprints", [b"\0" * 40, b"\0" * 32 * 2049], "cannot be"),
        ("instrument_id", 12, "cannot be"),
    ):
        wrong = checkpoint.msgspec.structs.replace(market, **{field: value})
        with pytest.raises(checkpoint.CheckpointError, match=said):
            checkpoint.decode(checkpoint.encode(checkpoint.PipelineState([wrong], [])))
    for wrong_tape in (checkpoint.TapeState(1, b"", b""), checkpoint.TapeState(0, bytes(40)), checkpoint.TapeState(-1)):
        with pytest.raises(checkpoint.CheckpointError, match="orders of a tape"):
            checkpoint.decode(checkpoint.encode(checkpoint.PipelineState([], [], tapes=[wrong_tape])))
