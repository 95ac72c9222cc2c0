"""Read the bubbles of a recorded day into a pandas DataFrame.

    python examples/bubbles_to_dataframe.py nq-20251128.trades.dbn.zst

Accepts any file that `flow-gl replay` accepts. Reads the contract with the most volume; prices are in points.
"""

from pathlib import Path

import pandas as pd
from command_line import start

from flow_gl.core.schema import PRICE_SCALE
from flow_gl.engine.pipeline import Pipeline
from flow_gl.engine.sinks import Collector
from flow_gl.feed.files.replay import read_items, scan


def read_bubbles(path: Path) -> pd.DataFrame:
    """Return one row per bubble, indexed by the bucket's start in New York time."""
    contract = scan([path]).choose(None)
    pipeline, collector = Pipeline(), Collector()
    pipeline.attach(contract.instrument_id, collector)
    for item in read_items([path]):
        pipeline.take(item)
    pipeline.finish()

    frame = pd.DataFrame(collector.bubble_rows())
    frame.index = pd.to_datetime(frame.pop("ts_event"), utc=True).dt.tz_convert("America/New_York")
    for column in ("price", "open", "high", "low", "close"):
        frame[column] /= PRICE_SCALE
    frame["delta"] = frame["buy"] - frame["sell"]
    frame["cvd"] = frame["delta"].cumsum()
    return frame


def main(path: Path) -> None:
    bubbles = read_bubbles(path)
    print(bubbles[["price", "buy", "sell", "delta", "cvd", "trade_count"]].tail(10).to_string())
    print(f"{len(bubbles)} bubbles, {bubbles['trade_count'].sum()} trades, final CVD {bubbles['delta'].sum()}")


if __name__ == "__main__":
    start(main, __doc__, "bubbles_to_dataframe.py FILE", Path, least=1)
