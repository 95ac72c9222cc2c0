"""The page's transport bar: who sees it, and what its buttons and keys ask of the server."""

import time
from pathlib import Path
from typing import Any

import pytest

from flow_gl.core.schema import FeedState
from flow_gl.core.units import SECOND_NS
from flow_gl.server.security import token_file
from tests.kit.browser import Browser
from tests.kit.markets import make_market
from tests.kit.page_server import PageServer
from tests.kit.waiting import until

IS_SHOWN = "!document.getElementById('transport').hidden"


def replay(served: Any, **more: Any) -> PageServer:
    """Serve a replay that plays at the pace of its clock."""
    market = make_market(300, seed=3)
    server: PageServer = served(market, is_started=False, **more)
    server.feed = "replay"
    first = int(market.rows["ts_event"][0])
    server.set_status(
        state=FeedState.REPLAY, can_seek=1, first_event=first, last_event=first + 600 * SECOND_NS, indexed=1.0
    )
    return server.start()


@pytest.fixture
def server(browser: Browser, served: Any) -> PageServer:
    found = replay(served)
    browser.open(found.url)
    browser.until(f"app && app.scene && {IS_SHOWN}")
    return found


def asked(server: PageServer, count: int) -> list[tuple[object, ...]]:
    """Wait for so many commands and return them."""
    until(lambda: len(server.commands) >= count, lambda: f"{server.commands}", pause_s=0.01)
    return [(one.name, one.value, one.to) for one in server.commands]


def test_keys_and_buttons_move_the_replay_as_in_the_program(browser: Browser, server: PageServer) -> None:
    for key in (" ", ".", ",", ">", "j"):
        browser.press(key)
    browser.press("J", shift=True)
    expected: list[tuple[object, ...]] = [("pause", None, "")]
    expected += [("step", by, to) for to, by in (("bubble", 1), ("bubble", -1), ("second", 1), ("event", 1))]
    expected.append(("step", -1, "event"))
    assert asked(server, 6) == expected
    server.commands.clear()
    for name in ("session_back", "trade_on", "faster"):
        browser.evaluate(f"document.getElementById('{name}').click()")
    assert asked(server, 3) == [("step", -1, "session"), ("step", 1, "large_trade"), ("set_speed", 2, "")]


def test_a_paused_replay_looks_so_and_plays_again(browser: Browser, server: PageServer) -> None:
    server.set_status(is_held=1, rate=0.0)
    browser.until("document.getElementById('state').textContent === 'REPLAY PAUSED'")
    browser.evaluate("document.getElementById('pause').click()")
    assert asked(server, 1) == [("play", None, "")]
    browser.until("!app.pause")


def test_the_seek_bar_asks_for_an_instant_of_the_replay(browser: Browser, server: PageServer) -> None:
    browser.evaluate(
        "(() => { const bar = document.getElementById('seek'); bar.value = 120;"
        " bar.dispatchEvent(new Event('input')); bar.dispatchEvent(new Event('change')); })()"
    )
    ((name, value, _),) = asked(server, 1)
    assert name == "seek"
    assert isinstance(value, int)
    assert abs(value - browser.app("app.feed.status.firstEvent") - 120 * SECOND_NS) < 1000, "float64: 256 ns"
    assert browser.evaluate("document.activeElement.id") == "chart", "keys are the chart's"


def test_without_the_scope_control_there_is_no_bar(browser: Browser, served: Any, tmp_path: Path) -> None:
    path = tmp_path / "tokens.json"
    token = token_file.create(path, name="screen", scopes=("read",), wall_ns=time.time_ns())
    server = replay(served, tokens=path)
    browser.open(server.url)
    browser.until("app && app.connection.state === 'refused'")
    browser.app(f"app.connection.signIn('{token}')")
    browser.until("app.scene && app.feed.status?.canSeek")
    browser.press(" ")
    browser.until("app.pause !== null")
    assert not browser.evaluate(IS_SHOWN)
    assert server.commands == []


def test_a_demo_has_no_bar(browser: Browser, served: Any) -> None:
    server = served(make_market(300, seed=3))
    browser.open(server.url)
    browser.until("app && app.scene && app.feed.scopes.includes('control')")
    assert not browser.evaluate(IS_SHOWN)
