"""A worker for metrics alone, as `flow-gl live --metrics PORT` starts it beside a chart."""

import asyncio

import aiohttp

from flow_gl.core.clock import SYSTEM
from tests.kit.served_process import serve_market


def test_it_gives_the_metrics_and_no_data() -> None:
    async def run(url: str) -> dict[str, int]:
        async with aiohttp.ClientSession() as session:
            found = {}
            for path in ("/metrics", "/healthz", "/readyz", "/ws", "/"):
                async with session.get(f"{url}{path}") as answer:
                    found[path] = answer.status
            async with session.get(f"{url}/metrics") as answer:
                assert 'flow_gl_symbol_trades_total{symbol="' in await answer.text()
        return found

    with serve_market(only_metrics=True) as served:
        served.status["heartbeat"] = SYSTEM.wall_ns()
        served.engine.status.write(served.status)
        statuses = asyncio.run(run(served.url))
    assert statuses == {"/metrics": 200, "/healthz": 200, "/readyz": 200, "/ws": 404, "/": 404}
