"""The state texts: a silent feed is never shown as a quiet market."""

import numpy as np
import pytest

from flow_gl.core.schema import SESSION, FeedState, GapKind
from flow_gl.core.units import SECOND_NS
from flow_gl.ui.link import LinkState
from flow_gl.ui.overlays.status import Tone, awaiting, condition, next_open
from tests.kit.local_link import OPENED, LocalLink, add_gap


@pytest.fixture
def link():
    return LocalLink("NQZ5")


def status_of(link, *, later_ns=200_000_000, beats=True, **more):
    """Return the condition `later_ns` after the newest trade."""
    wall = link.now_ns + later_ns
    if beats:
        link.beat(wall)
    link.engine.refresh()
    for market in link.markets:
        market.refresh()
    return condition(link, link.markets[0] if link.markets else None, wall_ns=wall, **more)


def test_live_shows_the_age_of_the_newest_trade(link):
    status = status_of(link)
    assert (status.text, status.tone, status.is_live) == ("LIVE 0.2 s", Tone.GOOD, True)


def test_an_old_newest_trade_changes_the_colour(link):
    status = status_of(link, later_ns=25 * SECOND_NS)
    assert status.text == "LIVE 25 s"
    assert status.tone is Tone.ATTENTION


def test_an_engine_without_heartbeat_is_never_shown_as_a_quiet_market(link):
    status = status_of(link, later_ns=3 * SECOND_NS, beats=False)
    assert status.text.startswith("ENGINE NOT RESPONDING")
    assert status.tone is Tone.ALARM
    assert not status.is_live


@pytest.mark.parametrize(
    ("state", "text"),
    [
        (LinkState.STARTING, "STARTING"),
        (LinkState.RESTARTING, "ENGINE RESTARTING"),
        (LinkState.FAILED, "STOPPED"),
        (LinkState.ENDED, "ENDED"),
    ],
)
def test_states_of_the_link_take_precedence_over_the_feeds(link, state, text):
    link.state = state
    status = status_of(link)
    assert status.text == text
    assert not status.is_live


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"state": FeedState.CATCHING_UP, "progress": 0.63}, "CATCHING UP 63 %"),
        ({"state": FeedState.CATCHING_UP, "progress": np.nan}, "CATCHING UP"),
        ({"state": FeedState.CONNECTING}, "CONNECTING"),
        ({"state": FeedState.FAILED}, "STOPPED"),
        ({"state": FeedState.ENDED}, "ENDED"),
        ({"state": FeedState.CLOSED}, "MARKET CLOSED \u00b7 opens Sunday 18:00 ET"),
        (
            {"state": FeedState.CLOSED, "next_open": 1_798_822_800_000_000_000},
            "MARKET CLOSED \u00b7 opens Friday 12:00 ET",
        ),
    ],
)
def test_states_other_than_live_are_named(link, fields, text):
    link.set_status(**fields)
    status = status_of(link, later_ns=61 * SECOND_NS)
    assert status.text == text
    assert not status.is_live


def test_reconnecting_shows_the_try_and_the_wait(link):
    link.set_status(state=FeedState.RECONNECTING, attempt=3, retry_at=link.now_ns + 4 * SECOND_NS)
    status = status_of(link, later_ns=0)
    assert status.text == "RECONNECTING (try 3, in 4 s)"
    assert status.tone is Tone.ALARM


@pytest.mark.parametrize(
    ("state", "speed", "text"),
    [
        (FeedState.REPLAY, 10.0, "REPLAY x10"),
        (FeedState.REPLAY, np.inf, "REPLAY max"),
        (FeedState.DEMO, 1.0, "DEMO"),
        (FeedState.DEMO, 4.0, "DEMO x4"),
    ],
)
def test_replay_and_demo_are_named_with_their_speed(link, state, speed, text):
    link.set_status(state=state, speed=speed)
    status = status_of(link)
    assert (status.text, status.is_live) == (text, True)


def test_a_halt_shows_since_when_there_are_no_trades(link):
    add_gap(link.stores[0], GapKind.NO_TRADES, OPENED - 60 * SECOND_NS, link.now_ns, is_open=True)
    status = status_of(link, later_ns=70 * SECOND_NS)
    assert status.text == "NO TRADES since 09:29"
    assert status.is_live, "connected: the market is quiet, the picture is not old"


