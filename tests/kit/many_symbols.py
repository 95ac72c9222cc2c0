"""A file with more symbols than an engine charts at once."""

from pathlib import Path

import numpy as np

from flow_gl.core.units import SECOND_NS
from flow_gl.dbn.writing import write_dbn
from flow_gl.feed.synthetic.demo import TradeMaker

SYMBOLS = tuple(f"{root}Z6" for root in ("NQ", "ES", "YM", "RTY", "CL", "GC", "SI", "HG", "ZN", "ZB", "ZF", "NG"))
START_NS = 1_794_500_000_000_000_000


def write_many(path: Path, *, seconds: int = 300) -> None:
    """Write trades of all `SYMBOLS`: each has a share of its own of one market's trades."""
    maker = TradeMaker(seed=3, symbols=("NQ",), history_s=0.0, start_ns=START_NS)
    blocks = []
    while maker.next_ns < START_NS + seconds * SECOND_NS:
        blocks.append(maker.next_block())
    market = np.concatenate(blocks)
    parts = []
    for number in range(len(SYMBOLS)):
        rows = market[number::3].copy()
        rows["instrument_id"] = 100 + number
        for name in ("ts_event", "ts_recv"):
            rows[name] += 1_000 * number
        parts.append(rows)
    trades = np.concatenate(parts)
    trades = trades[np.argsort(trades["ts_event"], kind="stable")]
    write_dbn(path, trades, symbols={100 + number: symbol for number, symbol in enumerate(SYMBOLS)})
