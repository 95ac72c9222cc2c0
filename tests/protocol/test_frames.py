"""Packed frames: every row is read back unchanged, and nothing else is accepted as a frame."""

from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from flow_gl.core.schema import BUBBLE, CVD_POINT, LEVELS, SESSION
from flow_gl.core.units import SECOND_NS
from flow_gl.engine.pipeline import Pipeline
from flow_gl.engine.sinks import Collector
from flow_gl.feed.files.replay import read_items, scan
from flow_gl.protocol import chart_rows, columns
from flow_gl.protocol.errors import ProtocolError
from flow_gl.protocol.frames import HEADER_BYTES, Rows, decode, encode
from flow_gl.protocol.kinds import CHART_ROW, FORMS, Cause, Kind, Part, join, split
from tests.kit.markets import TICK, cvd_of, make_market, make_seconds, make_week, merge_rows

INT64 = st.integers(-(2**63), 2**63 - 1)
SMALL = st.integers(-300, 300)


def frame_of(kind: Kind, rows: NDArray[np.void], *, tick_size: int = TICK, width_ns: int = SECOND_NS) -> bytes:
    block = Rows(kind=kind, symbol=0, level=0, epoch=7, sequence=3, rows=rows)
    return encode(block, tick_size=tick_size, width_ns=width_ns)


def market_rows(seconds: int = 3000, lod: int = 0) -> NDArray[np.void]:
    rows, points = merge_rows(*make_seconds(seconds), lod)
    # The engine's price is an exact average of whole ticks, rounded half to even.
    sums = np.random.default_rng(1).integers(0, 1 << 12, len(rows))
    contracts = rows["buy"] + rows["sell"] + rows["unsided"]
    rows["price"] = [
        int(low) + round_half_even(int(total) * TICK, int(count))
        for low, total, count in zip(rows["low"], sums % (contracts + 1), contracts, strict=True)
    ]
    return join(rows, points)


def round_half_even(total: int, count: int) -> int:
    quotient, rest = divmod(total, count)
    return quotient + (2 * rest > count or (2 * rest == count and quotient % 2 == 1))


@pytest.mark.parametrize("lod", [0, 1, 4, 7])
def test_a_market_comes_back_exactly(lod: int) -> None:
    rows = market_rows(6000, lod)
    width = int(rows["ts_event"][1] - rows["ts_event"][0]) if lod else SECOND_NS
    assert np.array_equal(decode(frame_of(Kind.BUBBLE, rows, width_ns=width)).rows, rows)


def test_bubbles_and_cvd_points_are_joined_and_split_without_a_change() -> None:
    bubbles, points = make_seconds(200)
    again = split(join(bubbles, points))
    assert np.array_equal(again[0], bubbles)
    assert np.array_equal(again[1], points)


@given(
    st.lists(st.lists(st.one_of(INT64, SMALL), min_size=16, max_size=16), max_size=6),
    st.sampled_from([1, TICK, 7, 2**62]),
    st.sampled_from([1, SECOND_NS, 11]),
)
def test_any_bubbles_at_all_come_back_exactly(values: list[list[int]], tick_size: int, width_ns: int) -> None:
    rows = np.array(values, np.int64).reshape(len(values), 16).view(CHART_ROW).reshape(len(values))
    found = decode(frame_of(Kind.BUBBLE, rows, tick_size=tick_size, width_ns=width_ns))
    assert np.array_equal(found.rows, rows)


@given(
    st.lists(
        st.tuples(st.integers(0, 60), st.integers(0, 40), st.lists(st.integers(0, 900), min_size=3, max_size=3)),
        min_size=1,
        max_size=40,
    ),
    st.integers(-50, 120_000),
)
def test_average_prices_travel_as_sums_and_come_back_exactly(
    seconds: list[tuple[int, int, list[int]]], first: int
) -> None:
    rows = np.zeros(len(seconds), BUBBLE)
    for at, (height, place, sides) in enumerate(seconds):
        low, contracts = (first + at) * TICK, sum(sides) or 1
        row = rows[at]
        row["ts_event"] = at * SECOND_NS
        row["id"], row["low"], row["high"] = at, low, low + height * TICK
        row["buy"], row["sell"], row["unsided"] = sides if sum(sides) else (1, 0, 0)
        row["price"] = round_half_even(low * contracts + min(place * contracts, height * contracts) * TICK, contracts)
    joined = join(rows, cvd_of(rows))
    _, is_sum = chart_rows.to_columns(joined, tick_size=TICK, width_ns=SECOND_NS)
    assert is_sum
    assert np.array_equal(decode(frame_of(Kind.BUBBLE, joined)).rows, joined)


