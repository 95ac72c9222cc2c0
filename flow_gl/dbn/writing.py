"""Write trades as a DBN file that Databento's own tools can read, for tests, examples and pictures.

The recorder writes its files frame by frame, so that it may be killed at any time; this module writes a finished
session in one call.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import zstandard
from numpy.typing import NDArray

from flow_gl.core.errors import DataError
from flow_gl.core.schema import TRADE
from flow_gl.core.units import SECOND_NS
from flow_gl.dbn.layout import VERSION

if TYPE_CHECKING:
    from databento_dbn.metadata import MappingInterval

_LEVEL: Final = 3


@dataclass
class _Interval:
    start_date: date
    end_date: date
    symbol: str


@dataclass
class _SymbolMapping:
    """A mapping for the DBN encoder, which accepts any object with these attributes."""

    raw_symbol: str
    intervals: "Sequence[MappingInterval]"


def write_dbn(path: Path, trades: NDArray[np.void], *, symbols: Mapping[int, str], dataset: str = "GLBX.MDP3") -> None:
    """Write a DBN file of trades, compressed if its name ends in `.zst`.

    Parameters
    ----------
    path : file to write; an existing one is replaced
    trades : dtype TRADE, at least one row, ordered by `ts_event`
    symbols : contract of each instrument_id in the trades (`{42140878: "NQZ6"}`)
    dataset : Databento's dataset code

    Raises
    ------
    ValueError : there are no trades, or an instrument has no symbol
    DataError : the file cannot be written
    """
    if len(trades) == 0:
        raise ValueError("expected at least one trade to write, got none")
    missing = set(np.unique(trades["instrument_id"]).tolist()) - set(symbols)
    if missing:
        raise ValueError(f"instruments without a symbol: {sorted(missing)}")
    header = _metadata(int(trades["ts_event"][0]), int(trades["ts_event"][-1]) + 1, symbols, dataset)
    body = np.ascontiguousarray(trades, dtype=TRADE).tobytes()
    content = header + body
    if path.suffix == ".zst":
        content = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True).compress(content)
    try:
        path.write_bytes(content)
    except OSError as error:
        raise DataError(f"cannot write {path}: {error.strerror}") from error


def _metadata(start_ns: int, end_ns: int, symbols: Mapping[int, str], dataset: str) -> bytes:
    import databento_dbn as dbn

    first = datetime.fromtimestamp(start_ns // SECOND_NS, UTC).date()
    after = datetime.fromtimestamp(end_ns // SECOND_NS, UTC).date() + timedelta(days=1)
    metadata = dbn.Metadata(
        dataset=dataset,
        start=start_ns,
        end=end_ns,
        stype_in=dbn.SType("raw_symbol"),
        stype_out=dbn.SType("instrument_id"),
        schema=dbn.Schema("trades"),
        symbols=list(symbols.values()),
        mappings=[
            _SymbolMapping(symbol, [_Interval(first, after, str(instrument_id))])
            for instrument_id, symbol in symbols.items()
        ],
        version=VERSION,
    )
    return bytes(metadata)
