"""Read a chart's bubbles from a bus (NATS JetStream) into a pandas DataFrame, from the session's open on.

    flow-gl demo --bus nats://127.0.0.1:4222
    python examples/bus_to_dataframe.py nats://127.0.0.1:4222 NQ.v.0

docs/protocol.md describes the bus's streams. Prices are in points.
"""

import asyncio

import nats
import numpy as np
import pandas as pd
from command_line import start
from nats.js.api import ConsumerConfig, DeliverPolicy

from flow_gl.core.schema import PRICE_SCALE
from flow_gl.protocol import bus
from flow_gl.protocol.kinds import CHART_ROW, Kind


async def read(url: str, symbol: str) -> np.ndarray:
    """Return all bubbles of one second that have been published, with their CVD."""
    client = await nats.connect(url)
    js = client.jetstream()
    keys = await (await js.key_value(bus.LEASES)).keys()
    topic = next(topic for topic in map(bus.topic_of, keys) if topic.symbol == symbol)
    newest = await js.get_last_msg(topic.stream(bus.Log.STATE), topic.subject(bus.Log.STATE, bus.CHART))
    chart = bus.decode(newest.data, bus.Chart)
    config = ConsumerConfig(deliver_policy=DeliverPolicy.BY_START_SEQUENCE, opt_start_seq=chart.rows_begin)
    subject = topic.subject_of(bus.Log.ROWS, Kind.BUBBLE, level=0)
    messages = await js.subscribe(subject, stream=topic.stream(bus.Log.ROWS), config=config, ordered_consumer=True)
    info = await messages.consumer_info()
    # By now the server may have sent them all.
    found, waiting = [np.zeros(0, CHART_ROW)], info.num_pending + info.delivered.consumer_seq
    while waiting:
        message = await messages.next_msg(timeout=5)
        found += [block.rows for block in bus.unpack(message.data)]
        waiting = message.metadata.num_pending
    await client.close()
    return np.concatenate(found)


def main(url: str, symbol: str = "NQ.v.0") -> None:
    bubbles = pd.DataFrame(asyncio.run(read(url, symbol)))
    bubbles.index = pd.to_datetime(bubbles.pop("ts_event"), utc=True).dt.tz_convert("America/New_York")
    bubbles["price"] /= PRICE_SCALE
    bubbles["delta"] = bubbles["buy"] - bubbles["sell"]
    print(bubbles[["price", "buy", "sell", "delta", "cvd_close", "trade_count"]].tail(10).to_string())
    print(f"{len(bubbles)} bubbles, {bubbles['trade_count'].sum()} trades, delta {bubbles['delta'].sum()}")


if __name__ == "__main__":
    start(main, __doc__, "bus_to_dataframe.py URL [SYMBOL]", str, str, least=1)
