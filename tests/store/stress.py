"""The writer process of the stress test: writes a ring and a table as fast as possible until told to stop."""

import select
import sys

import numpy as np

from flow_gl.store.ring import Ring
from flow_gl.store.shm import Segment
from flow_gl.store.table import Table

CAPACITY = 1 << 10
ROW = np.dtype([("value", "<i8"), ("copies", "<i8", (15,))])
WIDE = np.dtype([("value", "<i8"), ("copies", "<i8", (2000,))])


def nbytes() -> int:
    return Ring.nbytes(ROW, CAPACITY) + Table.nbytes(WIDE)


def layout(buffer: memoryview) -> tuple[Ring, Table]:
    ring_bytes = Ring.nbytes(ROW, CAPACITY)
    return Ring(buffer[:ring_bytes], ROW, CAPACITY), Table(buffer[ring_bytes:], WIDE)


def print_line(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


def main() -> None:
    segment = Segment.create("stress", nbytes())
    ring, table = layout(segment.buffer)
    print_line(segment.name)
    batch = np.zeros(200, ROW)
    record = np.zeros(1, WIDE)
    written = version = 0
    while not select.select([sys.stdin], [], [], 0)[0]:
        for count in (1, 7, 64, 200):
            rows = batch[:count]
            rows["value"] = np.arange(written, written + count)
            rows["copies"] = rows["value"][:, None]
            ring.append(rows)
            written += count
        # Written in place: some are published, and another one has been started.
        room = ring.claim(100)
        count = max(0, len(room) - 1) // 2
        room["value"][: count + 1] = np.arange(written, written + count + 1)
        room["copies"][: count + 1] = -1
        room["copies"][:count] = room["value"][:count, None]
        ring.publish(count)
        written += count
        version += 1
        record["value"] = record["copies"] = version
        table.write(record)
    print_line(written, version)
    del ring, table
    segment.close()


if __name__ == "__main__":
    main()
