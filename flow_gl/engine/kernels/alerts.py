"""Evaluates the alert rules on trades: levels, CVD, bubbles, seconds.

Trades are read in blocks. A block's columns (price, CVD, contracts of the bubble and of the second so far, the second
that a trade ends) are filled in one loop, and each rule is then looked for in the column that it waits for; most rules
need no more than the block's extremes. A rule's order within a block does not matter: the caller sorts what fired by
the trade that fired it.

A level that moves never fires by itself: the last trade is put on its side of the new level.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.alerts import ALERT, Condition, Level
from flow_gl.core.schema import UNDEF_PRICE, Side
from flow_gl.core.units import SECOND_NS
from flow_gl.engine.kernels.jit import kernel
from flow_gl.engine.kernels.trade_words import trade_nb

BLOCK: Final = 256
"""Trades that are read at a time."""
NONE: Final = -(2**62)
"""No bucket, second, time or price."""

RULE: Final = np.dtype(
    [(name, "<i8") for name in ("id", "condition", "level", "price", "direction", "cool_down_ns")] + [("least", "<f8")]
)
"""A rule on trades, for the kernel. `price` is a custom level's."""
RULE_STATE: Final = np.dtype(
    [
        ("side", "<i8"),  # level: side of the last trade, 0 unknown or at the level; CVD: 1 if within the value
        ("last", "<i8"),  # bucket or second that has fired; NONE
        ("fired_ts", "<i8"),  # event time of the last alert, ns; NONE
    ]
)
"""The state of a rule."""
STATE: Final = np.dtype(
    [
        (name, "<i8")
        for name in (
            "last_price",  # 1e-9; NONE before the session's first trade
            "bucket",  # number of the open bucket; NONE
            "buy",  # its contracts
            "sell",
            "unsided",
            "second",  # number of the open second; NONE
            "second_volume",
            "second_delta",
            "second_price",  # of its last trade
            "volume",  # for VWAP: contracts of the session ...
            "ticks",  # ... and the sum of contracts * ticks from `base`
            "base",  # 1e-9; NONE before the session's first trade
            "cvd",
        )
    ]
)
"""The state that all rules share."""
FIRED: Final = np.dtype([(name, ALERT.fields[name][0]) for name in ALERT.names] + [("at", "<i8")])  # type: ignore[union-attr,index]  # a structured dtype has fields
"""An ALERT and the number, in the batch, of the trade that fired it."""
COLUMNS: Final = ("price", "ts", "cvd", "bubble", "bubble_side", "bucket", "second_volume", "second_side", "second")
"""The columns of a block, as rows of an int64 array; of an ended second there are three more."""
ROWS: Final = len(COLUMNS) + 3
_PRICE, _TS, _CVD, _BUBBLE, _BUBBLE_SIDE, _BUCKET, _VOLUME, _VOLUME_SIDE, _SECOND, _ENDED, _DELTA, _ENDED_PRICE = range(
    ROWS
)
_BUY: Final = int(Side.BUY)
_SELL: Final = int(Side.SELL)
_IS_LEVEL: Final = int(Condition.LEVEL)
_IS_CVD: Final = int(Condition.CVD)
_IS_BUBBLE: Final = int(Condition.BUBBLE)
_IS_VOLUME: Final = int(Condition.SECOND_VOLUME)
_IS_DELTA: Final = int(Condition.SECOND_DELTA)
_CUSTOM: Final = int(Level.CUSTOM)
_VWAP: Final = int(Level.VWAP)


@kernel
def sign_nb(value: int) -> int:
    return (value > 0) - (value < 0)


