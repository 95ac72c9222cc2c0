"""The HTTP endpoints for operators."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from flow_gl.core.clock import ManualClock
from flow_gl.core.schema import FeedState
from flow_gl.server.metrics.exposition import Exposition
from flow_gl.server.metrics.http import Operations
from flow_gl.server.security import token_file
from flow_gl.server.security.admission import Admission
from flow_gl.server.security.limits import Limits
from flow_gl.server.security.origins import Origins
from flow_gl.server.security.tokens import Tokens
from tests.kit.local_link import LocalLink

Client = TestClient[web.Request, web.Application]


def asked(operations: Operations, talk: Callable[[Client], Awaitable[None]]) -> None:
    async def run() -> None:
        app = web.Application()
        operations.add_routes(app)
        async with TestClient(TestServer(app)) as client:
            await talk(client)

    asyncio.run(run())


def test_alive_and_ready_are_two_answers() -> None:
    link = LocalLink("NQZ5")
    clock = ManualClock(link.now_ns)
    operations = Operations(link, Exposition(link, clock=clock), clock=clock)

    async def talk(client: Client) -> None:
        ready = await client.get("/readyz")
        assert (ready.status, (await ready.json())["ready"]) == (200, True)
        link.set_status(state=FeedState.RECONNECTING, message=b"connection lost")
        ready = await client.get("/readyz")
        assert (ready.status, await ready.json()) == (
            503,
            {"ready": False, "reason": "the feed is reconnecting: connection lost"},
        )
        health = await client.get("/healthz")
        assert (health.status, await health.json()) == (200, {"status": "ok"})
        link.set_status(state=FeedState.LIVE)
        operations.is_ending = True
        assert await (await client.get("/readyz")).json() == {"ready": False, "reason": "the server is ending"}

    asked(operations, talk)


def test_a_scrape_takes_a_token_for_metrics_where_there_are_tokens(tmp_path: Path) -> None:
    path = tmp_path / "tokens.json"
    reader = token_file.create(path, name="desk", scopes=("read", "control"), wall_ns=0)
    scraper = token_file.create(path, name="prometheus", scopes=("metrics",), wall_ns=0)
    link = LocalLink("NQZ5")
    admission = Admission(tokens=Tokens(path), limits=Limits(), origins=Origins(is_local_only=True))
    operations = Operations(link, Exposition(link), admission)

    async def talk(client: Client) -> None:
        for token, status, code in (
            ("", 401, "unauthenticated"),
            ("wrong", 401, "unauthenticated"),
            (reader, 403, "forbidden"),
        ):
            answer = await client.get("/metrics", headers={"Authorization": f"Bearer {token}"} if token else {})
            found = await answer.json()
            assert (answer.status, found["code"]) == (status, code)
            assert found["text"]
            assert found["advice"]
            assert ("WWW-Authenticate" in answer.headers) == (status == 401)
        answer = await client.get("/metrics", headers={"Authorization": f"Bearer {scraper}"})
        assert answer.status == 200
        assert "flow_gl_trades_total" in await answer.text()
        for open_to_all in ("/healthz", "/readyz"):
            assert "NQ" not in await (await client.get(open_to_all)).text()

    asked(operations, talk)
