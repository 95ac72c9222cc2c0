"""Every row type of the program, in one place.

A trade is kept as Databento's own 48-byte `TradeMsg`, byte for byte, so that a file is read and a recording is
written without conversion. All other rows are our own. Prices are int64 in 1e-9 units, times int64 nanoseconds since
the epoch (UTC), sizes whole contracts; a float appears only where the definition is a float (VWAP, its deviation).
Rows are C-aligned little-endian, so that a Numba kernel, a shared-memory reader and the wire see one layout.
"""

from enum import IntEnum
from typing import Final

import numpy as np

from flow_gl.core import status, units

PRICE_SCALE: Final = units.PRICE_SCALE
UNDEF_PRICE: Final = units.UNDEF_PRICE
UNDEF_TS: Final = -1
"""`ts_event` of a record without a time (2**64 - 1, read as int64)."""
F_BAD_TS_RECV: Final = 8
"""Flag bit: `ts_recv` is not to be trusted."""
F_MAYBE_BAD_BOOK: Final = 4
"""Flag bit: records before this one may be missing."""

MAX_LODS: Final = 12
"""Most levels of detail (lods) of an instrument; `core.market.lod.widths_ns` gives the bucket width of each."""
PROFILE_ROWS: Final = 8192
"""Most rows of a published profile; where more have volume it is published with `ticks_per_row` > 1."""
NODES: Final = 64
"""Most LVN (and HVN) rows that are published, the most prominent first kept."""
GAPS: Final = 512
"""Most gaps of one instrument that are published, the newest kept."""
FINISHED_SESSIONS: Final = 64
"""Most finished sessions of one chart that are published, the newest kept: a quarter of trading days."""
FINISHED_ROWS: Final = 256
"""Most rows of a finished session's profile; ticks are merged until they suffice."""
NAKED_POCS: Final = 64
"""Most naked POCs."""
ROLLS: Final = 256
"""Most rolls of one chart that are published, the newest kept."""


class Side(IntEnum):
    """The aggressor, as the DBN side byte."""

    BUY = ord("B")
    SELL = ord("A")
    NONE = ord("N")


class GapKind(IntEnum):
    """Why there are no trades in an interval."""

    FEED = 1
    """Records are missing: the connection was lost or the gateway skipped some."""
    NO_TRADES = 2
    """Connected, session open, and no trade for over 60 s."""
    CLOSED = 3
    """The exchange was closed between two sessions."""
    UNSCHEDULED = 4
    """No gap but a mark, of no length: a session begins here that the exchange's calendar does not have."""


class TickSource(IntEnum):
    """The source of the tick size, best first."""

    DEFINITION = 1
    TABLE = 2
    OBSERVED = 3


class FeedState(IntEnum):
    """The state of a feed."""

    STARTING = 0
    CONNECTING = 1
    CATCHING_UP = 2
    LIVE = 3
    RECONNECTING = 4
    REPLAY = 5
    DEMO = 6
    ENDED = 7
    """A file or a demo has ended: the numbers are final."""
    FAILED = 8
    """A fatal error that waits for the user; `message` says which."""
    CLOSED = 9
    """Connected, the exchange is closed."""


TRADE: Final = np.dtype(
    {
        "names": [
            "length",  # record length in 4-byte words: 12
            "rtype",  # 0: trades
            "publisher_id",
            "instrument_id",
            "ts_event",  # ns
            "price",  # 1e-9
            "size",  # contracts
            "action",  # b"T" as a byte
            "side",  # Side
            "flags",
            "depth",
            "ts_recv",  # ns
            "ts_in_delta",  # ns
            "sequence",
        ],
        "formats": ["u1", "u1", "<u2", "<u4", "<i8", "<i8", "<u4", "u1", "u1", "u1", "u1", "<i8", "<i4", "<u4"],
        "offsets": [0, 1, 2, 4, 8, 16, 24, 28, 29, 30, 31, 32, 40, 44],
        "itemsize": 48,
    }
)
"""One trade: DBN `TradeMsg`, 48 bytes. `ts_event` and `ts_recv` are u64 on the wire; as int64 UNDEF reads -1."""

BUBBLE: Final = np.dtype(
    [
        ("id", "<i8"),  # ts_event // the bucket's width
        ("ts_event", "<i8"),  # start of the bucket, ns
        ("price", "<i8"),  # volume-weighted average of all its trades, 1e-9, rounded half to even
        ("open", "<i8"),
        ("high", "<i8"),
        ("low", "<i8"),
        ("close", "<i8"),
        ("buy", "<i8"),  # contracts
        ("sell", "<i8"),
        ("unsided", "<i8"),
        ("trade_count", "<i8"),
        ("ts_last", "<i8"),  # ts_event of its last trade, ns
    ]
)
"""One bubble (closed, or the open one in its table), 96 bytes. delta, volume, dominant, significant follow from it."""

CVD_POINT: Final = np.dtype(
    [("id", "<i8"), ("ts_event", "<i8"), ("open", "<i8"), ("high", "<i8"), ("low", "<i8"), ("close", "<i8")]
)
"""CVD over one bucket, contracts; `open` is the value before the bucket's first trade."""

