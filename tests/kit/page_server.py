"""A server for browsers over stores of this process, in a thread of its own: page, WebSocket, hub."""

import asyncio
import threading
import time
from pathlib import Path
from typing import Final

import numpy as np
from aiohttp import web

from flow_gl.core.schema import STATUS, FeedState
from flow_gl.server.app import App, make_app
from flow_gl.server.charts import Charts
from flow_gl.server.hub import TICK_S, Hub
from flow_gl.server.metrics.counts import CountsBoard, WorkerCounts
from flow_gl.server.page import Page, load
from flow_gl.server.security.admission import Admission
from flow_gl.server.security.limits import Limits
from flow_gl.server.security.origins import Origins
from flow_gl.server.security.tokens import Tokens
from flow_gl.server.spec import CommandLine
from flow_gl.store.market import EngineStore, MarketStore
from tests.kit.ports import lasting_port
from tests.kit.waiting import PATIENCE_S

_FILES: Final = load()


class PageServer:
    """Serves stores as `flow-gl serve` does. `start` and `stop` may alternate; the port stays.

    Parameters
    ----------
    now_ns : event time at the live edge; time stands still there
    tokens : token file; None lets everybody in
    """

    def __init__(self, *stores: MarketStore, now_ns: int, tokens: Path | None = None, epoch: int = 1000) -> None:
        self._stores: Final = stores
        self._tokens: Final = tokens
        self._epoch: Final = epoch
        self._engine: Final = EngineStore.local()
        self._status: Final = np.zeros(1, STATUS)
        self.is_beating = True
        """The engine's heart beats."""
        self.feed = "demo"
        """What is served: demo, replay, live or connect."""
        self.commands: list[CommandLine] = []
        """Commands of clients."""
        self.port = lasting_port()
        self._loop: asyncio.AbstractEventLoop | None = None
        self.set_status(
            state=FeedState.DEMO, charts=len(stores), speed=1.0, anchor_event=now_ns, anchor_wall=time.time_ns()
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def set_status(self, **fields: object) -> None:
        """Change the engine's status."""
        for name, value in fields.items():
            self._status[name] = value
        self._engine.status.write(self._status)

    def start(self) -> "PageServer":
        """Listen, and return once clients can connect."""
        ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(ready)), daemon=True)
        self._thread.start()
        assert ready.wait(PATIENCE_S)
        return self

    def stop(self) -> None:
        """End, as a server does that is restarted: connections end."""
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._ending.set)
        self._thread.join(PATIENCE_S)

    async def _serve(self, ready: threading.Event) -> None:
        self._loop, self._ending = asyncio.get_running_loop(), asyncio.Event()
        charts = Charts()
        charts.state = "running"
        charts.set_engine(self._engine)
        for index, store in enumerate(self._stores):
            charts.set_chart(index, store, self._epoch + index)
        hub = Hub(charts, counts=WorkerCounts(CountsBoard.local(), 0, pid=1), server="flow_gl test", threshold=0.15)
        tokens = Tokens(self._tokens) if self._tokens else None
        admission = Admission(tokens=tokens, limits=Limits(), origins=Origins(is_local_only=True))
        app = App(hub, admission, feed=self.feed, on_command=self.commands.append)
        runner = web.AppRunner(
            make_app([app.add_routes, Page(_FILES).add_routes]), access_log=None, shutdown_timeout=0.2
        )
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", self.port, reuse_address=True)
        await site.start()
        ready.set()
        while not self._ending.is_set():
            if self.is_beating:
                self.set_status(heartbeat=time.time_ns())
            hub.tick(time.monotonic())
            await asyncio.sleep(TICK_S)
        await runner.cleanup()
