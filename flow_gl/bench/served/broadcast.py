"""A bare broadcast with aiohttp, to compare with: the same bytes at the same times, and nothing else."""

import asyncio
import json
import sys
import time

from aiohttp import web

from flow_gl.protocol.frames import Rows, encode
from flow_gl.protocol.kinds import Kind, Part, join
from flow_gl.protocol.messages import PACKED_FORM
from flow_gl.server.pace import POLL_S, Pace
from flow_gl.store.market import MarketStore


async def run(store: MarketStore, port: int, size: int) -> None:
    """Send a store's new rows to all clients, at the server's pace, until the process is killed.

    Parameters
    ----------
    size : bytes of each message; the rows are padded to it
    """
    clients: set[web.WebSocketResponse] = set()
    bubbles, points = store.bubbles[0], store.cvd[0]

    def block(first: int, stop: int, part: Part) -> bytes:
        rows = join(bubbles.read(first, stop)[1], points.read(first, stop)[1])
        data = encode(
            Rows(kind=Kind.BUBBLE, symbol=0, level=0, epoch=1, sequence=first, rows=rows, part=part),
            tick_size=250_000_000,
            width_ns=10**9,
        )
        return data.ljust(size, b"\0")

    async def join_in(request: web.Request) -> web.StreamResponse:
        response = web.WebSocketResponse(protocols=(PACKED_FORM,), compress=False)
        await response.prepare(request)
        await response.send_str(json.dumps({"type": "Connected"}))
        await response.receive()
        await response.send_bytes(block(0, sent, Part.NEWEST))
        clients.add(response)
        async for _ in response:
            pass
        clients.discard(response)
        return response

    app = web.Application()
    app.router.add_get("/ws", join_in)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, backlog=1024, reuse_port=True).start()
    sent = bubbles.head
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    pace = Pace()
    while True:
        head, now_s = min(bubbles.head, points.head), time.monotonic()
        if pace.is_due(now_s, has_news=head > sent):
            if head > sent:
                data = block(sent, head, Part.INCREMENT)
                for client in list(clients):
                    await client.send_bytes(data)
            pace.ticked(now_s, is_sent=head > sent)
            sent = head
        await asyncio.sleep(POLL_S)


if __name__ == "__main__":
    asyncio.run(run(MarketStore.attach(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
