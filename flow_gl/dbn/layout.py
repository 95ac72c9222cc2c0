"""What a DBN file is made of: its header, its record kinds with their lengths, and the two notices that we read.

The layouts are those of the `dbn` specification, versions 1 to 3; tests hold them against the official package.
A record begins with its length in 4-byte words and its kind (`rtype`); trades are `schema.TRADE` in every version.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final

import databento_dbn
import numpy as np
from numpy.typing import NDArray

from flow_gl.core.items import Definition, FeedGap, Mapping
from flow_gl.core.market.instrument import FUTURE_CLASS
from flow_gl.core.market.marks import read_mark
from flow_gl.core.outside import is_name
from flow_gl.core.schema import PRICE_SCALE, UNDEF_PRICE
from flow_gl.core.units import DAY_NS
from flow_gl.dbn.damage import DamageError

MAGIC: Final = b"DBN"
VERSIONS: Final = (1, 2, 3)
PRELUDE_BYTES: Final = 8
HEADER_LIMIT: Final = 1 << 28
"""Most bytes of a header: every symbol of the largest dataset needs less."""
RECORD_HEADER_WORDS: Final = 4
TRADE_WORDS: Final = 12
TS_OUT_WORDS: Final = 2

TRADE_KIND: Final = 0
DEFINITION_KIND: Final = 19
MAPPING_KIND: Final = 22
SYSTEM_KIND: Final = 23
KIND_NAMES: Final = {
    TRADE_KIND: "trades",
    1: "mbp-1",
    10: "mbp-10",
    17: "ohlcv",
    18: "status",
    DEFINITION_KIND: "definition",
    20: "imbalance",
    21: "error",
    MAPPING_KIND: "symbol mapping",
    SYSTEM_KIND: "system",
    24: "statistics",
    32: "ohlcv-1s",
    33: "ohlcv-1m",
    34: "ohlcv-1h",
    35: "ohlcv-1d",
    36: "ohlcv-eod",
    160: "mbo",
    177: "cmbp-1",
    192: "cbbo-1s",
    193: "cbbo-1m",
    194: "tcbbo",
    195: "bbo-1s",
    196: "bbo-1m",
}

_SYMBOL_BYTES: Final = 71
_SYSTEM_TEXT: Final = 16
_SYMBOL_BYTES_V1: Final = 22
_WORDS: Final = {
    1: 20,
    10: 92,
    17: 14,
    18: 10,
    20: 28,
    32: 14,
    33: 14,
    34: 14,
    35: 14,
    36: 14,
    160: 14,
} | dict.fromkeys((177, 192, 193, 194, 195, 196), 20)
_WORDS_BY_VERSION: Final = {  # kind: words in version 1, 2, 3
    DEFINITION_KIND: (90, 100, 130),
    21: (20, 80, 80),
    MAPPING_KIND: (20, 44, 44),
    23: (20, 80, 80),
    24: (16, 16, 20),
}


def words_by_kind(version: int, *, has_ts_out: bool) -> NDArray[np.uint8]:
    """Length in words that a record of each kind must have, dtype uint8, shape (256,); 0 for an unknown kind."""
    words = np.zeros(256, np.uint8)
    words[TRADE_KIND] = TRADE_WORDS
    for kind, length in _WORDS.items():
        words[kind] = length
    for kind, lengths in _WORDS_BY_VERSION.items():
        words[kind] = lengths[version - 1]
    if has_ts_out:
        words[list(KIND_NAMES)] += TS_OUT_WORDS
    return words


def _notice(symbol_bytes: int, **offsets: int) -> np.dtype:
    kinds = {
        "instrument_id": "<u4",
        "ts_event": "<i8",
        "min_price_increment": "<i8",
        "unit_of_measure_qty": "<i8",
        "instrument_class": "u1",
    }
    return np.dtype(
        {
            "names": list(offsets),
            "formats": [kinds.get(name, f"S{symbol_bytes}") for name in offsets],
            "offsets": list(offsets.values()),
        }
    )


MAPPING_V1: Final = _notice(_SYMBOL_BYTES_V1, instrument_id=4, ts_event=8, stype_in_symbol=16, stype_out_symbol=38)
MAPPING: Final = _notice(_SYMBOL_BYTES, instrument_id=4, ts_event=8, stype_in_symbol=17, stype_out_symbol=89)
DEFINITIONS: Final = {
    1: _notice(
        _SYMBOL_BYTES_V1,
        instrument_id=4,
        ts_event=8,
        min_price_increment=24,
        unit_of_measure_qty=88,
        raw_symbol=200,
        instrument_class=325,
    ),
    2: _notice(
        _SYMBOL_BYTES,
        instrument_id=4,
        ts_event=8,
        min_price_increment=24,
        unit_of_measure_qty=88,
        raw_symbol=200,
        instrument_class=374,
    ),
    3: _notice(
        _SYMBOL_BYTES,
        instrument_id=4,
        ts_event=8,
        min_price_increment=24,
        unit_of_measure_qty=80,
        raw_symbol=238,
        instrument_class=487,
    ),
}
"""The fields that we read of an InstrumentDefMsg, by DBN version."""


@dataclass(frozen=True, slots=True)
class Header:
    """What the header of a DBN file says."""

    version: int
    dataset: str
    schema: str
    """ "trades", "mbp-1" ..; "" where the file holds several kinds."""
    has_ts_out: bool
    mappings: tuple[Mapping, ...]
    """By the first day that each holds for (`ts_event`: its midnight, UTC)."""


def read_header(data: bytes) -> Header:
    """Parse a whole DBN header, prelude included. Raises DamageError."""
    try:
        metadata = databento_dbn.Metadata.decode(data)
        return Header(
            version=data[3],
            dataset=metadata.dataset,
            schema=str(metadata.schema or ""),
            has_ts_out=metadata.ts_out,
            mappings=_header_mappings(metadata),
        )
    except Exception as error:  # the decoder's own kinds of error are not all of one family
        raise DamageError("byte 0", f"the DBN header is damaged: {error}") from None


def _header_mappings(metadata: databento_dbn.Metadata) -> tuple[Mapping, ...]:
    """Instrument ids and names, whichever way round the request mapped them, in the order of their dates.

    What begins on one day keeps the order of the request. Where a name has no instrument on days that others have one
    for, its end is told; after the last day of all, everything stays as it is.
    """
    order = {name: at for at, name in enumerate(metadata.symbols)}
    found: list[tuple[int, bool, int, str, Mapping]] = []
    intervals = [
        (order.get(name, len(order)), name, _days_ns(one["start_date"]), _days_ns(one["end_date"]), one["symbol"])
        for name, of_name in metadata.mappings.items()
        for one in of_name
    ]
    last = max((until for _, _, _, until, _ in intervals), default=0)
    following: dict[tuple[str, int], tuple[int, str]] = {}
    later: dict[str, tuple[int, str]] = {}
    for _, name, since, _, target in sorted(intervals, key=lambda one: -one[2]):
        if name in later:
            following[name, since] = later[name]
        later[name] = since, target
    for place, name, since, until, target in intervals:
        if target.isdecimal():
            found.append((since, True, place, name, Mapping.of(int(target), name, since)))
            then, then_target = following.get((name, since), (last, ""))
            if until < last and until < then and target != then_target:
                found.append((until, False, place, name, Mapping.of(int(target), name, until, is_end=True)))
        elif name.isdecimal() and target:
            found.append((since, True, place, name, Mapping.of(int(name), target, since)))
    return tuple(mapping for *_, mapping in sorted(found, key=lambda one: (*one[:4], one[4].instrument_id)))


def _days_ns(day: date | int | str) -> int:
    return (_date(day) - date(1970, 1, 1)).days * DAY_NS


def _date(value: date | int | str) -> date:
    return value if isinstance(value, date) else date.fromisoformat(str(value))


def read_mapping(record: bytes, version: int) -> Mapping:
    """Parse a SymbolMappingMsg. Raises DamageError where its symbol is none."""
    row = np.frombuffer(record, MAPPING_V1 if version == 1 else MAPPING, count=1)[0]
    target, asked = _symbol(row["stype_out_symbol"]), row["stype_in_symbol"]
    instrument_id, ts_event = int(row["instrument_id"]), int(row["ts_event"])
    requested = _symbol(asked) if asked else ""
    if target.isdecimal():  # mapped to the id: the name is the one that was asked for
        return Mapping.of(instrument_id, requested, ts_event)
    named = Mapping.of(instrument_id, target, ts_event)
    return Mapping(instrument_id, named.symbol, requested or named.requested, ts_event)


def read_definition(record: bytes, version: int) -> Definition:
    """Parse an InstrumentDefMsg. Raises DamageError where its symbol is none."""
    row = np.frombuffer(record, DEFINITIONS[version], count=1)[0]
    tick_size, quantity = int(row["min_price_increment"]), int(row["unit_of_measure_qty"])
    return Definition(
        instrument_id=int(row["instrument_id"]),
        symbol=_symbol(row["raw_symbol"]),
        tick_size=tick_size if 0 < tick_size < UNDEF_PRICE else 0,
        point_value=quantity / PRICE_SCALE if 0 < quantity < UNDEF_PRICE else None,
        is_outright=int(row["instrument_class"]) == FUTURE_CLASS,
        ts_event=max(int(row["ts_event"]), 0),
    )


def read_gap(record: bytes) -> FeedGap | None:
    """Parse a SystemMsg that marks missing trades, as a recording of ours has them; None for any other."""
    mark = read_mark(record[_SYSTEM_TEXT:].split(b"\0")[0].decode("latin-1"))
    return FeedGap(mark.start, mark.end, lost=mark.lost) if mark else None


def _symbol(field: bytes) -> str:
    text = field.split(b"\0")[0].decode("latin-1")
    if not is_name(text):
        raise DamageError("", f"a symbol was expected, {text!r} came")
    return text
