"""The alerts panel as a user drives it: switch, add, edit, test, delete a rule, and go to an alert's place."""

import numpy as np
import pytest

from flow_gl.core.alerts import ALERT, Condition
from flow_gl.core.commands import SetAlerts
from flow_gl.core.units import SECOND_NS
from flow_gl.ui.alerts.rules import Rule
from flow_gl.ui.overlays.panels.alerts import show
from flow_gl.ui.state.axes import FixedTime
from tests.kit.pilot import HeadlessPilot


@pytest.fixture
def pilot():
    pilot = HeadlessPilot("NQZ5", size=(1200, 900), has_picture=True)
    with pilot.unseen():
        pilot.until_idle()
        pilot.press("a")
        pilot.until_idle()
    yield pilot
    pilot.close()


def fire(pilot, *, seconds_ago=0):
    rows = np.zeros(1, ALERT)
    rows["ts_event"] = pilot.time.wall_ns() - seconds_ago * SECOND_NS
    rows["rule"], rows["condition"], rows["value"], rows["direction"] = 1, Condition.BUBBLE, 640, 1
    pilot.link.stores[0].alerts.append(rows)
    pilot.frames(3)


def panel(pilot):
    return pilot.loop.frame.panels.slot_of("alerts").rect


def first_rule(pilot):
    """Return the positions of the first rule's switch and name."""
    rect = panel(pilot)
    for y in range(int(rect.y) + 120, int(rect.y) + 220, 6):
        pilot.click((rect.x + 22, y))
        if not pilot.loop.alerts.book.rules()[0].on:
            return (rect.x + 22, y + 6), (rect.x + 70, y + 6)
    raise AssertionError("no switch of a rule was found")


def test_a_switch_reaches_the_engine_and_a_click_on_the_name_opens_the_form(pilot):
    with pilot.unseen():
        switch, name = first_rule(pilot)
    assert not pilot.loop.alerts.book.rules()[0].on
    assert [command for command in pilot.link.commands if isinstance(command, SetAlerts)][-1].rules == ()
    with pilot.unseen():
        pilot.click(switch)
    assert pilot.loop.alerts.book.rules()[0].on
    (sent,) = [command for command in pilot.link.commands if isinstance(command, SetAlerts)][-1].rules
    assert sent.condition is Condition.EVENT
    with pilot.unseen():
        pilot.until_idle()
    before = pilot.picture()
    with pilot.unseen():
        pilot.click(name)
        pilot.until_idle()
    rect = panel(pilot)
    below = np.s_[int(name[1]) + 30 : int(name[1]) + 200, int(rect.x) + 10 : int(rect.right) - 10]
    assert (pilot.picture()[below] != before[below]).any(axis=2).mean() > 0.02


def test_an_alert_is_shown_in_the_header_and_a_click_in_the_log_shows_its_place(pilot):
    fire(pilot)
    assert pilot.loop.frame.charts[0].badge.text == "CVD zero cross"
    entry = pilot.loop.alerts.entries[-1]
    assert "640 contracts" in entry.text
    pilot.pass_time(600.0)
    pilot.frames(5)
    show(entry, pilot.loop.frame, pilot.state)
    assert isinstance(pilot.state.time.anchor, FixedTime)
    assert 0 < pilot.state.time.anchor.t_ns - entry.ts_event < 600 * SECOND_NS


def test_a_test_of_a_rule_is_answered_in_words(pilot):
    from flow_gl.ui.alerts.center import Now

    frame = pilot.loop.frame
    rule = Rule(name="mine", when="bubble", least=5, do=("sound", "flash"))
    pilot.loop.alerts.test(rule, Now(frame.wall_ns, frame.event_ns, is_muted=False))
    pilot.frames(3)
    notes = [text for text, _ in pilot.loop.overlays.notes.lines(frame.steady_s)]
    assert notes == ["test of mine: no sound without a window, flash"]
    assert pilot.loop.frame.charts[0].badge.text == "test: mine"