@kernel
def fire_nb(  # noqa: PLR0917  # one row's fields
    rule: Any, seen: Any, row: Any, at: int, ts: int, price: int, value: int, direction: int
) -> int:
    """Fill a FIRED row unless the rule's direction or cool-down forbids it. Returns the number of rows, 0 or 1."""
    if rule["direction"] != 0 and rule["direction"] != direction:
        return 0
    if seen["fired_ts"] != NONE and ts - seen["fired_ts"] < rule["cool_down_ns"]:
        return 0
    seen["fired_ts"] = ts
    row["ts_event"] = ts
    row["price"] = price
    row["value"] = value
    row["strength"] = 0.0
    row["rule"] = rule["id"]
    row["condition"] = rule["condition"]
    row["detail"] = rule["level"]
    row["direction"] = direction
    row["at"] = at
    return 1


@kernel
def columns_nb(  # noqa: PLR0917  # kernels take arrays
    words: NDArray[np.int64], start: int, stop: int, s: Any, bucket_ns: int, block: NDArray[np.int64]
) -> int:
    """Fill a block's columns from trades [start, stop). Returns the number of trades.

    Records that the pipeline rejects are left out. A trade of an earlier bucket or second counts in the open one.
    """
    count, cvd = 0, s["cvd"]
    for i in range(start, stop):
        ts, price, size, side, is_trade = trade_nb(words, i)
        if not is_trade:
            continue
        sign = (side == _BUY) - (side == _SELL)
        cvd += sign * size
        bucket, second = ts // bucket_ns, ts // SECOND_NS
        if bucket > s["bucket"]:
            s["bucket"], s["buy"], s["sell"], s["unsided"] = bucket, 0, 0, 0
        block[_ENDED, count] = NONE
        if second > s["second"]:
            block[_ENDED, count] = s["second"]
            block[_DELTA, count], block[_ENDED_PRICE, count] = s["second_delta"], s["second_price"]
            s["second"], s["second_volume"], s["second_delta"] = second, 0, 0
        if sign > 0:
            s["buy"] += size
        elif sign < 0:
            s["sell"] += size
        else:
            s["unsided"] += size
        s["second_volume"] += size
        s["second_delta"] += sign * size
        s["second_price"] = price
        sided = max(s["buy"], s["sell"])
        block[_PRICE, count], block[_TS, count], block[_CVD, count] = price, ts, cvd
        block[_BUBBLE, count] = sided if sided else s["unsided"]
        block[_BUBBLE_SIDE, count], block[_BUCKET, count] = sign_nb(s["buy"] - s["sell"]), s["bucket"]
        block[_VOLUME, count], block[_VOLUME_SIDE, count] = s["second_volume"], sign_nb(s["second_delta"])
        block[_SECOND, count] = s["second"]
        count += 1
    s["cvd"] = cvd
    return count


@kernel
def level_nb(  # noqa: PLR0917  # kernels take arrays
    rule: Any, seen: Any, block: NDArray[np.int64], count: int, level: int, first: int, fired: Any, found: int
) -> int:
    """Look for trades at or beyond a level after trades on its other side. Returns the number of FIRED rows."""
    for k in range(count):
        price = block[_PRICE, k]
        side = sign_nb(price - level)
        if seen["side"] != 0 and side != seen["side"]:
            found += fire_nb(rule, seen, fired[found], first + k, block[_TS, k], price, level, -seen["side"])
        seen["side"] = side
    return found


