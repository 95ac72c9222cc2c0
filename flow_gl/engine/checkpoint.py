"""The state of all instruments as bytes, so that another run can continue from it.

A checkpoint is taken between two trades. It contains neither rows that were already handed on nor settings: the caller
must make sure that it is restored under the same settings and by the same program.
"""

from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from flow_gl.core.items import Definition, FeedGap
from flow_gl.core.market.limits import MAX_ROWS
from flow_gl.core.schema import MAX_LODS, SESSION, GapKind, TickSource
from flow_gl.core.sessions import Session
from flow_gl.engine.kernels.layout import BINS, COLUMNS, PENDING, STATE
from flow_gl.engine.kernels.reference import STEPS
from flow_gl.engine.rolls import Left

_WORD: Final = 8


class CheckpointError(ValueError):
    """The bytes are not a checkpoint of this program."""


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
    """Restore an array in place from its bytes."""
    array[:] = np.frombuffer(data, array.dtype)


def _check(market: MarketState) -> None:
    """Check that no index of the kernels can leave its array; the kernels themselves do not check."""
    sizes = (
        (len(market.state), STATE.itemsize),
        (len(market.pending), MAX_LODS * PENDING.itemsize),
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
        and 1 <= s["lods"] <= MAX_LODS
        and s["bucket_ns"] > 0
        and s["tick_size"] >= (1 if market.grid.profile else 0)
    )
    if not is_sound:
        raise CheckpointError(f"the state of instrument {market.instrument_id} cannot be")
