"""A header without enough space drops its least important items, and no items overlap."""

from functools import cache

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from flow_gl.gl.view import Rect
from flow_gl.layers.room import Part
from flow_gl.ui.alerts.badge import Badge
from flow_gl.ui.overlays.frame import ChartFrame, Figures, Frame
from flow_gl.ui.overlays.header_fit import Item, fit
from flow_gl.ui.overlays.header_items import items
from flow_gl.ui.overlays.status import Condition, Tone
from flow_gl.ui.paint.gui import Gui  # noqa: F401 - the overlays' bindings come first
from flow_gl.ui.state.layout import arrange
from flow_gl.ui.state.view_state import ViewState
from flow_gl.view.frame_scheduler import FrameScheduler
from tests.kit.local_link import LocalLink

GAP = 16.0


def width(item: Item) -> float:
    return 8.0 * len(item.shown)


def all_items(chart_count=2, *, link=None, badge=None, is_muted=False):
    link = link or LocalLink("NQZ5", wall_ns=None)
    link.engine.refresh()
    link.markets[0].refresh()
    state = ViewState()
    state.ensure_charts(1)
    state.is_muted = is_muted
    (layout,) = arrange(Rect(0, 0, 1920, 1080), 1)
    chart = ChartFrame(0, layout, link.markets[0], Condition("LIVE 0.2 s", Tone.GOOD, True, "LIVE"))
    chart.badge = badge
    frame = Frame(
        link,
        0,
        0.0,
        link.now_ns,
        1.0,
        1.0,
        [chart],
        Figures(fps=144.0),
        FrameScheduler(),
        link.markets,
        chart_count,
    )
    return items(chart, frame, state)


@cache
def usual_items():
    return all_items()


def kept_of(everything, room):
    return [item for item, _ in fit(everything, room, width, GAP)]


def total(kept):
    return sum(width(item) + (0.4 * GAP if item.joins else GAP) for item in kept)


def test_the_header_shows_everything_a_trader_needs():
    texts = " | ".join(item.text for item in all_items())
    for part in ("NQ.v.0", "NQZ5", "CVD ", "since 09:30", "VWAP ", "POC ", "VA ", "LIVE 0.2 s", "144 fps"):
        assert part in texts


@given(st.floats(60.0, 2500.0))
def test_the_items_shown_fit_unless_all_are_mandatory(room):
    kept = kept_of(usual_items(), room)
    is_least = all(item.keep >= Part.ALWAYS and item.form == len(item.shorter) for item in kept)
    assert total(kept) <= room or is_least


@given(st.floats(60.0, 2500.0))
def test_the_least_important_items_are_dropped_first(room):
    everything = usual_items()
    kept = kept_of(everything, room)
    gone = {item.keep for item in everything} - {item.keep for item in kept}
    if gone:
        assert all(item.keep >= max(gone) for item in kept)
        shortened = [rank for item in kept for rank, _ in item.shorter[item.form :]]
        assert all(rank >= max(gone) for rank in shortened)


def test_symbol_state_and_badge_stay_in_the_narrowest_header():
    kept = kept_of(all_items(badge=Badge("CVD zero cross", 0, 1, 0, is_new=False)), 40.0)
    assert [(item.shown, item.glyph) for item in kept] == [("NQZ5", ""), ("", "pill up"), ("", "dot")]


def test_the_price_is_the_last_optional_item_to_be_dropped():
    kept = kept_of(all_items(), 160.0)
    texts = [item.shown for item in kept]
    assert texts[0] == "NQZ5"
    assert "." in texts[1]


def test_mute_recording_and_partial_data_are_shown():
    link = LocalLink("NQZ5")
    link.set_status(is_recording=True)
    session = np.array([link.markets[0].session])
    session["partial"] = True
    link.stores[0].session.write(session)
    texts = [item.text for item in all_items(link=link, is_muted=True)]
    assert {"alerts muted", "REC"} < set(texts)
    assert any(text.startswith("data from ") for text in texts)
    link.set_status(unkept=True)
    assert "not all recorded" in [item.text for item in all_items(link=link)]


def test_a_bus_that_is_away_is_shown():
    link = LocalLink("NQZ5")
    link.set_status(is_publishing=True, on_bus=True)
    assert "bus not connected" not in [item.text for item in all_items(link=link)]
    link.set_status(on_bus=False)
    assert "bus not connected" in [item.text for item in all_items(link=link)]


def test_without_recording_the_header_shows_no_rec():
    assert "REC" not in [item.text for item in all_items()]
