"""The transport bar of a replay: where it is, what it shows, and what keys and the mouse send."""

import numpy as np
import pytest
from imgui_bundle import imgui

from flow_gl.core.commands import OpenTimeline, Play, Seek, SetLoop, SetSpeed, Step
from flow_gl.core.event_kinds import EventKind
from flow_gl.core.schema import BUBBLE, EVENT, GAP_LIST, SESSION_SPAN, FeedState, GapKind
from flow_gl.core.units import HOUR_NS, MINUTE_NS, SECOND_NS
from flow_gl.gl.view import Rect
from flow_gl.store.timeline import TimelineStore
from flow_gl.ui.overlays.transport import seek_bar
from flow_gl.ui.overlays.transport.places import places_of
from flow_gl.ui.overlays.transport.time_entry import instant_of
from tests.kit.pilot import HeadlessPilot

OPEN_NS = 1_764_284_400_000_000_000
"""2025-11-27 18:00 New York."""


def timeline_of(*, hours=6, halt=(2, 4)):
    """Make the timeline of one session with a trade in each minute, but for a halt (in hours after the open)."""
    store = TimelineStore.local()
    chart = store.charts[0]
    minutes = np.array([m for m in range(hours * 60) if not halt[0] * 60 <= m < halt[1] * 60])
    rows = np.zeros(len(minutes), BUBBLE)
    rows["ts_event"] = OPEN_NS + minutes * MINUTE_NS
    rows["id"] = rows["ts_event"] // MINUTE_NS
    rows["buy"], rows["sell"] = 1 + minutes % 7, 3
    chart.minutes.append(rows)
    span = np.zeros(1, SESSION_SPAN)
    span["open_ts"] = span["first_ts"] = OPEN_NS
    span["last_ts"], span["trade_date"] = OPEN_NS + hours * HOUR_NS, 20251128
    chart.open_span.write(span)
    gaps = np.zeros(1, GAP_LIST)
    gaps["count"] = gaps["total"] = 1
    gap = gaps["gap"][0, 0]
    gap["start"], gap["end"], gap["kind"] = OPEN_NS + halt[0] * HOUR_NS, OPEN_NS + halt[1] * HOUR_NS, GapKind.NO_TRADES
    chart.gaps.write(gaps)
    events = np.zeros(3, EVENT)
    events["ts_event"] = OPEN_NS + np.array([10, 10, 300]) * MINUTE_NS
    events["kind"] = EventKind.ABSORPTION, EventKind.ZERO_CROSS, EventKind.LARGE_TRADE
    events["direction"], events["strength"] = (1, -1, 1), (2.0, 300.0, 40.0)
    chart.events.append(events)
    return store, rows


def bar_of(store, at_ns=OPEN_NS + HOUR_NS, columns=200):
    replay = OPEN_NS, OPEN_NS + 6 * HOUR_NS
    return seek_bar.make(store.charts[0], at_ns, columns, replay=replay, is_complete=True)


@pytest.mark.parametrize("columns", [40, 200])
def test_the_seek_bar_holds_the_sessions_volume(columns):
    store, rows = timeline_of()
    bar = bar_of(store, columns=columns)
    total = int((rows["buy"] + rows["sell"]).sum())
    assert sum(bar.volumes) == total if columns == 40 else sum(bar.volumes) >= total
    assert max(bar.heights) == 1.0
    assert (bar.trade_date, bar.number, bar.count) == (20251128, 1, 1)


def test_places_and_instants_of_the_seek_bar_are_each_others_inverse():
    store, _ = timeline_of()
    bar = bar_of(store)
    for instant in range(OPEN_NS, OPEN_NS + 6 * HOUR_NS, 7 * MINUTE_NS):
        assert abs(bar.instant_at(bar.share_of(instant)) - instant) < SECOND_NS
    assert bar.share_of(OPEN_NS - HOUR_NS) == 0.0
    assert bar.share_of(OPEN_NS + 9 * HOUR_NS) == 1.0
    assert bar.instant_at(1.0) == OPEN_NS + 6 * HOUR_NS


def test_a_long_gap_is_folded_on_the_seek_bar_and_reported():
    store, _ = timeline_of()
    ((start, end, kind),) = bar_of(store).gaps
    assert kind == GapKind.NO_TRADES
    assert end - start == pytest.approx(seek_bar.FOLD_SHARE)
    assert start == pytest.approx(0.49)  # two of the four hours that are not folded


