"""The shown time advances evenly and stays close to the feed's; the newest zero cross is shown for a while."""

import numpy as np
import pytest

from flow_gl.core.units import SECOND_NS
from flow_gl.ui.state.motion import MotionClock, feed_now
from flow_gl.ui.state.size_floor import contracts
from tests.kit.local_link import LocalLink


@pytest.fixture
def link():
    return LocalLink("NQZ5")


def frames(link, clock, count, *, start=0, jitter_ns=0, rate=1.0):
    """Return the shown times of `count` frames at 60 Hz whose anchors are alternately `jitter_ns` early and late."""
    shown = []
    for frame in range(start, start + count):
        wall = link.now_ns + frame * 16_666_667
        off = jitter_ns * (-1) ** frame
        event = link.now_ns + int((wall - link.now_ns) * rate) + off
        link.set_status(heartbeat=wall, anchor_wall=wall, anchor_event=event, rate=rate)
        link.engine.refresh()
        shown.append(clock.step(link.engine, wall, 1 / 60))
    return np.array(shown, np.int64)


def test_jitter_of_the_anchor_does_not_shake_the_picture(link):
    steps = np.diff(frames(link, MotionClock(), 300, jitter_ns=4_000_000))
    assert (np.abs(steps[60:] - 16_666_667) < 800_000).all()
    assert (steps >= 0).all()


@pytest.mark.parametrize("rate", [1.0, 10.0, 300.0])
def test_the_shown_time_stays_with_the_feed_at_every_speed(link, rate):
    shown = frames(link, MotionClock(), 240, rate=rate)
    expected = link.now_ns + int(239 * 16_666_667 * rate)
    assert abs(int(shown[-1]) - expected) < 0.02e9 * rate


def test_a_jump_of_the_feed_is_followed_immediately(link):
    clock = MotionClock()
    frames(link, clock, 30)
    link.set_status(anchor_event=link.now_ns + 3600 * SECOND_NS, anchor_wall=link.now_ns)
    link.engine.refresh()
    assert clock.step(link.engine, link.now_ns, 1 / 60) == link.now_ns + 3600 * SECOND_NS


def test_a_stopped_feed_and_one_at_maximum_speed_are_shown_where_they_are(link):
    link.set_status(rate=0.0)
    link.engine.refresh()
    clock = MotionClock()
    assert {clock.step(link.engine, link.now_ns + n * SECOND_NS, 1 / 60) for n in range(9)} == {link.now_ns}
    link.set_status(rate=np.inf)
    link.engine.refresh()
    assert feed_now(link.engine, link.now_ns + 5) == link.now_ns


def test_the_picture_of_a_dead_engine_stops(link):
    clock = MotionClock()
    frames(link, clock, 60)
    wall = link.now_ns + SECOND_NS
    shown = [clock.step(link.engine, wall + n * 16_666_667, 1 / 60) for n in range(300)]
    assert shown[-1] - shown[0] < SECOND_NS
    assert len(set(shown[200:])) == 1


def test_before_the_feeds_first_status_there_is_no_time():
    link = LocalLink("NQZ5")
    link.set_status(anchor_event=0)
    link.engine.refresh()
    assert MotionClock().step(link.engine, link.now_ns, 1 / 60) == 0
    assert feed_now(None, 5) == 0


def test_a_size_floor_by_share_hides_that_share_of_bubbles(link):
    market = link.markets[0]
    market.refresh()
    rows = link.stores[0].bubbles[0].rows[: market.heads[0]]
    volume = np.maximum(rows["buy"], rows["sell"])
    size_floor = contracts(market, 80.0)
    assert (volume < size_floor).mean() == pytest.approx(0.8, abs=0.06)
    assert contracts(market, 0.0) == 0
