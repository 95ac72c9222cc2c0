"""The alerts panel as a user drives it: switch, add, edit, test, delete a rule, and go to an alert's place."""

import numpy as np
import pytest

from flow_gl.core.alerts import ALERT, Condition
from flow_gl.core.commands import SetAlerts
from flow_gl.core.units import SECOND_NS
from flow_gl.ui.alerts.rules import Rule
from flow_gl.ui.overlays.panels.alerts import show
from flow_gl.ui.state.axes import Parked
from tests.kit.pilot import HeadlessPilot


@pytest.fixture
def desk():
    pilot = HeadlessPilot("NQZ5", size=(1200, 900), has_picture=True)
    pilot.until_idle()
    pilot.press("a")
    pilot.until_idle()
    yield pilot
    pilot.close()


def fire(desk, *, seconds_ago=0):
    rows = np.zeros(1, ALERT)
    rows["ts_event"] = desk.time.wall_ns() - seconds_ago * SECOND_NS
    rows["rule"], rows["condition"], rows["value"], rows["direction"] = 1, Condition.BUBBLE, 640, 1
    desk.link.stores[0].alerts.append(rows)
    desk.frames(3)


def panel(desk):
    return desk.loop.frame.panels.slot_of("alerts").rect


def first_rule(desk):
    """Return the positions of the first rule's switch and name."""
    rect = panel(desk)
    for y in range(int(rect.y) + 120, int(rect.y) + 220, 6):
        desk.click((rect.x + 22, y))
        if not desk.loop.alerts.book.rules()[0].on:
            return (rect.x + 22, y + 6), (rect.x + 70, y + 6)
    raise AssertionError("no switch of a rule was found")


def test_a_switch_reaches_the_engine_and_a_click_on_the_name_opens_the_form(desk):
    switch, name = first_rule(desk)
    assert not desk.loop.alerts.book.rules()[0].on
    assert [command for command in desk.link.commands if isinstance(command, SetAlerts)][-1].rules == ()
    desk.click(switch)
    assert desk.loop.alerts.book.rules()[0].on
    (sent,) = [command for command in desk.link.commands if isinstance(command, SetAlerts)][-1].rules
    assert sent.condition is Condition.EVENT
    desk.until_idle()
    before = desk.picture()
    desk.click(name)
    desk.until_idle()
    rect = panel(desk)
    below = np.s_[int(name[1]) + 30 : int(name[1]) + 200, int(rect.x) + 10 : int(rect.right) - 10]
    assert (desk.picture()[below] != before[below]).any(axis=2).mean() > 0.02


def test_an_alert_is_shown_in_the_header_and_a_click_in_the_log_shows_its_place(desk):
    fire(desk)
    assert desk.loop.frame.charts[0].badge.text == "CVD zero cross"
    entry = desk.loop.alerts.entries[-1]
    assert "640 contracts" in entry.text
    desk.pass_time(600.0)
    desk.frames(5)
    show(entry, desk.loop.frame, desk.state)
    assert isinstance(desk.state.time.anchor, Parked)
    assert 0 < desk.state.time.anchor.t_ns - entry.ts_event < 600 * SECOND_NS


def test_a_test_of_a_rule_is_answered_in_words(desk):
    from flow_gl.ui.alerts.center import Now

    frame = desk.loop.frame
    rule = Rule(name="mine", when="bubble", least=5, do=("sound", "flash"))
    desk.loop.alerts.test(rule, Now(frame.wall_ns, frame.event_ns, is_muted=False))
    desk.frames(3)
    notes = [text for text, _ in desk.loop.overlays.notes.lines(frame.steady_s)]
    assert notes == ["test of mine: no sound without a window, flash"]
    assert desk.loop.frame.charts[0].badge.text == "test: mine"