def test_the_strongest_event_of_each_place_is_marked():
    store, _ = timeline_of()
    marks = bar_of(store).marks
    # The first two are a minute apart, which is less than a place: the stronger one, by its strength, is marked.
    assert [mark.direction for mark in marks] == [-1, 1]
    assert [mark.is_large_trade for mark in marks] == [False, True]


def test_without_a_timeline_the_seek_bar_spans_the_replay():
    bar = seek_bar.make(None, 5, 100, replay=(10, 1_010), is_complete=False)
    assert (bar.start_ns, bar.end_ns, bar.heights) == (10, 1_010, ())
    assert bar.instant_at(0.5) == 510


@pytest.mark.parametrize("scale", [1.0, 1.5, 2.0])
@pytest.mark.parametrize("width", [360, 640, 1024, 1920, 3840])
def test_the_parts_of_the_bar_are_inside_it_and_apart(width, scale):
    rect = Rect(0.0, 500.0, float(width), 54.0 * scale)
    places = places_of(rect, scale)
    parts = [box for _, box in places.buttons] + [places.clock, places.seek] + [places.speed] * bool(places.speed)
    assert all(rect.encloses(part) for part in parts)
    assert not any(one.overlaps(two) for at, one in enumerate(parts) for two in parts[:at])
    assert "play" in dict(places.buttons)


@pytest.mark.parametrize(
    ("text", "hours"),
    [("18:00", 0), ("19:30", 1.5), ("09:30", 15.5), ("2025-11-28 09:30", 15.5), (" 2025-11-28T14:30Z ", 15.5)],
)
def test_a_time_of_day_is_one_of_the_session(text, hours):
    assert instant_of(text, OPEN_NS + 3_000_000) == OPEN_NS + int(hours * HOUR_NS)


@pytest.fixture
def pilot():
    found = HeadlessPilot("NQZ5", size=(1280, 720), bubbles=150)
    found.link.timeline, _ = timeline_of()
    first, last = OPEN_NS, OPEN_NS + 6 * HOUR_NS
    found.link.set_status(state=FeedState.REPLAY, can_seek=1, first_event=first, last_event=last, indexed=1.0)
    found.link.set_status(anchor_event=OPEN_NS + HOUR_NS, rate=0.0, is_held=1)
    found.until_idle()
    found.link.commands.clear()
    yield found
    found.close()


def at_share(pilot, share):
    seek = places_of(pilot.state.transport.rect, pilot.frame.scale).seek
    return seek.x + share * seek.width, seek.y + 0.7 * seek.height


def button(pilot, name):
    rect = dict(places_of(pilot.state.transport.rect, pilot.frame.scale).buttons)[name]
    return rect.x + 0.5 * rect.width, rect.y + 0.5 * rect.height


def notes(pilot):
    return [text for text, _ in pilot.loop.overlays.notes.lines(pilot.frame.steady_s)]


def test_a_step_that_leads_nowhere_is_reported_each_time(pilot):
    for count in (1, 2):
        pilot.press("ctrl+page_down")
        pilot.link.set_status(refusals=count, refusal=b"there is no next session")
        pilot.until(lambda: "there is no next session" in notes(pilot), "the refusal was not said")
        pilot.until(lambda: not notes(pilot), "the note does not go away")


def test_the_bar_is_there_in_a_replay_alone_and_a_key_hides_it(pilot):
    bar = pilot.state.transport.rect
    assert bar is not None
    assert pilot.charts[0].layout.outer.bottom <= bar.y
    pilot.press("ctrl+t")
    assert pilot.state.transport.rect is None
    assert pilot.charts[0].layout.outer.bottom == 720
    pilot.press("ctrl+t")
    pilot.link.set_status(state=FeedState.LIVE, can_seek=0)
    pilot.frames(2)
    assert pilot.state.transport.rect is None


def test_the_bar_asks_an_engine_once_to_read_the_replay():
    found = HeadlessPilot("NQZ5", size=(1280, 720))
    found.link.set_status(state=FeedState.REPLAY, can_seek=1)
    found.frames(5)
    found.press("n", "n")
    assert found.link.commands.count(OpenTimeline()) == 1
    found.close()


