"""The shared context of all tests that draw, a browser for each module, and servers that end with the test."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.kit.browser import Browser, find_browser
from tests.kit.gl_context import context, resources
from tests.kit.markets import Market
from tests.kit.page_server import PageServer

__all__ = ["browser", "chromium", "context", "resources", "served"]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    if find_browser() is None:
        pytest.skip("Chromium is not installed (make test installs it on Debian and Ubuntu)")
    browser = Browser()
    yield browser
    browser.close()


@pytest.fixture
def browser(chromium: Browser) -> Iterator[Browser]:
    """The module's browser with nothing kept, at 960x600; the page of a test has said nothing on its console."""
    chromium.resize(960, 600)
    chromium.console.clear()
    yield chromium
    said = [line for line in chromium.console if "WebSocket connection" not in line]
    chromium.open("about:blank")
    chromium.call("Storage.clearDataForOrigin", origin="*", storageTypes="all")
    assert said == []


@pytest.fixture
def served() -> Iterator[Any]:
    """Starts servers that end with the test."""
    servers: list[PageServer] = []

    def serve(
        *markets: Market, now_ns: int | None = None, tokens: Path | None = None, is_started: bool = True
    ) -> PageServer:
        stores = [market.store for market in markets]
        server = PageServer(*stores, now_ns=now_ns or markets[0].now_ns, tokens=tokens)
        servers.append(server)
        return server.start() if is_started else server

    yield serve
    for server in servers:
        server.stop()
