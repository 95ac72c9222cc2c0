"""The state of all instruments as bytes, so that another run can continue from it.

A checkpoint is taken between two trades. It contains neither settings nor rows that sinks have already received, except
the newest orders of each tape: the caller must make sure that it is restored under the same settings and by the same
version of the program.
"""

from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from flow_gl.core.items import Definition, FeedGap, Spans
from flow_gl.core.market.footprint import FOOTPRINT, FOOTPRINT_ROWS
from flow_gl.core.market.limits import MAX_ROWS
from flow_gl.core.schema import FINISHED_SESSION, MAX_LODS, ORDER, SESSION, GapKind, TickSource
from flow_gl.core.sessions import Session
from flow_gl.engine.kernels.footprint import LEVEL
from flow_gl.engine.kernels.layout import BINS, COLUMNS, PENDING, STATE
from flow_gl.engine.kernels.reference import STEPS
from flow_gl.engine.rolls import FormerInstrument

_WORD: Final = 8


class CheckpointError(ValueError):
    """The bytes are not a checkpoint of this program."""


class GapState(msgspec.Struct, frozen=True):
    """The gaps of one instrument."""

    quiet: list[tuple[int, int, GapKind]]
    feed: list[FeedGap]
    total: int


class GridState(msgspec.Struct, frozen=True):
    """The part of a price grid that STATE does not hold."""

    source: TickSource | None
    has_seen_only_zero: bool
    profile: bytes
    known_tick: int = 0
    """Tick size (1e-9 units) from the definition or table; 0 if there is none."""
    aside: dict[int, tuple[int, int, int]] = {}
    """Buy, sell and unsided contracts by price, for prices outside the profile's rows."""
    is_tick_guessed: bool = False
    known_source: TickSource | None = None


class MarketState(msgspec.Struct, frozen=True):
    """The state of one instrument."""

    instrument_id: int
    symbol: str
    requested: str
    has_started: bool
    next_reset: int
    regular_hours: list[bytes]
    """State of `regular_hours.RegularHours`."""
    defined_outright: bool | None
    point_value: float | None
    session: Session | None
    grid: GridState
    gaps: GapState
    rolls: list[FormerInstrument]
    state: bytes
    """Bytes of the STATE array; the next three are the bytes of the PENDING, int64 and SESSION arrays."""
    pending: bytes
    bins: bytes
    session_row: bytes
    chart: int = -1
    """Index of the chart that shows it; -1 for none."""
    is_ended: bool = False
    """Its market has ended, but its chart still shows it."""
    detectors: list[bytes] = []
    """State of `detectors.group.DetectorGroup`, and further trades that continue its own; empty without detectors."""
    sessions: list[bytes] = []
    """FINISHED_SESSION rows of its chart, oldest first."""
    footprints: list[bytes] = []
    """State of `footprints.Footprints`; empty without footprints."""


class TapeState(msgspec.Struct, frozen=True):
    """The tape of one chart."""

    head: int = 0
    """Orders written since the beginning."""
    rows: bytes = b""
    """ORDER rows that the tape still holds, oldest first."""
    newest: bytes = bytes(ORDER.itemsize)
    """ORDER row of the order that may still continue; its size is 0 where there is none."""


class PipelineState(msgspec.Struct, frozen=True):
    """The states of all instruments and tapes, the feed gaps common to all, and the definitions."""

    markets: list[MarketState]
    gaps: list[FeedGap]
    definitions: list[Definition] = []
    coverage: list[tuple[int, Spans, int]] = []
    """State of `coverage.Coverage`."""
    tapes: list[TapeState] = []
    """By chart."""


_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(PipelineState)


def encode(state: PipelineState) -> bytes:
    """Encode a checkpoint."""
    return _encoder.encode(state)


def decode(data: bytes) -> PipelineState:
    """Decode a checkpoint and check that it can be restored safely. Raises CheckpointError."""
    try:
        state = _decoder.decode(data)
    except msgspec.MsgspecError as error:
        raise CheckpointError(f"not a checkpoint: {error}") from None
    for market in state.markets:
        _check(market)
    for tape in state.tapes:
        if len(tape.newest) != ORDER.itemsize or not 0 <= len(tape.rows) <= tape.head * ORDER.itemsize:
            raise CheckpointError("the orders of a tape have another size")
    return state


def fill(array: NDArray[np.generic], data: bytes) -> None:
    """Restore an array in place from the bytes of its elements; their number must fit."""
    array[:] = np.frombuffer(data, array.dtype)


def _check(market: MarketState) -> None:
    """Check that no kernel index can leave its array, because the kernels do not check bounds."""
    sizes = (
        (len(market.state), STATE.itemsize),
        (len(market.pending), MAX_LODS * PENDING.itemsize),
        (len(market.bins), BINS * _WORD),
        (len(market.session_row), SESSION.itemsize),
        (len(market.grid.profile) % (COLUMNS * _WORD), 0),
        *((len(row), FINISHED_SESSION.itemsize) for row in market.sessions),
        *((len(part) % (COLUMNS * _WORD), 0) for part in market.regular_hours),
    )
    levels, *open_rows = market.footprints or [b""]
    sizes += (
        (len(levels), len(open_rows) * LEVEL.itemsize),
        *((len(rows) % FOOTPRINT.itemsize, 0) for rows in open_rows),
    )
    if any(size != expected for size, expected in sizes) or len(market.grid.profile) > MAX_ROWS * COLUMNS * _WORD:
        raise CheckpointError(f"the arrays of instrument {market.instrument_id} have another size")
    s = np.frombuffer(market.state, STATE)[0]
    is_sound = (
        s["instrument_id"] == market.instrument_id
        and 0 <= s["reference_step"] < len(STEPS)
        and 1 <= s["lods"] <= MAX_LODS
        and s["bucket_ns"] > 0
        and s["tick_size"] >= (1 if market.grid.profile else 0)
        and len(open_rows) <= s["lods"]
        and all(len(rows) <= FOOTPRINT_ROWS * FOOTPRINT.itemsize for rows in open_rows)
    )
    if not is_sound:
        raise CheckpointError(f"the state of instrument {market.instrument_id} cannot be")
