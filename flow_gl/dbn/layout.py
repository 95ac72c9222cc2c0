"""The DBN format's constants: magics, record kinds, record lengths and record layouts, versions 1 to 3.

Every reader and writer (files, recordings, downloads, the live stream) takes them from here; tests compare them with
the official package. A record begins with its length in 4-byte words and its kind (`rtype`). Trades are `schema.TRADE`
in every version.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.schema import TRADE

DBN_MAGIC: Final = b"DBN"
"""First bytes of a DBN header; the version follows as one byte, then the length of the rest (u32, little-endian)."""
ZSTD_MAGIC: Final = b"\x28\xb5\x2f\xfd"
"""First bytes of a zstd frame (RFC 8878, 3.1.1)."""
VERSIONS: Final = (1, 2, 3)
VERSION: Final = 3
"""Version that is written, and that the live client upgrades to."""
PRELUDE_BYTES: Final = 8
HEADER_LIMIT: Final = 1 << 28
"""Longest header accepted, bytes: every symbol of the largest dataset needs less."""
RECORD_HEADER_WORDS: Final = 4
TRADE_WORDS: Final = TRADE.itemsize // 4
TS_OUT_WORDS: Final = 2
INSTRUMENT_ID: Final = slice(4, 8)
"""Bytes of a record's header that hold its instrument id, little-endian."""

TRADE_KIND: Final = 0
DEFINITION_KIND: Final = 19
ERROR_KIND: Final = 21
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
    ERROR_KIND: "error",
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

TRADE_START: Final = TRADE_KIND << 8 | TRADE_WORDS
"""First two bytes of a trade without `ts_out` (length, kind), read as a little-endian u16."""
RECORD_START: Final = np.dtype({"names": ["start"], "formats": ["<u2"], "offsets": [0], "itemsize": TRADE.itemsize})
"""Views back-to-back trades as their first two bytes, to be compared with `TRADE_START`."""
SYSTEM_TEXT_OFFSET: Final = 16
"""Offset of a SystemMsg's text, bytes; it ends at the first NUL."""

_SYMBOL_BYTES: Final = 71
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
    ERROR_KIND: (20, 80, 80),
    MAPPING_KIND: (20, 44, 44),
    SYSTEM_KIND: (20, 80, 80),
    24: (16, 16, 20),
}


def words_by_kind(version: int, *, has_ts_out: bool) -> NDArray[np.uint8]:
    """Return the length that a record of each kind must have.

    Parameters
    ----------
    version : DBN version, 1 to 3
    has_ts_out : every record ends with the gateway's send time (`ts_out`)

    Returns
    -------
    uint8, shape (256,), 4-byte words, indexed by kind; 0 for an unknown kind
    """
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
        "expiration": "<i8",
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


_MAPPING_V1: Final = _notice(_SYMBOL_BYTES_V1, instrument_id=4, ts_event=8, stype_in_symbol=16, stype_out_symbol=38)
_MAPPING: Final = _notice(_SYMBOL_BYTES, instrument_id=4, ts_event=8, stype_in_symbol=17, stype_out_symbol=89)
MAPPINGS: Final = {1: _MAPPING_V1, 2: _MAPPING, 3: _MAPPING}
"""Fields read of a SymbolMappingMsg, by DBN version."""
DEFINITIONS: Final = {
    1: _notice(
        _SYMBOL_BYTES_V1,
        instrument_id=4,
        ts_event=8,
        min_price_increment=24,
        expiration=40,
        unit_of_measure_qty=88,
        raw_symbol=200,
        instrument_class=325,
    ),
    2: _notice(
        _SYMBOL_BYTES,
        instrument_id=4,
        ts_event=8,
        min_price_increment=24,
        expiration=40,
        unit_of_measure_qty=88,
        raw_symbol=200,
        instrument_class=374,
    ),
    3: _notice(
        _SYMBOL_BYTES,
        instrument_id=4,
        ts_event=8,
        min_price_increment=24,
        expiration=40,
        unit_of_measure_qty=80,
        raw_symbol=238,
        instrument_class=487,
    ),
}
"""Fields read of an InstrumentDefMsg, by DBN version."""
TEXT_FIELDS: Final = {
    "stype_in_symbol": (17, _SYMBOL_BYTES),
    "stype_out_symbol": (89, _SYMBOL_BYTES),
    "raw_symbol": (238, _SYMBOL_BYTES),
    "err": (16, 302),
    "msg": (SYSTEM_TEXT_OFFSET, 303),
}
"""Offset and length of text fields, bytes, in records of version 3."""
