"""What the windows of a program share: each change arrives completely in another window, and is not sent back."""

from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from flow_gl.core.drawings import CustomLevel, Point, Shape
from flow_gl.core.settings import AggregationSettings
from flow_gl.ui.alerts.center import AlertCenter
from flow_gl.ui.alerts.rules import Rule
from flow_gl.ui.keys.choices import KeyChoices
from flow_gl.ui.state.view_state import Pause, ViewState
from flow_gl.ui.workspaces.saved import SavedWorkspaces
from flow_gl.ui.workspaces.tree import Workspace
from flow_gl.view.windows.messages import Keys, decode_down, decode_up, encode
from flow_gl.view.windows.shared import SharedState


def a_window(folder: Path | None = None) -> Any:
    """Return what `SharedState` needs of a window's frame loop."""
    return SimpleNamespace(state=ViewState(workspaces=SavedWorkspaces(folder)), alerts=AlertCenter(), frame=None)


def add_rule(loop: Any) -> None:
    rule = Rule(name="mine", when="level", price=Decimal("25010.25"), symbol="NQ", do=("sound", "log"))
    loop.alerts.book.add(rule)
    loop.alerts.book.set_volume(0.25)


def draw(loop: Any) -> None:
    book = loop.state.drawings.book
    book.put("NQ", [CustomLevel("a", 25_000_000_000_000, "open", since_ns=5)])
    book.put_shapes("ES", [Shape("b", "trend_line", Point(1, 2), Point(3, 4), "up")])


CHANGES: dict[str, tuple[Any, Any]] = {
    "pause": (lambda loop: setattr(loop.state, "pause", Pause(7, 5)), lambda loop: loop.state.pause),
    "mute": (lambda loop: setattr(loop.state, "is_muted", True), lambda loop: loop.state.is_muted),
    "rules": (add_rule, lambda loop: (loop.alerts.book.items(), loop.alerts.book.volume)),
    "drawings": (
        draw,
        lambda loop: (loop.state.drawings.book.by_root(), loop.state.drawings.book.shapes_by_root()),
    ),
    "keys": (lambda loop: loop.state.keys.put({"pause": ("f9",)}), lambda loop: loop.state.keys.changed()),
}
"""What changes something in a window, and what reads it."""


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("is_up", [True, False])
def test_a_change_arrives_in_another_window_once(name: str, *, is_up: bool) -> None:
    change, read = CHANGES[name]
    here, there = a_window(), a_window()
    sending, taking = SharedState(here, is_main=not is_up), SharedState(there, is_main=is_up)
    assert sending.changes() == []
    change(here)
    (message,) = sending.changes()
    assert sending.changes() == [], "it is sent once"
    assert read(here) != read(there)
    assert taking.take((decode_up if is_up else decode_down)(encode(message))) == ""
    assert read(here) == read(there)
    assert taking.changes() == [], "it is not sent back"


def test_what_was_undone_is_undone_everywhere() -> None:
    here, there = a_window(), a_window()
    sending, taking = SharedState(here, is_main=True), SharedState(there, is_main=False)
    for change, _ in CHANGES.values():
        change(here)
        change(there)
    sending.changes(), taking.changes()
    here.state.pause, here.state.is_muted = None, False
    here.alerts.book.delete(here.alerts.book.items()[-1][0])
    here.state.drawings.book.put("NQ", [])
    here.state.drawings.book.put_shapes("ES", [])
    here.state.keys.put({"pause": None})
    for message in sending.changes():
        taking.take(decode_down(encode(message)))
    for name, (_, read) in CHANGES.items():
        assert read(here) == read(there), name
    assert not there.state.drawings.book.by_root()


def test_a_window_that_opens_is_sent_everything(tmp_path: Path) -> None:
    first, new = a_window(tmp_path), a_window(tmp_path)
    for change, _ in CHANGES.values():
        change(first)
    first.state.aggregation = AggregationSettings(arm=321)
    first.state.workspaces.save("night", Workspace())
    first.state.workspaces.current = "night"
    shared = SharedState(new, is_main=False)
    for message in SharedState(first, is_main=True).all():
        assert shared.take(decode_down(encode(message))) == ""
    for name, (_, read) in CHANGES.items():
        assert read(first) == read(new), name
    assert new.state.aggregation == first.state.aggregation
    assert (new.state.workspaces.names(), new.state.workspaces.current) == (["night"], "night")
    assert shared.changes() == []


def test_the_engines_settings_only_come_down() -> None:
    secondary = a_window()
    shared = SharedState(secondary, is_main=False)
    secondary.state.aggregation = AggregationSettings(arm=321)
    assert shared.changes() == [], "the command that changed them has told the main window"


def test_rules_added_in_two_windows_get_their_own_ids() -> None:
    here, there = a_window(), a_window()
    sending, taking = SharedState(here, is_main=True), SharedState(there, is_main=False)
    add_rule(here)
    for message in sending.changes():
        taking.take(decode_down(encode(message)))
    before = dict(there.alerts.book.items())
    number = there.alerts.book.add(Rule(name="second", when="feed"))
    assert number not in before


def test_keys_that_cannot_be_saved_are_reported_where_they_are_saved() -> None:
    first = a_window()
    first.state.keys = KeyChoices(_keep=lambda _: "the disk is full")
    assert SharedState(first, is_main=True).take(Keys({"pause": ("f9",)})) == "the disk is full"