@kernel
def vwap_nb(  # noqa: PLR0917  # kernels take arrays
    rule: Any,
    seen: Any,
    block: NDArray[np.int64],
    count: int,
    vwaps: NDArray[np.int64],
    first: int,
    tick_size: int,
    base: int,
    fired: Any,
    found: int,
) -> int:
    """Look for trades at or beyond VWAP, as it was before each of them. Returns the number of FIRED rows.

    As `level_nb` with a level that changes with each trade. `vwaps`, int64 (2, BLOCK), has the volume and the sum of
    contracts * ticks before each trade; the comparison multiplies by the volume, so it is exact.
    """
    for k in range(count):
        volume, ticks = vwaps[0, k], vwaps[1, k]
        if volume == 0:
            continue
        price = block[_PRICE, k]
        side = sign_nb((price - base) // tick_size * volume - ticks)
        if seen["side"] != 0 and side != seen["side"]:
            value = base + round(tick_size * (ticks / volume))
            found += fire_nb(rule, seen, fired[found], first + k, block[_TS, k], price, value, -seen["side"])
        seen["side"] = side
    return found


@kernel
def cvd_nb(  # noqa: PLR0917  # kernels take arrays
    rule: Any, seen: Any, block: NDArray[np.int64], count: int, first: int, fired: Any, found: int
) -> int:
    """Look for the trades that bring |CVD| beyond the rule's value. Returns the number of FIRED rows."""
    for k in range(count):
        cvd = block[_CVD, k]
        is_within = abs(cvd) <= rule["least"]
        if seen["side"] == 1 and not is_within:
            price = block[_PRICE, k]
            found += fire_nb(rule, seen, fired[found], first + k, block[_TS, k], price, cvd, sign_nb(cvd))
        seen["side"] = int(is_within)
    return found


@kernel
def sum_nb(  # noqa: PLR0917  # kernels take arrays
    rule: Any,
    seen: Any,
    block: NDArray[np.int64],
    count: int,
    first: int,
    rows: tuple[int, int, int],
    fired: Any,
    found: int,
) -> int:
    """Look for the first trade of each bucket or second with which a sum reaches the rule's value.

    `rows` are the block's rows of sum, side and number of the bucket or second. Returns the number of FIRED rows.
    """
    total, way, number = rows
    for k in range(count):
        if block[total, k] >= rule["least"] and block[number, k] != seen["last"]:
            seen["last"] = block[number, k]
            value, side = block[total, k], block[way, k]
            found += fire_nb(rule, seen, fired[found], first + k, block[_TS, k], block[_PRICE, k], value, side)
    return found


@kernel
def delta_nb(  # noqa: PLR0917  # one second's numbers
    rule: Any, seen: Any, second: int, delta: int, price: int, at: int, fired: Any, found: int
) -> int:
    """Test a second that has ended, once. Returns the number of FIRED rows."""
    if second == NONE or second == seen["last"] or abs(delta) < rule["least"] or delta == 0:
        return found
    seen["last"] = second
    return found + fire_nb(rule, seen, fired[found], at, (second + 1) * SECOND_NS, price, delta, sign_nb(delta))


@kernel
def alerts_nb(  # noqa: PLR0912, PLR0917  # the conditions; kernels take arrays
    words: NDArray[np.int64],
    start: int,
    stop: int,
    rules: NDArray[np.void],
    seen: NDArray[np.void],
    state: NDArray[np.void],
    levels: NDArray[np.int64],
    bucket_ns: int,
    tick_size: int,
    taken: int,
    block: NDArray[np.int64],
    vwaps: NDArray[np.int64],
    fired: NDArray[np.void],
) -> tuple[int, int, int]:
    """Evaluate the rules on trades [start, stop), during which the levels stay.

    Parameters
    ----------
    words : int64 words of TRADE rows
    rules, seen : RULE and RULE_STATE, one each per rule
    state : STATE, shape (1,)
    levels : price of each Level, 1e-9; UNDEF_PRICE where there is none
    taken : number of the first trade in the batch, records that the pipeline rejects not counted
    block, vwaps : space, int64, shapes (ROWS, BLOCK) and (2, BLOCK)
    fired : space for FIRED rows, BLOCK per rule at least

    Returns
    -------
    found : number of FIRED rows
    next : index of the first trade that was not read; less than `stop` if the space was used up
    taken : after the last trade that was read
    """
    s = state[0]
    found, has_vwap = 0, False
    for j in range(len(rules)):
        has_vwap |= rules[j]["condition"] == _IS_LEVEL and rules[j]["level"] == _VWAP
        if rules[j]["condition"] == _IS_CVD and abs(s["cvd"]) <= rules[j]["least"]:
            seen[j]["side"] = 1
    at = start
    while at < stop and len(fired) - found >= BLOCK * len(rules):
        end = min(at + BLOCK, stop)
        count = columns_nb(words, at, end, s, bucket_ns, block)
        if count == 0:
            at = end
            continue
        if has_vwap:
            if s["base"] == NONE:
                s["base"] = block[_PRICE, 0]
            add_vwap_nb(words, at, end, s, tick_size, vwaps)
        low = high = block[_PRICE, 0]
        for k in range(1, count):
            low, high = min(low, block[_PRICE, k]), max(high, block[_PRICE, k])
        for j in range(len(rules)):
            rule, one = rules[j], seen[j]
            condition = rule["condition"]
            if condition == _IS_LEVEL:
                if rule["level"] == _VWAP:
                    base = s["base"]
                    found = vwap_nb(rule, one, block, count, vwaps, taken, tick_size, base, fired, found)
                    continue
                level = rule["price"] if rule["level"] == _CUSTOM else levels[rule["level"]]
                is_clear = (one["side"] > 0 and low > level) or (one["side"] < 0 and high < level)
                if level != UNDEF_PRICE and not is_clear:
                    found = level_nb(rule, one, block, count, level, taken, fired, found)
            elif condition == _IS_CVD:
                found = cvd_nb(rule, one, block, count, taken, fired, found)
            elif condition == _IS_BUBBLE:
                found = sum_nb(rule, one, block, count, taken, (_BUBBLE, _BUBBLE_SIDE, _BUCKET), fired, found)
            elif condition == _IS_VOLUME:
                found = sum_nb(rule, one, block, count, taken, (_VOLUME, _VOLUME_SIDE, _SECOND), fired, found)
            elif condition == _IS_DELTA:
                for k in range(count):
                    second, delta, price = block[_ENDED, k], block[_DELTA, k], block[_ENDED_PRICE, k]
                    found = delta_nb(rule, one, second, delta, price, taken + k, fired, found)
        s["last_price"] = block[_PRICE, count - 1]
        at, taken = end, taken + count
    return found, at, taken


@kernel
def add_vwap_nb(  # noqa: PLR0917  # kernels take arrays
    words: NDArray[np.int64], start: int, stop: int, s: Any, tick_size: int, vwaps: NDArray[np.int64]
) -> None:
    """Write the sums of VWAP before each trade of a block into `vwaps`, int64 (2, BLOCK), and add the trade.

    The sums are volume (contracts) and contracts * ticks from `base`. `words` are TRADE records as int64, (n * 6,).
    """
    count = 0
    for i in range(start, stop):
        _, price, size, _, is_trade = trade_nb(words, i)
        if not is_trade:
            continue
        vwaps[0, count], vwaps[1, count] = s["volume"], s["ticks"]
        s["volume"] += size
        s["ticks"] += (price - s["base"]) // tick_size * size
        count += 1


@kernel
def level_moved_nb(rules: NDArray[np.void], seen: NDArray[np.void], level: int, price: int, last_price: int) -> None:
    """Put the last trade on its side of a level that has moved to `price` (UNDEF_PRICE: it is gone)."""
    for j in range(len(rules)):
        if rules[j]["condition"] == _IS_LEVEL and rules[j]["level"] == level:
            is_known = last_price != NONE and price != UNDEF_PRICE
            seen[j]["side"] = sign_nb(last_price - price) if is_known else 0


@kernel
def end_second_nb(
    rules: NDArray[np.void], seen: NDArray[np.void], state: NDArray[np.void], fired: NDArray[np.void]
) -> int:
    """End the open second, because the clock has passed it. Returns the number of FIRED rows."""
    s = state[0]
    found = 0
    for j in range(len(rules)):
        if rules[j]["condition"] == _IS_DELTA:
            delta, price = s["second_delta"], s["second_price"]
            found = delta_nb(rules[j], seen[j], s["second"], delta, price, 0, fired, found)
    return found
