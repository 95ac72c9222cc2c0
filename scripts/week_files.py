"""Write a synthetic week over a roll as files, one per session, for pictures."""

from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Final

import databento_dbn as dbn
import numpy as np
import zstandard

from flow_gl.core.sessions import Session, SessionCalendar
from flow_gl.core.units import PRICE_SCALE, SECOND_NS
from flow_gl.feed.synthetic.demo import TradeMaker

REQUESTED: Final = "NQ.v.0"
_BEFORE_NS: Final = int(datetime(2026, 12, 4, 20, tzinfo=UTC).timestamp()) * SECOND_NS
"""The first session opens on the Sunday after this."""
_SESSIONS: Final = 6
_ROLL: Final = 20261210
"""First trade date of the next contract, which trades `_CARRY` higher."""
_CARRY: Final = 190 * PRICE_SCALE
_CONTRACTS: Final = ((100, "NQZ6"), (200, "NQH7"))


def write_week(folder: Path, *, seed: int = 12) -> list[Path]:
    """Write the files. Returns their paths, oldest first."""
    calendar, paths, price = SessionCalendar(), [], 0
    session = calendar.session_at(_BEFORE_NS)
    for number in range(_SESSIONS):
        session = calendar.session_at(session.next_open)
        length_s = (session.close - session.open) / 1e9
        rows = TradeMaker(seed=seed + number, symbols=("NQ",), start_ns=session.open, history_s=length_s).take(0.0)
        rows = rows[rows["ts_event"] < session.close]
        instrument_id, symbol = _CONTRACTS[session.trade_date >= _ROLL]
        rows["instrument_id"] = instrument_id
        carry = _CARRY if session.trade_date == _ROLL else 0
        rows["price"] += (price + carry - rows["price"][0]) if price else 0
        price = int(rows["price"][-1])
        names = dbn.SymbolMappingMsg(
            *(1, instrument_id, int(rows["ts_event"][0]), dbn.SType.CONTINUOUS, REQUESTED),
            *(dbn.SType.RAW_SYMBOL, symbol, 0, 0),
        )
        content = _header(session, instrument_id) + bytes(names) + np.ascontiguousarray(rows).tobytes()
        paths.append(folder / f"nq-{session.trade_date}.trades.dbn.zst")
        paths[-1].write_bytes(zstandard.ZstdCompressor().compress(content))
    return paths


def _header(session: Session, instrument_id: int) -> bytes:
    first, last = (datetime.fromtimestamp(t_ns // SECOND_NS, UTC).date() for t_ns in (session.open, session.close))
    interval = SimpleNamespace(start_date=first, end_date=_day_after(last), symbol=str(instrument_id))
    header = dbn.Metadata(
        dataset="GLBX.MDP3",
        start=session.open,
        end=session.close,
        stype_in=dbn.SType.CONTINUOUS,
        stype_out=dbn.SType.INSTRUMENT_ID,
        schema=dbn.Schema.TRADES,
        symbols=[REQUESTED],
        mappings=[SimpleNamespace(raw_symbol=REQUESTED, intervals=[interval])],
        version=3,
    )
    return bytes(header.encode())


def _day_after(day: date) -> date:
    return date.fromordinal(day.toordinal() + 1)