def test_missing_data_is_an_alarm_while_it_lasts(link):
    add_gap(link.stores[0], GapKind.FEED, OPENED, link.now_ns, is_open=True)
    status = status_of(link)
    assert status.tone is Tone.ALARM
    assert not status.is_live


def test_a_pause_counts_new_trades_and_yields_to_problems(link):
    assert status_of(link, paused_new=12).text == "PAUSED (12 new)"
    assert not status_of(link, paused_new=12).is_live
    link.state = LinkState.RESTARTING
    assert status_of(link, paused_new=12).text == "ENGINE RESTARTING \u00b7 PAUSED (12 new)"


def test_a_compiling_engine_may_be_silent_and_its_work_is_named(link):
    link.set_status(compiling=1, message=b"compiling kernels 3 of 9")
    status = status_of(link, later_ns=20 * SECOND_NS, beats=False)
    assert (status.text, status.detail) == ("PREPARING", "compiling kernels 3 of 9")


def test_an_engine_that_is_behind_shows_by_how_much(link):
    link.set_status(behind=50_000, lag_ns=2_500_000_000)
    assert status_of(link).text == "LIVE \u00b7 BEHIND 2.5 s"


def test_an_empty_chart_shows_what_it_waits_for_and_when_it_can_come():
    link = LocalLink("NQZ5", bubbles=0)
    link.set_status(state=FeedState.CLOSED)
    status = status_of(link)
    assert awaiting(link, link.markets[0], status) == (
        "waiting for the first trade of NQ.v.0; market opens Sunday 18:00 ET"
    )
    link.set_status(state=FeedState.LIVE)
    assert awaiting(link, link.markets[0], status_of(link)) == "waiting for the first trade of NQ.v.0"
    link.set_status(state=FeedState.RECONNECTING, attempt=2, message=b"no connection to the gateway: refused")
    assert awaiting(link, link.markets[0], status_of(link)) == "no connection to the gateway: refused"
    link.set_status(state=FeedState.LIVE, message=b"")
    link.set_status(not_found=1)
    assert awaiting(link, link.markets[0], status_of(link)) == "NQ.v.0: the gateway does not know this symbol"


def test_an_empty_chart_shows_why_no_trade_came():
    link = LocalLink("NQZ5", bubbles=0)
    link.set_status(state=FeedState.LIVE, message=b"1,200 trades wait for their symbol")
    assert awaiting(link, link.markets[0], status_of(link)) == (
        "waiting for the first trade of NQ.v.0; 1,200 trades wait for their symbol"
    )
    link.set_status(state=FeedState.ENDED, message=b"a.dbn: damaged at byte 96: the rest is left out")
    assert awaiting(link, link.markets[0], status_of(link)) == (
        "NQ.v.0 did not trade in this data: choose another symbol with --symbol; "
        "a.dbn: damaged at byte 96: the rest is left out"
    )
    session = np.zeros(1, SESSION)
    session["rejected"] = session["rejected_price"] = 400
    link.stores[0].session.write(session)
    link.markets[0].refresh()
    link.set_status(message=b"")
    assert awaiting(link, link.markets[0], status_of(link)) == (
        "NQ.v.0: not charted: 400 records at a price that does not fit this market"
    )


def test_a_halt_of_the_demo_is_shown_immediately(link):
    link.set_status(state=FeedState.DEMO, message=b"halted until 09:51:35")
    assert status_of(link).text == "DEMO \u00b7 halted until 09:51:35"
    link.set_status(message=b"")
    assert status_of(link).text == "DEMO"


def test_a_chart_with_trades_waits_for_nothing(link):
    assert awaiting(link, link.markets[0], status_of(link)) == ""


def test_the_next_open_is_the_evening_at_the_exchange_and_sunday_after_friday():
    friday_noon = OPENED + 3 * 3600 * SECOND_NS
    assert next_open(friday_noon) == "Sunday 18:00 ET"
    assert next_open(friday_noon + 3 * 86400 * SECOND_NS) == "Monday 18:00 ET"


def test_a_market_with_trades_is_never_shown_as_closed(link):
    """On a Saturday, or in the maintenance hour: the feed knows only the calendar."""
    link.set_status(state=FeedState.CLOSED)
    status = status_of(link)
    assert status.text.startswith("LIVE ")
    assert status.is_live
    assert status_of(link, later_ns=59 * SECOND_NS).text.startswith("LIVE ")
    assert status_of(link, later_ns=61 * SECOND_NS).text.startswith("MARKET CLOSED")