EVENT: Final = np.dtype(
    [
        ("ts_event", "<i8"),  # when it became known, ns
        ("price", "<i8"),  # 1e-9
        ("strength", "<f8"),
        ("value", "<f8", (4,)),  # the inputs that made it, by kind
        ("kind", "<u2"),  # EventKind
        ("direction", "i1"),  # +1 bullish, -1 bearish, 0 none
        ("pad", "u1"),
        ("instrument_id", "<u4"),  # 0: unknown, in rows of an earlier version
    ]
)
"""One alert or detector event."""

MINUTE_LEVELS: Final = np.dtype(
    [
        ("ts_event", "<i8"),  # the minute's end, ns
        ("poc", "<i8"),  # 1e-9, of the session's profile until then; UNDEF_PRICE in hours that are not in it
        ("vah", "<i8"),
        ("val", "<i8"),
        ("volume", "<i8"),  # contracts
        ("vwap", "<f8"),  # points
        ("vwap_sd", "<f8"),  # points
    ]
)
"""The developing POC, value area and VWAP at the end of a minute that had trades."""

ORDER_CVD: Final = np.dtype([("ts_event", "<i8"), ("small", "<i8"), ("medium", "<i8"), ("large", "<i8")])
"""CVD by order size at the end of a second that had trades (`ts_event`, ns): contracts. Their sum is CVD."""

ORDER: Final = np.dtype(
    [
        ("ts_event", "<i8"),
        ("first", "<i8"),  # price of its first and of its last trade, 1e-9
        ("last", "<i8"),
        ("size", "<i8"),  # contracts
        ("trade_count", "<i4"),
        ("side", "u1"),  # Side
        ("pad", "u1", (3,)),
    ]
)
"""An order as the tape shows it: consecutive trades of equal `ts_event` and side."""

LEVELS: Final = np.dtype(
    [
        ("rth_open", "<i8"),  # both ranges begin then, ns; 0 without a calendar
        ("initial_high", "<i8"),  # initial balance, 1e-9; UNDEF_PRICE before its first trade
        ("initial_low", "<i8"),
        ("initial_end", "<i8"),  # it grows until then, ns; 0 without a calendar
        ("initial_frozen", "<i8"),  # 1: it does not change any more
        ("opening_high", "<i8"),  # opening range
        ("opening_low", "<i8"),
        ("opening_end", "<i8"),
        ("opening_frozen", "<i8"),
        ("naked_count", "<i8"),
        ("naked", [("price", "<i8"), ("trade_date", "<i8")], (NAKED_POCS,)),  # oldest first
    ]
)
"""Levels that form and are then fixed, and the naked POCs of earlier sessions."""

OPEN: Final = np.dtype([("count", "<i8"), ("bubble", BUBBLE, (MAX_LODS,)), ("cvd", CVD_POINT, (MAX_LODS,))])
"""The open bubble and CVD point at each level; `trade_count` 0 where there is none. `count`: closed base bubbles."""

PROFILE: Final = np.dtype(
    [
        ("rows", "<i8"),  # from the lowest to the highest one with volume
        ("count", "<i8"),  # number of rows with volume, which are listed below
        ("base", "<i8"),  # price of row 0, 1e-9
        ("tick_size", "<i8"),  # 1e-9
        ("ticks_per_row", "<i8"),
        ("poc", "<i8"),  # prices, 1e-9; UNDEF_PRICE while there is no trade
        ("vah", "<i8"),
        ("val", "<i8"),
        ("total", "<i8"),  # contracts
        ("value_area", "<i8"),  # contracts held by VAL..VAH
        ("step", "<i8"),  # value-area rule: 1 or 2 rows at a time
        ("is_regular", "<i8"),  # 1: of regular hours only
        ("lvn_count", "<i8"),
        ("hvn_count", "<i8"),
        ("lvn", "<i8", (NODES,)),
        ("hvn", "<i8", (NODES,)),
        ("row", "<i4", (PROFILE_ROWS,)),  # numbers of the rows that are listed, rising from 0
        ("buy", "<i8", (PROFILE_ROWS,)),
        ("sell", "<i8", (PROFILE_ROWS,)),
        ("unsided", "<i8", (PROFILE_ROWS,)),
    ]
)
"""The session's volume profile, or that of its regular hours. Row i holds prices base + i * tick_size * ticks_per_row
and up to the next row's; only rows with volume are listed, so that one price far away takes the room of one."""

