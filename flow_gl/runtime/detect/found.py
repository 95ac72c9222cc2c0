"""The results of one range of sessions under one set of parameters: sent between processes and written to files."""

from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from flow_gl.core.schema import EVENT
from flow_gl.runtime.detect.later import HORIZONS
from flow_gl.runtime.detect.plan import Tick


class SessionFound(msgspec.Struct, frozen=True):
    """One instrument's events of one session."""

    trade_date: int
    """YYYYMMDD."""
    first_ts: int
    """Its first and last trade, ns."""
    last_ts: int
    trades: int
    volume: int
    rejected: int
    """Records that were not aggregated."""
    events: bytes
    """EVENT rows, in the order of the exported table."""
    price: bytes
    """int64 by event: price at its time, 1e-9 units."""
    moves: bytes
    """float64 by event and horizon (`later.HORIZONS`), ticks; NaN where there is none."""

    def event_rows(self) -> NDArray[np.void]:
        """Return the events (EVENT)."""
        return np.frombuffer(self.events, EVENT)

    def prices(self) -> NDArray[np.int64]:
        """Return the price at each event's time, 1e-9 units."""
        return np.frombuffer(self.price, np.int64)

    def moved(self) -> NDArray[np.float64]:
        """Return the moves after each event, ticks, shape (n, 3)."""
        return np.frombuffer(self.moves, np.float64).reshape(-1, len(HORIZONS))


class MarketState(msgspec.Struct, frozen=True):
    """The state of an instrument on which its later sessions depend."""

    instrument_id: int
    symbol: str
    has_traded: bool
    session_first: int
    """First trade of its newest session, ns."""
    session_end: int
    """Time from which trades belong to another session, ns."""
    tick: Tick
    digest: bytes
    """Hash of the newest session so far: its detectors' state and events."""


class MarketFound(msgspec.Struct, frozen=True):
    """One instrument's sessions in a session_range."""

    instrument_id: int
    symbol: str
    requested: str
    sessions: list[SessionFound]


class RangeFound(msgspec.Struct, frozen=True):
    """All instruments of a session_range."""

    markets: list[MarketFound]
    shared: list[MarketState]
    """States at the end of the file that it shares with the range before it; empty without one."""
    end: list[MarketState]
    """States at its end."""
    before: int
    """Sessions that do not count because they begin before the range ..."""
    after: int
    """... and after it."""
    messages: list[str]
    damage: list[str]


_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(RangeFound)


def encode(found: RangeFound) -> bytes:
    """Encode the results of a range; equal results give equal bytes."""
    return _encoder.encode(found)


def decode(data: bytes) -> RangeFound | None:
    """Decode the results of a range; None if the bytes are something else."""
    try:
        return _decoder.decode(data)
    except msgspec.MsgspecError:
        return None
