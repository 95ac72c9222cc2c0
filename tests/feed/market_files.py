"""Files of synthetic trades, written with Databento's own package, for the tests of the file feeds."""

import datetime as dt
from pathlib import Path
from types import SimpleNamespace

import databento_dbn as dbn
import numpy as np
import zstandard
from numpy.typing import NDArray

from flow_gl.core.items import FileStart, Trades
from flow_gl.core.schema import TRADE
from flow_gl.core.units import PRICE_SCALE, SECOND_NS
from flow_gl.feed.files.replay import read_items

NQZ5, NQH6, SPREAD = 158704, 42002475, 42006122
NAMES = {"NQZ5": NQZ5, "NQH6": NQH6, "NQZ5-NQH6": SPREAD}
OPEN_NS = 1_763_938_800_000_000_000
"""2025-11-23 23:00 UTC."""
CLASS_OFFSETS = {1: 325, 2: 374, 3: 487}


def header(
    *,
    version: int = 3,
    schema: dbn.Schema | None = dbn.Schema.TRADES,
    names: dict[str, int] | None = None,
    days: tuple[str, str] = ("2025-11-23", "2025-11-24"),
    stype_in: dbn.SType = dbn.SType.RAW_SYMBOL,
    ts_out: bool = False,
    start_ns: int = OPEN_NS,
    end_ns: int | None = None,
) -> bytes:
    names = NAMES if names is None else names
    since, until = map(dt.date.fromisoformat, days)
    mappings = [
        SimpleNamespace(
            raw_symbol=name,
            intervals=[SimpleNamespace(start_date=since, end_date=until, symbol=str(instrument_id))],
        )
        for name, instrument_id in names.items()
    ]
    return dbn.Metadata(
        dataset="GLBX.MDP3",
        start=start_ns,
        end=end_ns,
        stype_in=stype_in,
        stype_out=dbn.SType.INSTRUMENT_ID,
        schema=schema,
        symbols=list(names),
        mappings=mappings,
        ts_out=ts_out,
        version=version,
    ).encode()


def mapping_record(version: int, instrument_id: int, symbol: str, requested: str, ts_event: int = OPEN_NS) -> bytes:
    if version == 1:
        return bytes(dbn.SymbolMappingMsgV1(1, instrument_id, ts_event, requested, symbol, 0, 0))
    message = dbn.SymbolMappingMsg(
        1, instrument_id, ts_event, dbn.SType.CONTINUOUS, requested, dbn.SType.RAW_SYMBOL, symbol, 0, 0
    )
    return bytes(message)


def definition_record(
    version: int,
    instrument_id: int,
    symbol: str,
    *,
    kind: str = "F",
    tick_size: int = 250_000_000,
    quantity: int,
    ts_event: int = OPEN_NS,
    expiration: int = 0,
) -> bytes:
    """Return an InstrumentDefMsg, laid out by the official package's field list."""
    message = {1: dbn.InstrumentDefMsgV1, 2: dbn.InstrumentDefMsgV2, 3: dbn.InstrumentDefMsg}[version]
    row = np.zeros(1, np.dtype(message._dtypes))
    row["length"] = message.size_hint // 4
    row["rtype"] = 19
    row["instrument_id"] = instrument_id
    row["ts_event"] = ts_event
    row["expiration"] = expiration
    row["raw_symbol"] = symbol.encode()
    row["min_price_increment"] = tick_size
    row["unit_of_measure_qty"] = quantity
    record = bytearray(row.tobytes())
    record[CLASS_OFFSETS[version]] = ord(kind)
    return bytes(record)


def other_record(words: int, kind: int) -> bytes:
    return bytes([words, kind]) + bytes(words * 4 - 2)


def frames(data: bytes, *, parts: int = 1, checksum: bool = False) -> bytes:
    """Compress into this many zstd frames."""
    size = -(-len(data) // parts)
    compressor = zstandard.ZstdCompressor(write_checksum=checksum)
    return b"".join(compressor.compress(data[at : at + size]) for at in range(0, len(data), size))


def write(path: Path, *parts: bytes | NDArray[np.void]) -> Path:
    path.write_bytes(b"".join(part if isinstance(part, bytes) else part.tobytes() for part in parts))
    return path


def read(*paths: Path) -> tuple[NDArray[np.void], list[object], list[str]]:
    """Return all trades as one array, the notices among them, and the messages at the end."""
    sequence = read_items(paths)
    batches, notices = [np.empty(0, TRADE)], []
    for item in sequence:
        if isinstance(item, Trades):
            batches.append(item.rows)
        elif not isinstance(item, FileStart):
            notices.append(item)
    return np.concatenate(batches), notices, sequence.messages


def csv_text(rows: NDArray[np.void], *, pretty: bool = True, symbols: dict[int, str] | None = None) -> str:
    """Return Databento's CSV, with fixed-point or decimal prices, written without floats."""
    names = ["ts_recv", "ts_event", "rtype", "publisher_id", "instrument_id", "action", "side", "depth", "price"]
    names += ["size", "flags", "ts_in_delta", "sequence"] + (["symbol"] if symbols else [])
    lines = [",".join(names)]
    for values in rows.tolist():
        row = dict(zip(TRADE.names or (), values, strict=True))
        fields = {name: str(row.get(name)) for name in names}
        if pretty:
            fields |= {name: _pretty_time(row[name]) for name in ("ts_recv", "ts_event")}
            points, rest = divmod(abs(row["price"]), PRICE_SCALE)
            fields["price"] = f"{'-' if row['price'] < 0 else ''}{points}.{rest:09d}"
        fields |= {name: chr(row[name]) for name in ("action", "side")}
        if symbols:
            fields["symbol"] = symbols[row["instrument_id"]]
        lines.append(",".join(fields.values()))
    return "\n".join(lines) + "\n"


def _pretty_time(ts_ns: int) -> str:
    seconds, rest = divmod(ts_ns, SECOND_NS)
    return f"{dt.datetime.fromtimestamp(seconds, dt.UTC):%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"
