"""Read and encode DBN records other than trades: symbol mappings, instrument definitions and gap markers."""

import databento_dbn
import numpy as np

from flow_gl.core.items import Definition, FeedGap, Mapping
from flow_gl.core.market.gap_markers import GapMarker, parse_marker
from flow_gl.core.market.instrument import FUTURE_CLASS
from flow_gl.core.outside import is_name
from flow_gl.core.schema import PRICE_SCALE, UNDEF_PRICE
from flow_gl.dbn.damage import DamageError
from flow_gl.dbn.layout import DEFINITIONS, MAPPINGS, SYSTEM_TEXT_OFFSET


def read_mapping(record: bytes, version: int) -> Mapping:
    """Parse a SymbolMappingMsg of a DBN version. Raises DamageError if its symbol is not a valid name."""
    row = np.frombuffer(record, MAPPINGS[version], count=1)[0]
    target, asked = _symbol(row["stype_out_symbol"]), row["stype_in_symbol"]
    instrument_id, ts_event = int(row["instrument_id"]), int(row["ts_event"])
    requested = _symbol(asked) if asked else ""
    if target.isdecimal():  # mapped to the id: the name is the requested one
        return Mapping.of(instrument_id, requested, ts_event)
    named = Mapping.of(instrument_id, target, ts_event)
    return Mapping(instrument_id, named.symbol, requested or named.requested, ts_event)


def read_definition(record: bytes, version: int) -> Definition:
    """Parse an InstrumentDefMsg of a DBN version. Raises DamageError if its symbol is not a valid name."""
    row = np.frombuffer(record, DEFINITIONS[version], count=1)[0]
    tick_size, quantity = int(row["min_price_increment"]), int(row["unit_of_measure_qty"])
    expiration = int(row["expiration"])
    return Definition(
        instrument_id=int(row["instrument_id"]),
        symbol=_symbol(row["raw_symbol"]),
        tick_size=tick_size if 0 < tick_size < UNDEF_PRICE else 0,
        point_value=quantity / PRICE_SCALE if 0 < quantity < UNDEF_PRICE else None,
        is_outright=int(row["instrument_class"]) == FUTURE_CLASS,
        ts_event=max(int(row["ts_event"]), 0),
        expiration=expiration if 0 < expiration < UNDEF_PRICE else 0,
    )


def read_gap(record: bytes) -> FeedGap | None:
    """Parse a SystemMsg in which the recorder notes missing trades; None for any other SystemMsg."""
    marker = parse_marker(system_text(record))
    return FeedGap(marker.start, marker.end, lost=marker.lost) if marker else None


def system_text(record: bytes) -> str:
    """Return the text of a SystemMsg, up to its first NUL."""
    return record[SYSTEM_TEXT_OFFSET:].split(b"\0", 1)[0].decode("latin-1")


def mapping_record(
    instrument_id: int, symbol: str, requested: str, *, ts_event: int, start_ns: int, end_ns: int
) -> bytes:
    """Encode an instrument's name as a SymbolMappingMsg valid from `start_ns` to `end_ns` (ns since the epoch)."""
    message = databento_dbn.SymbolMappingMsg(
        publisher_id=0,
        instrument_id=instrument_id,
        ts_event=max(ts_event, 0),
        stype_in=_stype_of(requested or symbol),
        stype_in_symbol=requested or symbol,
        stype_out=databento_dbn.SType("raw_symbol"),
        stype_out_symbol=symbol,
        start_ts=start_ns,
        end_ts=end_ns,
    )
    return bytes(message)


def definition_record(
    instrument_id: int, symbol: str, *, tick_size: int, point_value: float | None, is_outright: bool, ts_event: int
) -> bytes:
    """Encode the known fields of an instrument as an InstrumentDefMsg; unknown fields stay undefined.

    Parameters
    ----------
    tick_size : 1e-9 units; 0 if unknown
    point_value : currency per point and contract; None if unknown
    ts_event : ns since the epoch
    """
    scale = databento_dbn.FIXED_PRICE_SCALE
    message = databento_dbn.InstrumentDefMsg(
        publisher_id=0,
        instrument_id=instrument_id,
        ts_event=max(ts_event, 0),
        ts_recv=max(ts_event, 0),
        min_price_increment=tick_size or databento_dbn.UNDEF_PRICE,
        display_factor=scale,
        raw_symbol=symbol,
        asset="",
        security_type="FUT",
        instrument_class=databento_dbn.InstrumentClass("F" if is_outright else "S"),
        security_update_action=databento_dbn.SecurityUpdateAction("A"),
        unit_of_measure_qty=databento_dbn.UNDEF_PRICE if point_value is None else round(point_value * scale),
    )
    return bytes(message)


def encode_marker(marker: GapMarker) -> bytes:
    """Encode a gap marker, which the recorder writes where trades are missing, as a SystemMsg."""
    return bytes(databento_dbn.SystemMsg(ts_event=max(marker.end, 0), msg=marker.text()))


def _symbol(field: bytes) -> str:
    text = field.split(b"\0")[0].decode("latin-1")
    if not is_name(text):
        raise DamageError("", f"expected a symbol, got {text!r}")
    return text


def _stype_of(symbol: str) -> databento_dbn.SType:
    """Return a requested symbol's type: `NQ.v.0` continuous, `NQ.FUT` parent, otherwise a raw symbol."""
    parts = symbol.split(".")
    if len(parts) == 3 and parts[1] in ("c", "n", "v") and parts[2].isdigit():
        return databento_dbn.SType("continuous")
    if len(parts) == 2 and parts[1] in ("FUT", "OPT", "SPOT"):
        return databento_dbn.SType("parent")
    return databento_dbn.SType("raw_symbol")
