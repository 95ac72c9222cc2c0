"""The data of a live connection: complete DBN records, one bytes object each, of mixed kinds.

Almost all of them are trades, so a batch is joined and looked at as one array; only where another kind is among them
is it taken apart. Every trade is checked before it is believed: a stream that lost its framing decodes into records
that look like trades and are none, and from the first such record on nothing of that connection can be trusted.
"""

from collections.abc import Iterator
from itertools import groupby
from typing import TYPE_CHECKING, Final, cast

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.items import Definition
from flow_gl.core.outside import name, plain
from flow_gl.core.schema import TRADE, UNDEF_PRICE, UNDEF_TS
from flow_gl.core.units import DAY_NS
from flow_gl.dbn.damage import DamageError
from flow_gl.dbn.layout import (
    DBN_MAGIC,
    DEFINITION_KIND,
    ERROR_KIND,
    MAPPING_KIND,
    SYSTEM_KIND,
    TEXT_FIELDS,
    TRADE_KIND,
    VERSION,
    words_by_kind,
)

if TYPE_CHECKING:
    from databento_dbn import DBNRecord, InstrumentDefMsg

_WORDS_OF_ALL: Final = words_by_kind(VERSION, has_ts_out=False)
_WORDS: Final = {
    kind: int(_WORDS_OF_ALL[kind]) for kind in (TRADE_KIND, DEFINITION_KIND, ERROR_KIND, MAPPING_KIND, SYSTEM_KIND)
}
"""Length of each kind that is subscribed to, in 4-byte words (the client upgrades older versions)."""
_TRADE_BYTES: Final = TRADE.itemsize
_MAX_AHEAD_NS: Final = DAY_NS
"""No trade is a day ahead of now, however wrong this machine's clock is."""
_OLDEST_TS: Final = 946_684_800_000_000_000  # 2000-01-01
_LONGEST_WORDS: Final = 120
_FUTURE_CLASS: Final = "F"
_NANO: Final = 1e-9
HEARTBEAT: Final = 0
"""Codes of the gateway's messages."""
SLOW_READER: Final = 2
REPLAY_COMPLETED: Final = 3


def damaged(what: str) -> DamageError:
    """Make the error of a stream that cannot be trusted; `what` may hold the gateway's own words and is clipped."""
    return DamageError("", plain(what, _LONGEST_WORDS))


def runs(chunks: list[bytes]) -> Iterator[NDArray[np.void] | bytes]:
    """Split records into runs of consecutive trades and single records of other kinds.

    Parameters
    ----------
    chunks : whole records as received

    Yields
    ------
    TRADE rows (read-only), not yet checked, or the bytes of one record of another kind; metadata is skipped

    Raises
    ------
    DamageError : a record of a kind that was not requested, or of a wrong length
    """
    joined = b"".join(chunks)
    if len(joined) == _TRADE_BYTES * len(chunks):
        rows = np.frombuffer(joined, TRADE)
        if not rows["rtype"].any() and (rows["length"] == _WORDS[TRADE_KIND]).all():
            yield rows
            return
    for is_trade, group in groupby(chunks, _is_trade):
        if is_trade:
            yield np.frombuffer(b"".join(group), TRADE)
        else:
            for chunk in group:
                if chunk[:3] != DBN_MAGIC:
                    _check_frame(chunk)
                    yield chunk


def first_implausible(rows: NDArray[np.void], wall_ns: int) -> int:
    """Find the first row that no exchange can have sent; the number of rows where all are plausible.

    What the engine rejects and counts (an undefined price or time, a size of 0, another action) is plausible here, and
    so is any `ts_recv`: a report may come late, or be flagged as having a bad one.

    Parameters
    ----------
    rows : dtype TRADE
    wall_ns : now, ns since the epoch
    """
    side, action, ts_event = rows["side"], rows["action"], rows["ts_event"]
    is_plausible = (side == ord("B")) | (side == ord("A")) | (side == ord("N"))
    is_plausible &= (action >= ord("A")) & (action <= ord("T"))
    is_time = (ts_event >= _OLDEST_TS) & (ts_event <= wall_ns + _MAX_AHEAD_NS)
    is_plausible &= is_time | (ts_event == UNDEF_TS)
    return len(rows) if is_plausible.all() else int(np.argmin(is_plausible))


def decode(chunk: bytes) -> "DBNRecord":
    """Decode one record of another kind than a trade.

    Raises
    ------
    DamageError : it cannot be decoded
    """
    from databento_dbn import DBNDecoder

    try:
        records = DBNDecoder(has_metadata=False, input_version=VERSION).write_and_decode(chunk)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # the decoder panics at some damage, and a panic is no Exception
        raise damaged(f"a record of kind {chunk[1]} cannot be decoded: {error}") from None
    if len(records) != 1:
        raise damaged(f"a record of kind {chunk[1]} and {len(chunk)} bytes holds {len(records)} records")
    return cast("DBNRecord", records[0])


def text_of(record: "DBNRecord", field: str) -> str:
    """A text field of a record; where its bytes are no UTF-8, with question marks in place of what cannot be read."""
    try:
        return str(getattr(record, field))
    except Exception:  # the decoder's own error, which its types do not name
        offset, length = TEXT_FIELDS[field]
        text = bytes(record)[offset : offset + length].partition(b"\0")[0]
        return text.decode("ascii", "replace").replace("\N{REPLACEMENT CHARACTER}", "?")


def definition_of(record: "InstrumentDefMsg") -> Definition:
    """The fields of a definition record that charts need."""
    tick_size = record.min_price_increment
    quantity = record.unit_of_measure_qty
    return Definition(
        instrument_id=record.instrument_id,
        symbol=name(text_of(record, "raw_symbol")),
        tick_size=0 if tick_size in (UNDEF_PRICE, 0) else tick_size,
        point_value=None if quantity in (UNDEF_PRICE, 0) else quantity * _NANO,
        is_outright=str(record.instrument_class) == _FUTURE_CLASS,
    )


def chunks_of(coming: Iterator[NDArray[np.void] | bytes]) -> list[bytes]:
    """Split the remaining data into single records."""
    chunks: list[bytes] = []
    for run in coming:
        if isinstance(run, bytes):
            chunks.append(run)
        else:
            chunks += [row.tobytes() for row in run]
    return chunks


def code_of(code: object) -> int:
    """Convert a record's code (an enum, an int, or None if unknown) to a number; 255 for None."""
    return 255 if code is None else int(cast(int, code))


def signed(ts: int) -> int:
    """Return a message's time, ns; 0 if it is undefined."""
    return ts if ts < 1 << 63 else 0


def _is_trade(chunk: bytes) -> bool:
    return len(chunk) == _TRADE_BYTES and chunk[1] == TRADE_KIND and chunk[0] == _WORDS[TRADE_KIND]


def _check_frame(chunk: bytes) -> None:
    words = _WORDS.get(chunk[1])
    if words is None:
        raise damaged(f"a record of kind {chunk[1]}, which was not requested")
    if chunk[0] != words or len(chunk) != words * 4:
        raise damaged(f"a record of kind {chunk[1]} has {len(chunk)} bytes, expected {words * 4}")