@given(st.sampled_from(sorted(set(Kind))), st.integers(0, 3), st.integers(0, 2**32))
def test_rows_of_every_kind_come_back_bit_by_bit(kind: Kind, count: int, seed: int) -> None:
    dtype = FORMS[kind].dtype
    rows = np.frombuffer(np.random.default_rng(seed).bytes(count * dtype.itemsize), dtype)
    found = decode(frame_of(kind, rows)).rows
    names = columns.flat(dtype)
    assert all(np.array_equal(found.view(names)[name], rows.view(names)[name]) for name in names.names or ())


def test_the_header_comes_back() -> None:
    block = Rows(
        kind=Kind.EVENT,
        symbol=8,
        level=11,
        epoch=2**60,
        sequence=2**50,
        rows=np.zeros(2, FORMS[Kind.EVENT].dtype),
        part=Part.RESUMED,
        cause=Cause.SLOW,
        revision=3,
        oldest=5,
        missed=2**40,
    )
    found = decode(encode(block))
    assert (found.kind, found.symbol, found.level, found.epoch) == (Kind.EVENT, 8, 11, 2**60)
    assert (found.sequence, found.next, found.part, found.cause) == (2**50, 2**50 + 2, Part.RESUMED, Cause.SLOW)
    assert (found.revision, found.oldest, found.missed) == (3, 5, 2**32 - 1)


def test_records_of_a_session_are_small() -> None:
    market = make_market(600)
    session = np.zeros(1, SESSION)
    market.store.session.read(session)
    assert len(frame_of(Kind.SESSION, session)) < 500
    assert len(frame_of(Kind.LEVELS, np.zeros(1, LEVELS))) < 250


def test_a_week_of_finished_sessions_fits_one_message() -> None:
    market = make_week()
    rows = market.reader.sessions.copy()
    data = frame_of(Kind.FINISHED_SESSION, rows)
    assert len(data) < 64_000
    assert decode(data).rows.tobytes() == rows.tobytes()


def test_a_closed_bubble_takes_at_most_24_bytes() -> None:
    rows = market_rows(4096)
    data = frame_of(Kind.BUBBLE, rows)
    per_row = columns.column_bytes(data[HEADER_BYTES:], len(chart_rows.NAMES))
    assert sum(per_row[:12]) <= 24
    assert len(data) / len(rows) <= 30
    assert rows.itemsize == BUBBLE.itemsize + CVD_POINT.itemsize - 16


@given(st.binary(max_size=200))
def test_noise_is_refused(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        decode(data)


@given(st.integers(0, 10**6), st.integers(0, 255), st.integers(0, 400))
def test_a_damaged_frame_is_refused_or_read_but_never_breaks(at: int, value: int, cut: int) -> None:
    data = bytearray(frame_of(Kind.BUBBLE, market_rows(20)))
    data[at % len(data)] = value
    with suppress(ProtocolError):
        decode(bytes(data[: len(data) - cut]))


def test_a_closed_bubble_of_a_real_day_takes_at_most_24_bytes(real_data: Path) -> None:
    path = real_data / "nq-20251128.trades.dbn.zst"
    collector, pipeline = Collector(), Pipeline()
    pipeline.attach(scan([path]).choose(None).instrument_id, collector)
    for item in read_items([path]):
        pipeline.take(item)
    pipeline.finish()
    rows = join(collector.bubble_rows(), collector.cvd_rows())
    bubbles, whole = 0, 0
    for start in range(0, len(rows), 4096):
        part = rows[start : start + 4096]
        data = frame_of(Kind.BUBBLE, part)
        assert np.array_equal(decode(data).rows, part)
        bubbles += sum(columns.column_bytes(data[HEADER_BYTES:], len(chart_rows.NAMES))[:12]) * len(part)
        whole += len(data)
    # 16.9 bytes a bubble, and 20.9 with its CVD point and everything around it.
    assert bubbles / len(rows) < 18
    assert whole / len(rows) < 22
