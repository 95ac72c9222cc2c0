"""Converts rows to JSON messages."""

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.event_kinds import EventKind
from flow_gl.core.schema import UNDEF_PRICE, GapKind
from flow_gl.protocol.frames import Rows
from flow_gl.protocol.kinds import (
    BUBBLE_FIELDS,
    CHART_FIELDS,
    CHART_ROW,
    CVD_FIELDS,
    FORMS,
    Cause,
    Kind,
    Part,
    words_of,
)
from flow_gl.protocol.messages import (
    Bubble,
    CVDPoint,
    Event,
    Gap,
    Levels,
    Open,
    Row,
    ServerMessage,
    Session,
    Snapshot,
    VolumeProfile,
)

MAX_SINGLE: Final = 32
"""Up to this many new rows are sent one by one; more are sent as one Snapshot."""
_HIDDEN: Final = ("pad", "naked", "session", "market", "pid", "not_found")


def messages(block: Rows, symbol: str, threshold: float = 0.0) -> list[ServerMessage]:
    """Return rows as messages, except those of the profile (`profile`).

    Parameters
    ----------
    symbol : the instrument's symbol in the messages
    threshold : imbalance above which a bubble is significant
    """
    if block.kind is Kind.OPEN:
        return [_open(block, symbol)]
    if block.kind in (Kind.SESSION, Kind.LEVELS):
        return [_record(block, symbol)]
    if block.part is not Part.INCREMENT or len(block.rows) > MAX_SINGLE or block.kind is Kind.FOOTPRINT:
        return [_snapshot(block, symbol)]
    if block.kind is Kind.BUBBLE:
        return [one for at in range(len(block.rows)) for one in _bubble(block, symbol, at, threshold)]
    return [_single(block, symbol, at) for at in range(len(block.rows))]


def fields(row: np.void) -> dict[str, Any]:
    """Return a row's fields for JSON: strings decoded, unknown numbers as None, nested rows as mappings."""
    names = [name for name in row.dtype.names or () if not name.startswith(_HIDDEN)]
    return {name: _plain(row[name]) for name in names}


def _plain(value: Any) -> Any:
    if isinstance(value, np.void) and value.dtype.names:
        return fields(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, np.ndarray):
        return [_plain(one) for one in value]
    plain = value.item()
    if plain == UNDEF_PRICE or (isinstance(plain, float) and not math.isfinite(plain)):
        return None
    return plain


def _bubble(block: Rows, symbol: str, at: int, threshold: float) -> tuple[Bubble, CVDPoint]:
    row = dict(zip(CHART_FIELDS, block.rows[at].item(), strict=True))
    place: dict[str, Any] = {
        "symbol": symbol,
        "level": block.level,
        "epoch": block.epoch,
        "sequence": block.sequence + at,
    }
    buy, sell = row["buy"], row["sell"]
    bubble = Bubble(
        **place,
        **{name: row[name] for name in BUBBLE_FIELDS},
        delta=buy - sell,
        volume=max(buy, sell) or row["unsided"],
        significant=abs(buy - sell) > threshold * (buy + sell),
    )
    cvd = {name: row[f"cvd_{name}"] for name in CVD_FIELDS}
    return bubble, CVDPoint(**place, id=row["id"], ts_event=row["ts_event"], **cvd)


def _open(block: Rows, symbol: str) -> Open:
    bubble = cvd = None
    if len(block.rows):
        row = dict(zip(CHART_FIELDS, block.rows[0].item(), strict=True))
        bubble = {name: row[name] for name in BUBBLE_FIELDS}
        cvd = {name: row[f"cvd_{name}"] for name in CVD_FIELDS}
    return Open(symbol, block.level, block.epoch, block.sequence, bubble, cvd)


def _record(block: Rows, symbol: str) -> Session | Levels:
    row = block.rows[0]
    if block.kind is Kind.SESSION:
        return Session(symbol, block.epoch, block.sequence, fields(row))
    naked = [list(one) for one in row["naked"][: int(row["naked_count"])].tolist()]
    return Levels(symbol, block.epoch, block.sequence, fields(row), naked)


def profile(head: Rows, rows: Rows, symbol: str) -> VolumeProfile:
    """Return the message for a profile's head (PROFILE_HEAD) and rows (PROFILE_ROW)."""
    row = head.rows[0]
    numbers = fields(row)
    step = int(row["tick_size"]) * int(row["ticks_per_row"])
    held = words_of(rows.rows, 4).copy()
    held[:, 0] = int(row["base"]) + held[:, 0] * step
    lists = {name: row[name][: int(row[f"{name}_count"])].tolist() for name in ("lvn", "hvn")}
    kept = ("poc", "vah", "val", "total", "value_area", "step", "tick_size", "ticks_per_row")
    return VolumeProfile(
        symbol=symbol,
        epoch=head.epoch,
        sequence=head.sequence,
        is_whole=rows.part is Part.NEWEST,
        rows=held.tolist(),
        **lists,
        **{name: numbers[name] for name in kept},
    )


def _single(block: Rows, symbol: str, at: int) -> Event | Gap | Row:
    values, sequence = _values(block.kind, block.rows[at]), block.sequence + at
    if block.kind is Kind.EVENT:
        return Event(symbol=symbol, epoch=block.epoch, revision=block.revision, sequence=sequence, **values)
    if block.kind is Kind.GAP:
        return Gap(symbol=symbol, epoch=block.epoch, sequence=sequence, **values)
    return Row(FORMS[block.kind].name, symbol, block.epoch, block.revision, sequence, values)


def _values(kind: Kind, row: np.void) -> dict[str, Any]:
    """Return a row's fields, with its kind as a name."""
    values = fields(row)
    if kind is Kind.EVENT:
        values["kind"] = EventKind(values["kind"]).name.lower()
    elif kind is Kind.GAP:
        values |= {"kind": GapKind(values["kind"]).name.lower(), "open": bool(values["open"])}
    return values


def _snapshot(block: Rows, symbol: str) -> Snapshot:
    names, rows = _table(block.kind, block.rows)
    return Snapshot(
        of=FORMS[block.kind].name,
        symbol=symbol,
        level=block.level,
        epoch=block.epoch,
        revision=block.revision,
        sequence=block.sequence,
        part=Part(block.part).name.lower(),
        cause=Cause(block.cause).name.lower(),
        missed=block.missed,
        oldest=block.oldest,
        columns=names,
        rows=rows,
    )


def _table(kind: Kind, rows: NDArray[np.void]) -> tuple[list[str], list[list[Any]]]:
    """Return the names of the columns, and the rows as lists. Integers are converted without a loop."""
    dtype = rows.dtype
    if dtype == CHART_ROW:
        return list(CHART_FIELDS), words_of(rows, len(CHART_FIELDS)).tolist()
    names = [name for name in dtype.names or () if not name.startswith(_HIDDEN)]
    return names, [list(_values(kind, row).values()) for row in rows]
