"""What the next trade builds on, of all instruments, as bytes: so that another run goes on where this one stood.

A checkpoint is taken between two trades. It holds no row that was handed on and no setting: whoever keeps it sees to
it that it is put back under the settings and the program that made it.
"""

from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from flow_gl.core.items import Definition, FeedGap
from flow_gl.core.market.limits import MAX_ROWS
from flow_gl.core.schema import LEVELS, SESSION, GapKind, TickSource
from flow_gl.core.sessions import Session
from flow_gl.engine.kernels.layout import BINS, COLUMNS, PENDING, STATE
from flow_gl.engine.kernels.reference import STEPS
from flow_gl.engine.rolls import Left

_WORD: Final = 8


class CheckpointError(ValueError):
    """Bytes that are no checkpoint of this program."""


class GapState(msgspec.Struct, frozen=True):
    """The gaps of one instrument."""

    quiet: list[tuple[int, int, GapKind]]
    feed: list[FeedGap]
    total: int


class GridState(msgspec.Struct, frozen=True):
    """A price grid beside what STATE holds of it."""

    source: TickSource | None
    has_seen_only_zero: bool
    profile: bytes
    known_tick: int = 0
    """Tick size (1e-9) of the definition or table, 0 where there is none."""
    aside: dict[int, tuple[int, int, int]] = {}
    """Buy, sell and unsided contracts at prices that the rows do not reach."""
    is_tick_guessed: bool = False


class MarketState(msgspec.Struct, frozen=True):
    """One instrument."""

    instrument_id: int
    symbol: str
    requested: str
    has_started: bool
    next_reset: int
    is_overnight_frozen: bool
    defined_outright: bool | None
    point_value: float | None
    session: Session | None
    grid: GridState
    gaps: GapState
    rolls: list[Left]
    state: bytes
    """STATE, as PENDING, int64 and SESSION below: the arrays' bytes."""
    pending: bytes
    bins: bytes
    session_row: bytes
    chart: int = -1
    """Which chart it is on; -1 for none."""
    is_ended: bool = False
    """Its id means another instrument by now."""
    detectors: list[bytes] = []
    """Of `detectors.group.DetectorGroup`; empty where there are none."""


class PipelineState(msgspec.Struct, frozen=True):
    """All instruments, in the order in which they were first heard of, and the gaps that all share."""

    markets: list[MarketState]
    gaps: list[FeedGap]
    definitions: list[Definition] = []


_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(PipelineState)


def encode(state: PipelineState) -> bytes:
    """Write a checkpoint."""
    return _encoder.encode(state)


def decode(data: bytes) -> PipelineState:
    """Read a checkpoint; what came out may be put back. Raises CheckpointError."""
    try:
        state = _decoder.decode(data)
    except msgspec.MsgspecError as error:
        raise CheckpointError(f"not a checkpoint: {error}") from None
    for market in state.markets:
        _check(market)
    return state


def fill(array: NDArray[np.generic], data: bytes) -> None:
    """Put an array's bytes back in its place."""
    array[:] = np.frombuffer(data, array.dtype)


def _check(market: MarketState) -> None:
    """The kernels trust what they are given: see here that no index of theirs can leave its array."""
    sizes = (
        (len(market.state), STATE.itemsize),
        (len(market.pending), LEVELS * PENDING.itemsize),
        (len(market.bins), BINS * _WORD),
        (len(market.session_row), SESSION.itemsize),
        (len(market.grid.profile) % (COLUMNS * _WORD), 0),
    )
    if any(size != expected for size, expected in sizes) or len(market.grid.profile) > MAX_ROWS * COLUMNS * _WORD:
        raise CheckpointError(f"the arrays of instrument {market.instrument_id} have another size")
    s = np.frombuffer(market.state, STATE)[0]
    is_sound = (
        s["instrument_id"] == market.instrument_id
        and 0 <= s["reference_step"] < len(STEPS)
        and 1 <= s["levels"] <= LEVELS
        and s["bucket_ns"] > 0
        and s["tick_size"] >= (1 if market.grid.profile else 0)
    )
    if not is_sound:
        raise CheckpointError(f"the state of instrument {market.instrument_id} cannot be")
