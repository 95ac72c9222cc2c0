"""The trades that detectors keep are restored from one checkpoint, or from what several of them added."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flow_gl.core.units import SECOND_NS
from flow_gl.engine.detectors.trades import SessionTrades
from flow_gl.services.replay_cache.segment import added_columns
from tests.engine.twin import TICK
from tests.kit.trades import trades_of

START = 1_764_280_800 * SECOND_NS

_trades = st.lists(
    st.tuples(st.integers(0, 3), st.integers(-9, 9), st.integers(1, 40), st.sampled_from("ABN")), max_size=40
)


def rows_of(trades):
    """Return TRADE rows: seconds and ticks are moves from the trade before."""
    moves = np.array([trade[:2] for trade in trades], np.int64).reshape(-1, 2).cumsum(axis=0).tolist()
    return trades_of(
        [
            (1, START + second * SECOND_NS, (100_000 + tick) * TICK, size, side)
            for (second, tick), (_, _, size, side) in zip(moves, trades, strict=True)
        ]
    )


def columns_of(trades: SessionTrades) -> list[list[int]]:
    return [column[: trades.count].tolist() for column in trades.arrays]


@given(_trades, st.lists(st.integers(0, 40), max_size=4))
def test_trades_that_checkpoints_added_make_the_whole(trades, cuts):
    words = rows_of(trades).view(np.int64)
    words.flags.writeable = False
    whole, before, parts, start = SessionTrades(), None, [], 0
    for stop in [*sorted(min(cut, len(trades)) for cut in cuts), len(trades)]:
        whole.take(words[6 * start : 6 * stop], TICK)
        now, start = np.frombuffer(whole.keep(), np.uint8), stop
        goes_on, added = added_columns(now, before)
        parts = [*parts, added] if goes_on else [added]
        before = now
    again = SessionTrades()
    again.take(words[:6], TICK)
    again.resume([b"", *parts], dropped=3)
    assert columns_of(again) == columns_of(whole)
    assert again.dropped == 3
    again.resume([whole.keep()], dropped=0)
    assert columns_of(again) == columns_of(whole)


def test_a_part_that_ends_within_a_trade_is_refused():
    with pytest.raises(ValueError, match="17 bytes"):
        SessionTrades().resume([b"", bytes(18)], dropped=0)