def test_space_plays_and_pauses_a_replay_and_never_its_picture(pilot):
    pilot.press("space")
    pilot.link.set_status(is_held=0, rate=1.0)
    pilot.frames(2)
    pilot.press("space")
    pilot.link.set_status(is_held=0, state=FeedState.ENDED)
    pilot.frames(2)
    pilot.press("space")
    assert pilot.link.commands == [Play(True), Play(False), Play(True)]
    assert pilot.state.pause is None


def test_keys_step_and_the_focused_charts_level_of_detail_counts(pilot):
    pilot.state.charts[0].lod = 2
    pilot.state.locked_lod = 2
    # Letters first: without a window, a character alone does not wake a picture at rest.
    pilot.press("j", "shift+j", "y", "shift+y", "ctrl+page_down", "ctrl+page_up", ".", ",", ">", "<")
    wanted = ["event", "event", "large_trade", "large_trade", "session", "session"]
    wanted += ["bubble", "bubble", "second", "second"]
    assert [(one.to, one.by) for one in pilot.link.commands] == [
        (to, -1 if n % 2 else 1) for n, to in enumerate(wanted)
    ]
    assert all(isinstance(one, Step) and one.lod == 2 for one in pilot.link.commands)


def test_a_drag_of_the_handle_seeks_and_the_last_place_is_sent(pilot):
    bar = bar_of(pilot.link.timeline)
    pilot.drag(at_share(pilot, 0.2), at_share(pilot, 0.4), at_share(pilot, 0.6), at_share(pilot, 0.75))
    seeks = pilot.link.commands
    assert all(isinstance(one, Seek) for one in seeks)
    assert abs(seeks[-1].to_ns - bar.instant_at(0.75)) < 2 * MINUTE_NS
    assert len(seeks) <= 4  # unanswered ones hold the next back
    assert pilot.state.transport.dragged_ns is None
    assert pilot.state.time.is_live


def test_the_wheel_over_the_bar_changes_the_speed_and_not_the_zoom(pilot):
    zoom = pilot.state.time.ns_per_px
    pilot.scroll(1, at_share(pilot, 0.5))
    assert pilot.link.commands == [SetSpeed(2.0)]
    assert pilot.state.time.ns_per_px == zoom


def test_buttons_do_what_their_keys_do(pilot):
    for name in ("play", "bubble_on", "session_back", "trade_on"):
        pilot.click(button(pilot, name))
    lod = pilot.state.charts[0].lod
    steps = [Step("bubble", 1, 0, lod), Step("session", -1, 0, lod), Step("large_trade", 1, 0, lod)]
    assert pilot.link.commands == [Play(True), *steps]


def test_a_loop_is_marked_with_one_key_and_ended_with_it(pilot):
    pilot.press("z")
    assert pilot.state.transport.loop_from_ns == OPEN_NS + HOUR_NS
    pilot.link.set_status(anchor_event=OPEN_NS + HOUR_NS + 90 * SECOND_NS, seeks=1)
    pilot.frames(3)
    pilot.press("z")
    start, end = OPEN_NS + HOUR_NS, OPEN_NS + HOUR_NS + 90 * SECOND_NS
    assert pilot.link.commands == [SetLoop(start, end)]
    pilot.link.set_status(loop_start=start, loop_end=end)
    pilot.frames(2)
    pilot.press("z")
    assert pilot.link.commands[-1] == SetLoop(0, 0)


def test_a_typed_time_is_sought(pilot):
    pilot.press("ctrl+g")
    pilot.until(lambda: pilot.state.transport.is_entering, "the field does not open")
    pilot.frames(6)
    for character in "20:15":
        imgui.get_io().add_input_character(ord(character))
        pilot.frames(2)
    pilot.press("enter")
    pilot.frames(4)
    assert pilot.link.commands == [Seek(OPEN_NS + 2 * HOUR_NS + 15 * MINUTE_NS)]
    assert not pilot.state.transport.is_entering


def test_without_a_replay_the_keys_report_that_there_is_none():
    found = HeadlessPilot("NQZ5")
    found.frames(3)
    found.press(".", "z", "ctrl+g")
    assert found.link.commands == []
    assert not found.state.transport.is_entering
    found.close()


def test_the_time_shown_jumps_with_a_seek_however_near(pilot):
    to_ns = OPEN_NS + HOUR_NS + SECOND_NS // 3
    pilot.link.set_status(anchor_event=to_ns, seeks=1, seek_to=to_ns)
    pilot.frames(1)
    assert pilot.frame.event_ns == to_ns
