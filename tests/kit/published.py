"""Engines that publish on a bus, as real processes, and what they have published."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from flow_gl.core.commands import Command, Stop
from flow_gl.core.commands import encode as encode_command
from flow_gl.core.spec import BusServers, DemoSpec, EngineSpec, Hello, PublishSpec, decode_answer, encode
from flow_gl.protocol import bus, columns
from flow_gl.protocol.bus import Log, Topic
from flow_gl.protocol.frames import Rows
from flow_gl.protocol.kinds import PER_LEVEL, Kind, Part
from flow_gl.store.market import EngineReader, EngineStore, MarketStore
from flow_gl.streams.appended import source_of
from flow_gl.streams.chart import Chart
from tests.kit.nats import messages
from tests.kit.waiting import PATIENCE_S, until

Stream = tuple[Kind, int]
DEMO = Topic("synthetic", "NQ.v.0")
"""The chart that `publishing` publishes."""


class Published:
    """What a chart's *rows* hold: every row by stream, checked to be without a hole and without a row twice.

    Attributes
    ----------
    epochs : in order
    rows : the rows of the newest epoch by kind and level
    """

    def __init__(self, found: list[tuple[int, str, bytes, dict[str, str]]]) -> None:
        self.epochs: list[int] = []
        self.rows: dict[Stream, np.ndarray] = {}
        self.ids = [headers[bus.MESSAGE_ID] for _, _, _, headers in found]
        self._nexts: dict[Stream, int] = {}
        for _, subject, payload, _ in found:
            if subject.endswith(f".{bus.CHART}"):
                self._begin(bus.decode(payload, bus.Chart).instrument.epoch)
            else:
                for block in bus.unpack(payload):
                    self._take(block)

    def _begin(self, epoch: int) -> None:
        if epoch not in self.epochs:
            self.epochs.append(epoch)
            self.rows.clear()
            self._nexts.clear()

    def _take(self, block: Rows) -> None:
        key = block.kind, block.level
        assert block.epoch == self.epochs[-1]
        assert block.sequence == self._nexts.get(key, 0), f"{key}: a hole or a row twice"
        assert (block.part is Part.NEWEST) == (key not in self._nexts)
        self._nexts[key] = block.next
        self.rows[key] = np.concatenate([self.rows.get(key, block.rows[:0]), block.rows])


def published(url: str, topic: Topic = DEMO) -> Published:
    """Read what is in *rows*."""
    return Published(asyncio.run(messages(url, topic.stream(Log.ROWS))))


def newest(url: str, log: Log, topic: Topic = DEMO) -> dict[str, bytes]:
    """Return the newest payload of each subject of a stream, by its last tokens."""
    skipped = len(topic.subjects(log)) - 1
    return {subject[skipped:]: payload for _, subject, payload, _ in asyncio.run(messages(url, topic.stream(log)))}


def stored(store: MarketStore) -> dict[Stream, np.ndarray]:
    """Return all rows of a store that are published, by stream; only streams that have rows."""
    chart = Chart(0, store, 0)
    found = {}
    for kind in bus.ROW_KINDS:
        for level in range(len(chart.reader.widths_ns)) if kind in PER_LEVEL else (0,):
            source = source_of(chart, kind, level)
            first, rows = source.read(source.oldest, source.state[1])
            assert first == 0, "the test's market is larger than its store"
            if len(rows):
                found[kind, level] = rows
    return found


def assert_same(found: dict[Stream, np.ndarray], expected: dict[Stream, np.ndarray]) -> None:
    """Check that every number of every row is the same."""
    assert set(found) == set(expected)
    for key, rows in expected.items():
        assert len(found[key]) == len(rows), key
        assert np.array_equal(columns.to_columns(found[key]), columns.to_columns(rows)), key


class PublishingEngine:
    """A demo's engine process with `--bus`."""

    def __init__(self, feed: DemoSpec, url: str, **settings: Any) -> None:
        servers = tuple(f"nats://{host}" for host in url.partition("://")[2].split(","))
        spec = EngineSpec(feed=feed, publish=PublishSpec(BusServers(servers), 0.15), **settings)
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "flow_gl.runtime"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._send(encode(spec))
        assert self.process.stdout is not None
        answer = decode_answer(self.process.stdout.readline())
        assert isinstance(answer, Hello)
        self._status_store = EngineStore.attach(answer.store)
        self._status = EngineReader(self._status_store)
        self._store: MarketStore | None = None
        self.last_answer = ""
        """What it said at its end."""

    def _send(self, line: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line)
        self.process.stdin.flush()

    def send(self, command: Command) -> None:
        self._send(encode_command(command))

    def status(self, field: str) -> Any:
        self._status.refresh()
        return self._status.status[field]

    def text(self, field: str) -> str:
        self._status.refresh()
        return self._status.text(field)

    @property
    def leads(self) -> bool:
        return bool(self.status("leases"))

    @property
    def store(self) -> MarketStore:
        """Its first chart, also after it has ended."""
        if self._store is None:
            self._status.refresh()
            self._store = MarketStore.attach(self._status.market_names[0])
        return self._store

    def until(self, field: str, least: int) -> None:
        """Wait until a number of the status is as large."""
        until(lambda: self.status(field) >= least, self.describe, pause_s=0.05)

    def until_all_is_published(self) -> None:
        until(
            lambda: (
                self.status("on_bus") and self.leads and self.status("published") and not self.status("unpublished")
            ),
            self.describe,
            pause_s=0.05,
        )

    def describe(self) -> str:
        fields = ("state", "trades", "on_bus", "leases", "published", "unpublished")
        return f"{[(one, int(self.status(one))) for one in fields]} {self.text('message')}; {self.text('keeping')}"

    def kill(self, *, with_publisher: bool = False) -> None:
        """End it with SIGKILL; with its publisher too, as if the machine had failed (Linux alone)."""
        children = f"/proc/{self.process.pid}/task/{self.process.pid}/children"
        publishers = Path(children).read_text().split() if with_publisher else []
        for pid in (self.process.pid, *map(int, publishers)):
            os.kill(pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        """End it cleanly; returns its exit code. Its store can still be read."""
        assert self.store is not None
        self.send(Stop())
        assert self.process.stdin is not None
        self.process.stdin.close()
        assert self.process.stdout is not None
        self.last_answer = self.process.stdout.read().decode()
        return self.process.wait(PATIENCE_S)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()
        self._status_store.close()
        if self._store is not None:
            self._store.close()


@contextmanager
def publishing(url: str, *, history_s: float = 600.0, **settings: Any) -> Iterator[PublishingEngine]:
    """Run an engine until the block ends: the same market for all that are given the same settings."""
    engine = PublishingEngine(DemoSpec(symbols=("NQ",), history_s=history_s), url, **settings)
    try:
        yield engine
    finally:
        engine.close()
