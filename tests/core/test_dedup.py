from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from flow_gl.core.market.dedup import CountedTrades, join, live_start_ns
from flow_gl.core.schema import TRADE
from flow_gl.core.units import SECOND_NS


def trades(*rows: tuple[int, int, int]) -> NDArray[np.void]:
    """Make rows from tuples (ts_event, capture delay, sequence)."""
    made = np.zeros(len(rows), TRADE)
    made["length"], made["action"], made["side"], made["size"] = 12, ord("T"), ord("B"), 1
    for row, (ts_event, delay, sequence) in zip(made, rows, strict=True):
        row["ts_event"], row["ts_recv"], row["sequence"] = ts_event, ts_event + delay, sequence
    return made


def identities(rows: NDArray[np.void]) -> list[tuple[int, ...]]:
    names = ("ts_event", "price", "size", "side", "action", "sequence", "instrument_id")
    return [tuple(int(row[name]) for name in names) for row in rows]


# Few values, so that equal trades, equal times and ties are common.
some_trades = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 3), st.integers(0, 2)), max_size=40).map(
    lambda rows: trades(*rows)
)


@given(held=some_trades, batches=st.lists(some_trades, max_size=4))
def test_each_held_trade_cancels_exactly_one_equal_trade_whatever_the_batches(
    held: NDArray[np.void], batches: list[NDArray[np.void]]
) -> None:
    seen = CountedTrades(held)
    left = Counter(identities(held))
    for batch in batches:
        expected = []
        for identity in identities(batch):
            expected.append(left[identity] == 0)
            left[identity] -= not expected[-1]
        assert seen.are_new(batch).tolist() == expected
    assert seen.left == left.total()


@given(held=some_trades, batch=some_trades)
def test_an_undone_match_is_held_again(held: NDArray[np.void], batch: NDArray[np.void]) -> None:
    seen = CountedTrades(held)
    first = seen.are_new(batch)
    seen.undo()
    assert seen.left == len(held)
    assert seen.are_new(batch).tolist() == first.tolist()


@given(rows=some_trades, cut=st.integers(0, 10), overlap=st.integers(4, 8))
def test_history_cut_on_capture_time_and_live_cut_on_event_time_give_every_trade_once(
    rows: NDArray[np.void], cut: int, overlap: int
) -> None:
    rows = rows[np.argsort(rows["ts_recv"], kind="stable")]
    history = rows[rows["ts_recv"] < cut]
    live = rows[rows["ts_event"] >= live_start_ns(cut, overlap_ns=overlap)]
    joined = np.concatenate([history, join(history, live).rows])
    assert sorted(identities(joined)) == sorted(identities(rows))
    assert join(history, live).missing == 0


def test_a_live_start_at_the_end_of_history_would_lose_a_trade_in_transit() -> None:
    on_its_way = trades((9, 5, 1))
    rows = np.concatenate([trades((1, 1, 0)), on_its_way, trades((12, 3, 2))])
    history = rows[rows["ts_recv"] < 10]
    careless = rows[rows["ts_event"] >= 10]
    assert identities(on_its_way)[0] not in identities(np.concatenate([history, careless]))
    assert identities(on_its_way) == identities(join(history, rows).rows[:1])


def test_a_trade_missing_from_live_is_counted_and_the_join_is_not_proven() -> None:
    rows = trades((1, 0, 1), (2, 0, 2), (3, 0, 3), (4, 0, 4))
    joined = join(rows[:3], rows[[0, 2, 3]])
    assert (joined.shared, joined.missing, joined.is_proven) == (2, 1, False)
    assert identities(joined.rows) == identities(rows[3:])


def test_sources_that_do_not_overlap_are_not_proven() -> None:
    rows = trades((1, 0, 1), (2, 0, 2))
    assert not join(rows[:1], rows[1:]).is_proven
    assert not join(rows, rows[:0]).is_proven
    assert join(rows, rows).is_proven


def test_capture_times_and_flags_may_differ_between_sources() -> None:
    rows = trades((1, 0, 1), (2, 0, 2))
    other = rows.copy()
    other["ts_recv"] += 70
    other["ts_in_delta"], other["flags"] = 5, 4
    assert not CountedTrades(rows).are_new(other).any()


def test_rows_of_another_type_are_refused() -> None:
    with pytest.raises(TypeError, match="expected rows of dtype TRADE"):
        join(np.zeros(1, [("ts_event", "<i8")]), trades((1, 0, 0)))


def test_the_join_is_exact_at_any_place_of_a_real_day_with_its_repeated_records(real_data: Path) -> None:
    import databento

    store = databento.DBNStore.from_bytes((real_data / "nq-20251128.trades.dbn.zst").read_bytes())
    rows = np.frombuffer(store.to_ndarray().tobytes(), TRADE)
    assert len(np.unique(rows.view("V48"))) < len(rows)
    for cut in np.random.default_rng(1).choice(rows["ts_recv"], 40):
        history, live = rows[rows["ts_recv"] < cut], rows[rows["ts_event"] >= live_start_ns(int(cut))]
        joined = join(history, live)
        assert joined.is_proven or not np.any(history["ts_event"] >= cut - 60 * SECOND_NS)
        assert np.concatenate([history, joined.rows]).tobytes() == rows.tobytes()
