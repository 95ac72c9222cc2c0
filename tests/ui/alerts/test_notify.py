"""Desktop notifications, delivered to a notification service on a real D-Bus session."""

import logging
import sys
import time

import pytest

from flow_gl.ui.alerts import notify
from flow_gl.ui.alerts.center import AlertCenter, Now
from flow_gl.ui.alerts.notify import MAX_WAITING, Notifier
from flow_gl.ui.alerts.rules import Rule
from tests.kit.desktop import NotificationService, Shown, session_bus
from tests.kit.waiting import PATIENCE_S, until

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="D-Bus is Linux's")


@pytest.fixture(autouse=True)
def patient(monkeypatch):
    """Give a busy machine time to connect and to deliver."""
    monkeypatch.setattr(notify, "SEND_S", PATIENCE_S)


@pytest.fixture
def address(monkeypatch):
    pytest.importorskip("desktop_notifier")
    with session_bus(monkeypatch) as found:
        yield found


@pytest.fixture
def notifier():
    found = Notifier()
    yield found
    found.close()


@pytest.fixture
def service(address):
    found = NotificationService(address)
    yield found
    found.close()


def test_a_notification_is_shown_with_its_title_and_text(service, notifier):
    notifier.send("NQZ5: CVD zero cross", "bullish CVD zero cross at 25,377.25 \u2212 <now> & here")
    until(lambda: notifier.sent == 1)
    assert service.shown == [
        Shown("flow_gl", "NQZ5: CVD zero cross", "bullish CVD zero cross at 25,377.25 \u2212 <now> & here")
    ]
    assert notifier.problem == ""


def test_all_are_shown_in_order(service, notifier):
    for number in range(3):
        notifier.send("rule", str(number))
    until(lambda: notifier.sent == 3)
    assert [one.text for one in service.shown] == ["0", "1", "2"]


def test_of_too_many_at_once_the_number_is_shown_and_sending_waits_for_no_answer(service, notifier):
    service.answer = "waits"
    notifier.send("rule", "unanswered")
    until(lambda: service.shown)
    for number in range(10):
        notifier.send("rule", str(number))
    assert notifier.sent == 0, "the first one is unanswered"
    service.release()
    until(lambda: notifier.sent == 2 + MAX_WAITING)
    assert [one.text for one in service.shown[1:]] == ["0\nand 6 more", "7", "8", "9"]


def test_without_a_message_bus_a_problem_is_reported_and_nothing_on_the_terminal(monkeypatch, notifier, capfd):
    pytest.importorskip("desktop_notifier")
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere/bus")
    notifier.send("title", "text")
    until(lambda: notifier.problem)
    assert notifier.problem == "the desktop does not show notifications"
    assert notifier.sent == 0
    assert capfd.readouterr() == ("", "")


def test_without_a_service_a_problem_is_reported_until_there_is_one(address, notifier):
    notifier.send("title", "lost")
    until(lambda: notifier.problem)
    assert notifier.sent == 0
    service = NotificationService(address)
    notifier.send("title", "shown")
    until(lambda: notifier.sent == 1)
    assert [one.text for one in service.shown] == ["shown"]
    assert notifier.problem == ""
    service.close()


def test_a_refusal_is_a_problem_and_the_next_one_that_is_shown_ends_it(service, notifier):
    service.answer = "refuses"
    notifier.send("title", "refused")
    until(lambda: notifier.problem)
    assert notifier.sent == 0
    service.answer = "accepts"
    notifier.send("title", "shown")
    until(lambda: notifier.sent == 1)
    assert notifier.problem == ""


def test_a_service_that_does_not_answer_is_given_up(service, notifier, monkeypatch):
    service.answer = "is silent"
    limit_s = 0.2
    while not service.shown:  # a busy machine may take longer to deliver it than the limit
        notifier.problem = ""
        monkeypatch.setattr(notify, "SEND_S", limit_s)
        notifier.send("title", "text")
        until(lambda: notifier.problem)
        limit_s *= 4
        assert limit_s < PATIENCE_S
    assert (notifier.sent, len(service.shown)) == (0, 1)


def test_a_service_that_was_restarted_is_found_again(address, notifier):
    for number in range(2):
        service = NotificationService(address)
        notifier.send("title", str(number))
        until(lambda number=number: notifier.sent == number + 1)
        assert [one.text for one in service.shown] == [str(number)]
        service.close()


def test_a_new_message_bus_is_found_after_the_first_has_ended(monkeypatch, notifier):
    pytest.importorskip("desktop_notifier")
    with session_bus(monkeypatch) as first:
        service = NotificationService(first)
        notifier.send("title", "first")
        until(lambda: notifier.sent == 1)
        service.close()
    notifier.send("title", "lost")
    until(lambda: notifier.problem)
    with session_bus(monkeypatch) as second:
        service = NotificationService(second)
        notifier.send("title", "second")
        until(lambda: notifier.sent == 2)
        assert [one.text for one in service.shown] == ["second"]
        service.close()


def test_the_test_of_a_rule_reaches_the_desktop(service, notifier):
    center = AlertCenter(notifier=notifier)
    rule = Rule(name="Price at 25,400", when="bubble", least=5, do=("notify",))
    center.test(rule, Now(time.time_ns(), 0, is_muted=False))
    until(lambda: notifier.sent == 1)
    assert service.shown == [Shown("flow_gl", "Test: Price at 25,400", "bubble of at least 5 contracts")]
    center.close()


def test_without_the_extra_the_package_is_named(monkeypatch, notifier):
    monkeypatch.setitem(sys.modules, "desktop_notifier", None)
    notifier.send("title", "text")
    until(lambda: notifier.problem)
    assert "pip install flow_gl[alerts]" in notifier.problem


def test_closing_ends_the_thread_after_what_waits(service):
    notifier = Notifier()
    notifier.send("title", "last")
    notifier.close()
    until(lambda: notifier.sent == 1)
    assert logging.getLogger("desktop_notifier").propagate is False
    assert [one.text for one in service.shown] == ["last"]
