"""A process that records when trades become visible in the charts' stores; it polls ten thousand times a second.

    python -m flow_gl.bench.watcher SEGMENT...

It runs until standard input closes, then writes all records to standard output: int64 triples of chart, wall time in
ns, and number of trades in the SESSION table.
"""

import sys
import time
from array import array

import numpy as np

from flow_gl.core.schema import SESSION
from flow_gl.core.system.platform.pipes import PipeReader
from flow_gl.runtime.urgency import ask_for_short_slices
from flow_gl.store.market import MarketStore

LOOK_S = 0.0001


def main(names: list[str]) -> None:
    ask_for_short_slices()  # waiting for a processor would add to the measured latency
    tables = [MarketStore.attach(name).session for name in names]
    versions = [0] * len(tables)
    record = np.zeros(1, SESSION)
    sightings = array("q")
    parent = PipeReader(sys.stdin.buffer, name="parent")
    while not parent.is_ended:
        time.sleep(LOOK_S)
        for chart, table in enumerate(tables):
            version = table.version
            if version != versions[chart]:
                versions[chart] = version
                table.read(record)
                sightings.extend((chart, time.time_ns(), int(record["total_trades"][0])))
    sys.stdout.buffer.write(sightings.tobytes())


if __name__ == "__main__":
    main(sys.argv[1:])