SESSION: Final = np.dtype(
    [
        ("trade_date", "<i8"),  # YYYYMMDD, 0 without a calendar
        ("open_ts", "<i8"),  # ns; first trade's time without a calendar
        ("close_ts", "<i8"),
        ("unscheduled", "<i8"),  # 1: the exchange's calendar has no session then
        ("partial", "<i8"),  # 1: it begins with `first_ts`, its earlier trades are not known ...
        ("prior_partial", "<i8"),  # ... as of the session whose levels are the prior ones
        ("prior_regular", "<i8"),  # 1: prior POC, VAH and VAL are those of regular hours
        ("first_ts", "<i8"),  # first and last trade, ns
        ("last_ts", "<i8"),
        ("last_recv", "<i8"),
        ("last_price", "<i8"),  # 1e-9
        ("open", "<i8"),
        ("high", "<i8"),
        ("low", "<i8"),
        ("buy", "<i8"),  # contracts
        ("sell", "<i8"),
        ("unsided", "<i8"),
        ("trade_count", "<i8"),
        ("bubble_count", "<i8"),  # closed ones of this session
        ("cvd", "<i8"),
        ("cvd_high", "<i8"),
        ("cvd_low", "<i8"),
        ("cvd_since", "<i8"),  # CVD counts from here on: its last reset, ns; 0 while there is no trade
        ("vwap", "<f8"),  # points; nan while there is no trade
        ("vwap_sd", "<f8"),  # points
        ("reference", "<i8"),  # contracts that draw the largest disc
        ("prior_high", "<i8"),  # finished session, 1e-9; UNDEF_PRICE where none
        ("prior_low", "<i8"),
        ("prior_close", "<i8"),
        ("prior_poc", "<i8"),
        ("prior_vah", "<i8"),
        ("prior_val", "<i8"),
        ("overnight_high", "<i8"),
        ("overnight_low", "<i8"),
        ("rejected", "<i8"),  # since the engine's start, in all ...
        ("rejected_action", "<i8"),  # ... and by reason: `core.market.rejections`
        ("rejected_no_price", "<i8"),
        ("rejected_no_size", "<i8"),
        ("rejected_time", "<i8"),
        ("rejected_price", "<i8"),
        ("late", "<i8"),
        ("maybe_bad_book", "<i8"),
        ("total_trades", "<i8"),
    ]
)
"""The totals of the session so far."""

FINISHED_SESSION: Final = np.dtype(
    [
        ("instrument_id", "<i8"),
        ("numbers", SESSION),  # at its end
        ("rth_open", "<i8"),  # initial balance and opening range, as in LEVELS
        ("initial_high", "<i8"),
        ("initial_low", "<i8"),
        ("opening_high", "<i8"),
        ("opening_low", "<i8"),
        ("is_regular", "<i8"),  # as in PROFILE, like all that follows
        ("poc", "<i8"),
        ("vah", "<i8"),
        ("val", "<i8"),
        ("rows", "<i8"),
        ("count", "<i8"),
        ("base", "<i8"),
        ("tick_size", "<i8"),
        ("ticks_per_row", "<i8"),
        ("row", "<i4", (FINISHED_ROWS,)),
        ("buy", "<i8", (FINISHED_ROWS,)),
        ("sell", "<i8", (FINISHED_ROWS,)),
        ("unsided", "<i8", (FINISHED_ROWS,)),
    ]
)
"""A session that has ended: its numbers, levels, and its profile with at most `FINISHED_ROWS` rows."""

FINISHED_LIST: Final = np.dtype(
    [("count", "<i8"), ("total", "<i8"), ("session", FINISHED_SESSION, (FINISHED_SESSIONS,))]
)
"""The finished sessions of one chart, oldest first."""

SESSION_SPAN: Final = np.dtype([("open_ts", "<i8"), ("first_ts", "<i8"), ("last_ts", "<i8"), ("trade_date", "<i8")])
"""The span of a session in a replay: its open, its first and its last trade (ns), and its trade date (YYYYMMDD)."""

GAP: Final = np.dtype([("start", "<i8"), ("end", "<i8"), ("kind", "<u2"), ("open", "u1"), ("pad", "u1", (5,))])
"""A period without trades or without data; `open` is 1 while it lasts (then `end` is the newest time known)."""

GAP_LIST: Final = np.dtype([("count", "<i8"), ("total", "<i8"), ("gap", GAP, (GAPS,))])

ROLL: Final = np.dtype(
    [
        ("last_ts", "<i8"),  # the old instrument's last trade in the chart, ns
        ("first_ts", "<i8"),  # the new one's first trade, ns; NOT_YET while there is none
        ("from_id", "<i8"),
        ("to_id", "<i8"),
        ("from_symbol", "S32"),  # raw symbols; empty where unknown
        ("to_symbol", "S32"),
    ]
)
"""A chart went on with another instrument: rows up to `last_ts` are the old one's, later rows the new one's."""
NOT_YET: Final = 2**62

ROLL_LIST: Final = np.dtype([("count", "<i8"), ("total", "<i8"), ("roll", ROLL, (ROLLS,))])
"""The rolls of one chart, oldest first."""

INSTRUMENT: Final = np.dtype(
    [
        ("symbol", "S32"),  # the contract: NQZ5
        ("requested", "S32"),  # as requested: NQ.v.0
        ("instrument_id", "<i8"),
        ("tick_size", "<i8"),  # 1e-9
        ("tick_source", "<i8"),  # TickSource
        ("point_value", "<f8"),  # currency per point and contract; nan where unknown
        ("point_value_known", "<i8"),
        ("bucket_ns", "<i8"),
    ]
)

CHARTS: Final = status.CHARTS
STATUS: Final = status.STATUS
