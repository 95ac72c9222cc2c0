"""Replays that repeat delivered trades and break off anywhere: every trade once and in order."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from flow_gl.core.schema import TRADE
from flow_gl.core.units import HOUR_NS, SECOND_NS
from flow_gl.feed.live.ledger import RESUME_OVERLAP_NS, Ledger

ORIGIN = 1_764_284_400 * SECOND_NS

trade = st.tuples(
    st.integers(1, 3),  # instrument
    st.sampled_from([0, 0, 0, 1, 40_000_000, SECOND_NS, 7 * SECOND_NS, 2 * HOUR_NS]),  # ns after the previous trade
    st.integers(0, 2),  # ticks
    st.integers(1, 2),  # size
    st.integers(0, 2 * SECOND_NS),  # how much earlier than its neighbours it is
)


def market(trades: list[tuple[int, int, int, int, int]]) -> np.ndarray:
    rows = np.zeros(len(trades), TRADE)
    at = ORIGIN + 10 * SECOND_NS
    for row, (instrument, step, ticks, size, delay) in zip(rows, trades, strict=True):
        at += step
        row["length"], row["action"], row["side"] = 12, ord("T"), ord("B")
        row["instrument_id"], row["price"], row["size"] = instrument, 100 + ticks, size
        row["ts_event"], row["ts_recv"] = at - delay, at
    return rows


@settings(max_examples=300)
@given(
    st.lists(trade, min_size=1, max_size=60),
    st.lists(st.integers(0, 60), max_size=6),
    st.lists(st.integers(1, 9), min_size=1, max_size=5),
)
def test_wherever_connections_break_each_trade_is_passed_on_once(trades, breaks, cuts) -> None:
    rows = market(trades)
    ledger = Ledger()
    handed: list[np.ndarray] = []
    for delivered in [*breaks, len(rows)]:
        needs = [ledger.need_from(instrument) for instrument in (1, 2, 3)]
        start = min(ORIGIN if need is None else need for need in needs)
        ledger.take_over()
        for instrument in (1, 2, 3):
            ledger.cover(instrument, ORIGIN)
        replay = rows[rows["ts_event"] >= start]
        # A connection delivers at least what was known when it was made, unless it breaks first.
        brought = replay[: delivered if delivered < len(rows) else len(replay)]
        at = 0
        for index in range(len(brought)):
            batch = brought[at : at + cuts[index % len(cuts)]]
            at += len(batch)
            handed.append(ledger.admit(batch))
    np.testing.assert_array_equal(np.concatenate(handed), rows)


def test_equal_trades_are_distinguished_by_their_count() -> None:
    rows = market([(1, 0, 0, 1, 0)] * 5)
    ledger = Ledger()
    ledger.take_over()
    ledger.cover(1, ORIGIN)
    assert len(ledger.admit(rows[:3])) == 3
    ledger.take_over()
    assert len(ledger.admit(rows)) == 2
    assert ledger.repeated == 3


def test_capture_times_and_flags_may_differ_in_a_replay() -> None:
    rows = market([(1, SECOND_NS, 0, 1, 0)] * 4)
    ledger = Ledger()
    ledger.take_over()
    ledger.cover(1, ORIGIN)
    ledger.admit(rows)
    replay = rows.copy()
    replay["ts_recv"] += 17
    replay["ts_in_delta"] = 3
    replay["flags"] = 4
    ledger.take_over()
    assert len(ledger.admit(replay)) == 0


def test_trades_before_the_origin_are_dropped() -> None:
    rows = market([(1, SECOND_NS, 0, 1, 0)] * 4)
    ledger = Ledger()
    ledger.take_over()
    ledger.cover(1, int(rows["ts_event"][2]))
    assert len(ledger.admit(rows)) == 2
    assert ledger.need_from(1) == rows["ts_event"][2], "never asked for before that either"


def test_a_quiet_instrument_is_requested_from_at_most_an_hour_back() -> None:
    rows = market([(1, SECOND_NS, 0, 1, 0), (2, 5 * HOUR_NS, 0, 1, 0)])
    ledger = Ledger()
    ledger.take_over()
    for instrument in (1, 2, 3):
        ledger.cover(instrument, ORIGIN)
    ledger.admit(rows)
    newest = int(rows["ts_event"][1])
    assert ledger.need_from(2) == newest - RESUME_OVERLAP_NS
    assert ledger.need_from(1) == ledger.need_from(3) == newest - HOUR_NS - RESUME_OVERLAP_NS
    assert ledger.need_from(4) is None


def test_memory_does_not_grow_with_the_day() -> None:
    ledger = Ledger()
    ledger.take_over()
    ledger.cover(1, ORIGIN)
    rows = np.tile(market([(1, 0, 0, 1, 0)]), 1000)
    for second in range(400):
        batch = rows.copy()
        batch["ts_event"] += second * SECOND_NS
        ledger.admit(batch)
    assert ledger.recent_rows < 80_000
