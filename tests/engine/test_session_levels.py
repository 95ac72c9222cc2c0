"""Initial balance, opening range and naked POCs, against their definitions in plain Python."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from flow_gl.core.schema import TRADE, UNDEF_PRICE
from flow_gl.core.sessions import SessionCalendar
from flow_gl.core.settings import DEFAULTS
from flow_gl.core.units import DAY_NS, MINUTE_NS
from flow_gl.engine import checkpoint
from flow_gl.engine.pipeline import Pipeline
from flow_gl.store.market import MarketReader, MarketStore
from tests.engine.detectors.test_detectors import Rows

TICK = 250_000_000
OPEN = 1_764_599_400_000_000_000
"""2025-12-01 09:30 in New York, a Monday."""


def trades_of(listed: list[tuple[int, int]]) -> Rows:
    """Make TRADE rows of one contract each from (time in ns, price in ticks)."""
    rows = np.zeros(len(listed), TRADE)
    rows["ts_event"], rows["price"] = [ts for ts, _ in listed], [tick * TICK for _, tick in listed]
    rows["instrument_id"], rows["action"], rows["side"], rows["size"] = 1, ord("T"), ord("B"), 1
    return rows


def morning(seed: int, *, day: int = 0) -> list[tuple[int, int]]:
    """Make trades from two hours before the regular open until three after it, some of them late."""
    rng = np.random.default_rng(seed)
    times = np.sort(rng.integers(-120 * MINUTE_NS, 180 * MINUTE_NS, 3_000)) + OPEN + day * DAY_NS
    late = times - rng.integers(0, 5 * MINUTE_NS, len(times)) * (rng.random(len(times)) < 0.02)
    ticks = 100_000 + np.cumsum(rng.integers(-3, 4, len(times)))
    return list(zip(late.tolist(), ticks.tolist(), strict=True))


def ranged(trades: list[tuple[int, int]], minutes: int, *, opened: int = OPEN) -> tuple[int, int]:
    """Return low and high (1e-9) of the first minutes, until a trade comes at or after their end."""
    end, ticks = opened + minutes * MINUTE_NS, []
    for ts, tick in trades:
        if ts >= end:
            break
        if ts >= opened:
            ticks.append(tick)
    return min(ticks) * TICK, max(ticks) * TICK


def charted(**changes: Any) -> tuple[Pipeline, MarketStore, MarketReader]:
    pipeline = Pipeline(replace(DEFAULTS.aggregation, **changes), sessions=SessionCalendar())
    store = MarketStore.local()
    pipeline.chart(1, store)
    return pipeline, store, MarketReader(store)


def shown(pipeline: Pipeline, reader: MarketReader) -> dict[str, Any]:
    pipeline.publish()
    reader.refresh()
    row = reader.levels
    return {
        "initial": (int(row["initial_low"]), int(row["initial_high"])),
        "opening": (int(row["opening_low"]), int(row["opening_high"])),
        "frozen": (bool(row["initial_frozen"]), bool(row["opening_frozen"])),
        "naked": row["naked"][: int(row["naked_count"])]["price"].tolist(),
    }


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("pieces", [1, 37])
def test_the_ranges_are_those_of_the_first_minutes_of_regular_hours(seed: int, pieces: int) -> None:
    trades = morning(seed)
    pipeline, _, reader = charted(initial_balance_minutes=45)
    for part in np.array_split(trades_of(trades), pieces):
        pipeline.process(part)
    now = shown(pipeline, reader)
    assert (now["initial"], now["opening"]) == (ranged(trades, 45), ranged(trades, 5))
    assert now["frozen"] == (True, True)


def test_the_ranges_grow_until_their_end() -> None:
    trades = trades_of([(OPEN - 1, 90), (OPEN, 100), (OPEN + MINUTE_NS, 103), (OPEN + 5 * MINUTE_NS, 98)])
    pipeline, _, reader = charted()
    seen = []
    for at in range(4):
        pipeline.process(trades[at : at + 1])
        now = shown(pipeline, reader)
        seen.append((now["opening"], now["frozen"]))
    none = (UNDEF_PRICE, UNDEF_PRICE)
    assert seen[0] == (none, (False, False))
    assert seen[1] == ((100 * TICK, 100 * TICK), (False, False))
    assert seen[2] == ((100 * TICK, 103 * TICK), (False, False))
    assert seen[3] == ((100 * TICK, 103 * TICK), (False, True)), "the trade at its end freezes the opening range"
    assert now["initial"] == (98 * TICK, 103 * TICK)


def test_a_changed_length_finds_the_range_again_even_after_a_checkpoint() -> None:
    trades = morning(1)
    first, store, _ = charted()
    first.process(trades_of(trades[:2_500]))
    second = Pipeline(sessions=SessionCalendar())
    second.resume(checkpoint.decode(first.keep([store])), [store])
    second.configure({"initial_balance_minutes": 20, "opening_range_minutes": 90})
    second.process(trades_of(trades[2_500:]))
    now = shown(second, MarketReader(store))
    assert (now["initial"], now["opening"]) == (ranged(trades, 20), ranged(trades, 90))


def test_a_poc_is_naked_until_something_trades_at_its_price() -> None:
    days = [[(OPEN + n, tick) for n, tick in enumerate(ticks)] for ticks in ((100, 100, 101), (110, 110, 99, 102))]
    pipeline, _, reader = charted()
    pipeline.process(trades_of(days[0]))
    assert shown(pipeline, reader)["naked"] == []
    pipeline.process(trades_of([(ts + DAY_NS, tick) for ts, tick in days[1]]))
    assert shown(pipeline, reader)["naked"] == [100 * TICK], "99 and 102 are on both sides, but nothing traded at 100"
    pipeline.process(trades_of([(OPEN + 2 * DAY_NS, 120)]))
    assert shown(pipeline, reader)["naked"] == [100 * TICK, 110 * TICK]
    pipeline.process(trades_of([(OPEN + 2 * DAY_NS + 1, 110)]))
    assert shown(pipeline, reader)["naked"] == [100 * TICK]


def test_the_newest_sessions_keep_their_naked_poc() -> None:
    pipeline, _, reader = charted(naked_poc_most=2)
    for day in range(4):
        pipeline.process(trades_of([(OPEN + day * DAY_NS, 100 + day)]))
    assert shown(pipeline, reader)["naked"] == [101 * TICK, 102 * TICK]
    pipeline.configure({"naked_poc_most": 1})
    assert shown(pipeline, reader)["naked"] == [102 * TICK]
