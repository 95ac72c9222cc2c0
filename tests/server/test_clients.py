"""The examples of clients, one in Python and one in a browser, beside a server with real sockets."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.kit.browser import Browser, find_browser
from tests.kit.served_process import ServedMarket, serve_market
from tests.kit.waiting import PATIENCE_S, until

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@contextmanager
def moving(served: ServedMarket) -> Iterator[None]:
    """Let a bubble close every 50 ms."""
    is_over = threading.Event()

    def run() -> None:
        while not is_over.wait(0.05):
            served.market.advance(1)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def line_of(served: ServedMarket, at: int) -> str:
    row = served.market.rows[at]
    return f"NQ.v.0 {row['price'] / 1e9:.2f} delta {row['buy'] - row['sell']:+d}"


def follow(some: list[str], lines: list[str]) -> bool:
    """Whether the lines contain some one after the other; two bubbles may have equal lines."""
    return any(lines[first : first + len(some)] == some for first in range(len(lines) - len(some) + 1))


@pytest.mark.parametrize("name", ["server_client.py", "server_client.html"])
def test_an_example_of_a_client_has_15_lines(name: str) -> None:
    assert len([line for line in (EXAMPLES / name).read_text().splitlines() if line.strip()]) <= 15


def test_the_python_example_prints_the_bubbles_that_close() -> None:
    with serve_market(published=200, seconds=1500) as served, moving(served):
        command = [sys.executable, str(EXAMPLES / "server_client.py"), f"{served.url}/ws"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as client:
            assert client.stdout is not None
            lines = [client.stdout.readline().rstrip("\n") for _ in range(5)]
            client.kill()
        all_lines = [line_of(served, at) for at in range(served.market.published)]
    assert follow(lines, all_lines)


def test_the_python_example_without_a_server_is_one_line() -> None:
    command = [sys.executable, str(EXAMPLES / "server_client.py"), "http://127.0.0.1:9/ws"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("server_client.py: Cannot connect")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.slow
@pytest.mark.skipif(find_browser() is None, reason="Chromium is not installed")
def test_the_browser_example_shows_the_bubbles_that_close() -> None:
    handler = partial(_Quiet, directory=str(EXAMPLES))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as pages:
        threading.Thread(target=pages.serve_forever, daemon=True).start()
        origin = f"http://127.0.0.1:{pages.server_port}"
        with serve_market(published=200, seconds=1500, origins=(origin,)) as served, moving(served):
            with closing(Browser()) as browser:
                browser.open(f"{origin}/server_client.html#{served.url.replace('http', 'ws')}/ws")
                lines: list[str] = []

                def look() -> None:
                    lines[:] = browser.evaluate("document.querySelector('pre').textContent").splitlines()[::-1]

                until(lambda: len(lines) >= 5, "five bubbles on the page", step=look, pause_s=0.1)
            shown = [line_of(served, at).replace("+", "") for at in range(served.market.published)]
        pages.shutdown()
    assert follow(lines, shown)


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass
