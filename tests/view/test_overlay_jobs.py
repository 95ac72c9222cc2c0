"""Overlays are rebuilt only if something changed; in between, the last build stays on the screen."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from imgui_bundle import imgui

from flow_gl.core.palette import LIGHT
from flow_gl.core.schema import FeedState
from flow_gl.ui.overlays import header, words
from flow_gl.ui.overlays.frame import ChartFrame, Frame
from flow_gl.ui.overlays.panels import base, feed, performance, session
from flow_gl.ui.overlays.panels.base import Form, Section
from flow_gl.ui.state.panel_layout import Place
from flow_gl.ui.state.view_state import ViewState
from flow_gl.view.frame_scheduler import AWAKE_S, JOBS
from tests.kit.pilot import HeadlessPilot

SIZE = (960, 480)
CORNER = (955.0, 475.0)
"""A point away from the panels that `spread` places."""
FRAME_S = 1 / 144
REBUILT_HZ = 1.0 / JOBS["overlays"].period_s
PANEL_S = JOBS["panel"].period_s
TOUCHED_S = AWAKE_S["input"]


FORMS = {"session": session, "feed": feed, "performance": performance}
"""Modules of the panels that show figures."""


class RecordingPilot(HeadlessPilot):
    """The program's frame at 144 frames per second, with the times at which its texts were formed.

    Attributes
    ----------
    formed : (panel, time in seconds) each time a panel's figures were formed
    header_texts : (time in seconds, texts) each time a header's texts were formed
    formed_while_building : panels that formed figures while the overlays were built
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, has_picture: bool = False) -> None:
        self.formed: list[tuple[str, float]] = []
        self.header_texts: list[tuple[float, list[str]]] = []
        self.formed_while_building: set[str] = set()
        for name, module in FORMS.items():
            monkeypatch.setattr(module, "form", self._noting(name, module.form))
        items = header.items

        def chosen(chart: ChartFrame, frame: Frame, state: ViewState) -> list[header.Item]:
            found = items(chart, frame, state)
            self.header_texts.append((frame.steady_s, [item.text for item in found]))
            return found

        monkeypatch.setattr(header, "items", chosen)
        super().__init__("NQZ5", size=SIZE, frame_s=FRAME_S, has_picture=has_picture)
        self.frames(30)

    def rest(self) -> None:
        """Draw frames until axes and fading notes have come to rest."""
        for _ in range(50):
            self.frame_after(0.1)

    def _noting(self, name: str, form: Form) -> Form:
        def noted(frame: Frame, state: ViewState) -> list[Section]:
            self.formed.append((name, frame.steady_s))
            if self.gui.is_building:
                self.formed_while_building.add(name)
            return form(frame, state)

        return noted

    def formed_at(self, *names: str) -> list[float]:
        """Return when panels formed their figures."""
        return [at_s for name, at_s in self.formed if name in names]


def spread(pilot: RecordingPilot, *names: str) -> None:
    """Open panels side by side, floating, so that each is shown."""
    pilot.state.open_panels = set(names)
    for at, name in enumerate(names):
        place = Place("float", 190.0 * at, 42.0, 180.0, 430.0)
        pilot.state.panel_places = pilot.state.panel_places.put(name, place)


@pytest.fixture
def pilot(monkeypatch: pytest.MonkeyPatch) -> Iterator[RecordingPilot]:
    found = RecordingPilot(monkeypatch)
    yield found
    found.close()


@pytest.fixture
def drawn_pilot(monkeypatch: pytest.MonkeyPatch) -> Iterator[RecordingPilot]:
    found = RecordingPilot(monkeypatch, has_picture=True)
    yield found
    found.close()


def test_without_input_overlays_are_built_at_the_rate_of_their_job(pilot: RecordingPilot) -> None:
    built = pilot.frames(144)
    assert 0.7 * REBUILT_HZ <= built <= REBUILT_HZ + 1


def test_a_frame_that_does_not_build_the_overlays_still_shows_them(drawn_pilot: RecordingPilot) -> None:
    pilot = drawn_pilot
    pilot.state.open_panels = {"session"}
    pilot.frames(10)
    # The market's clock is stopped: nothing moves, so a lost overlay would be the only difference.
    pilot.link.set_status(rate=0.0)
    pilot.rest()
    pictures, built = [], []
    for _ in range(12):
        built.append(pilot.frames(1))
        pictures.append(pilot.picture())
    assert 0 in built
    for picture in pictures[1:]:
        changed = np.abs(picture.astype(int) - pictures[0].astype(int)).max(axis=2) > 0
        # The age of the newest trade in the header sometimes grows by a tenth of a second.
        assert not changed[40:, :].any()
    assert np.ptp(pictures[0][:40].astype(int)) > 50


def test_overlays_react_in_the_frame_that_receives_input(pilot: RecordingPilot) -> None:
    pilot.key_down("n")
    assert pilot.frames(1) == 1
    assert "session" in pilot.state.open_panels


def test_during_input_overlays_are_built_in_every_frame(pilot: RecordingPilot) -> None:
    pilot.point((200.0, 150.0))
    assert pilot.frames(100) == 100
    pilot.frames(round(TOUCHED_S / FRAME_S))
    assert pilot.frames(72) < 20


def test_a_new_feed_state_is_shown_immediately(pilot: RecordingPilot) -> None:
    while pilot.frames(1):
        pass
    pilot.link.set_status(state=FeedState.RECONNECTING)
    assert pilot.frames(1) == 1


def test_a_new_palette_is_shown_immediately(pilot: RecordingPilot) -> None:
    while pilot.frames(1):
        pass
    pilot.state.palette = LIGHT
    assert pilot.frames(1) == 1


def test_a_note_fades_frame_by_frame(pilot: RecordingPilot) -> None:
    pilot.loop.note("saved")
    assert pilot.frames(50) == 50


def test_panel_texts_are_formed_in_time_and_in_frames_that_build_no_overlays(pilot: RecordingPilot) -> None:
    spread(pilot, *FORMS)
    pilot.frames(60)
    pilot.formed.clear()
    pilot.formed_while_building.clear()
    assert pilot.frames(288) > 0
    assert not pilot.formed_while_building
    for name in FORMS:
        times = pilot.formed_at(name)
        assert 0.8 * 2.0 / PANEL_S <= len(times) <= 2.0 / PANEL_S + 1
        assert np.diff(times).max() < PANEL_S + 5 * FRAME_S


def test_a_frame_forms_at_most_one_header_or_panel(pilot: RecordingPilot) -> None:
    spread(pilot, *FORMS)
    pilot.frames(60)
    pilot.formed.clear()
    pilot.header_texts.clear()
    pilot.frames(288)
    headers, panels = [at_s for at_s, _ in pilot.header_texts], pilot.formed_at(*FORMS)
    assert min(len(headers), len(panels)) >= 15
    assert len({*headers, *panels}) == len(headers) + len(panels)


PANELS = {"controls", "session", "feed", "performance"}
RESTS = round(2 * TOUCHED_S / FRAME_S)


@pytest.fixture
def filled(pilot: RecordingPilot, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Open all panels; record which of them each build filled."""
    buildings: list[list[str]] = []
    window, build = base.window, pilot.gui.build

    @contextmanager
    def noted(name: str, frame: Frame, state: ViewState, *, may_keep: bool) -> Iterator[bool]:
        with window(name, frame, state, may_keep=may_keep) as is_filled:
            if is_filled:
                current.append(name)
            yield is_filled

    current: list[str] = []

    def built() -> None:
        buildings.append(current.copy())
        current.clear()
        build()

    monkeypatch.setattr(base, "window", noted)
    monkeypatch.setattr(pilot.gui, "build", built)
    spread(pilot, *sorted(PANELS))
    pilot.frames(60)
    buildings.clear()
    return buildings


def test_without_input_a_panel_is_filled_only_for_new_figures(pilot: RecordingPilot, filled: list[list[str]]) -> None:
    pilot.frames(144)
    assert np.mean([len(names) for names in filled]) < 2.0
    counts = [sum(name in names for names in filled) for name in PANELS]
    assert max(counts) - min(counts) <= 1
    assert min(counts) >= 4


def test_a_build_for_input_or_news_fills_all_panels(pilot: RecordingPilot, filled: list[list[str]]) -> None:
    pilot.link.set_status(state=FeedState.RECONNECTING)
    pilot.frames(1)
    assert set(filled[-1]) == PANELS
    pilot.frames(30)
    filled.clear()
    pilot.point(CORNER)
    pilot.frames(20)
    assert len(filled) == 20
    assert all(set(names) == PANELS for names in filled)


def test_kept_panels_look_like_filled_ones(drawn_pilot: RecordingPilot) -> None:
    pilot = drawn_pilot
    pilot.state.open_panels = {"controls", "session"}
    pilot.frames(10)
    pilot.link.set_status(rate=0.0)
    pilot.rest()
    kept = pilot.picture()
    pilot.loop.wake()
    pilot.frames(2)
    changed = np.abs(pilot.picture().astype(int) - kept.astype(int)).max(axis=2) > 0
    assert not changed[40:, :].any()


def _spots(pilot: RecordingPilot, monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[float, float]]:
    """Return the positions of the controls with a hint, by the hint's first words."""
    spots: dict[str, tuple[float, float]] = {}
    hint = base.hint

    def noted(text: str) -> None:
        low, high = imgui.get_item_rect_min(), imgui.get_item_rect_max()
        spots[" ".join(text.split()[:3])] = (low.x + 20.0, (low.y + high.y) / 2)
        hint(text)

    monkeypatch.setattr(base, "hint", noted)
    spread(pilot, "controls", "session")
    pilot.frames(60)
    return spots


def test_a_tooltip_stays_while_the_mouse_rests(
    pilot: RecordingPilot, filled: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    spot = _spots(pilot, monkeypatch)["a bubble is"]
    tooltips: list[str] = []
    monkeypatch.setattr(imgui, "set_tooltip", tooltips.append)
    pilot.point(spot)
    pilot.frames(RESTS)
    tooltips.clear()
    filled.clear()
    pilot.frames(72)
    assert len(filled) < 20
    assert len(tooltips) == len(filled)


def test_an_open_list_and_a_held_slider_survive_a_resting_mouse(
    pilot: RecordingPilot, monkeypatch: pytest.MonkeyPatch
) -> None:
    spots = _spots(pilot, monkeypatch)
    x, y = spots["a bubble is"]
    pilot.move((x, y))
    pilot.mouse_down()
    pilot.frames(3)
    pilot.point(CORNER)  # far from the panel, which is still held
    pilot.frames(RESTS)
    before = pilot.state.filters.threshold
    pilot.point((x, y))
    pilot.frames(3)
    assert pilot.state.filters.threshold < before - 0.05
    pilot.mouse_up()
    pilot.frames(3)
    pilot.click(spots["zoomed out, bubbles"])
    pilot.point(CORNER)
    pilot.frames(RESTS)
    assert imgui.is_popup_open("", imgui.PopupFlags_.any_popup.value)


def test_a_newly_opened_panel_shows_current_figures(pilot: RecordingPilot) -> None:
    pilot.state.open_panels = {"session"}
    pilot.frames(60)
    pilot.state.open_panels = set()
    pilot.frames(288)
    pilot.formed.clear()
    pilot.state.open_panels = {"session"}
    pilot.frames(1)
    assert pilot.formed == [("session", pilot.frame.steady_s)]


def test_a_saved_picture_has_the_same_price_in_header_and_axis(pilot: RecordingPilot) -> None:
    while not pilot.frames(1):
        pass
    market = pilot.link.markets[0]
    store, record = pilot.link.stores[0], np.array([market.session])
    record["last_price"] += 7 * market.tick_size
    record["trade_count"] += 1
    store.session.write(record)
    pilot.time.advance(1_000_000)
    pilot.header_texts.clear()
    pilot.loop.run_for_picture()
    ((at_s, texts),) = pilot.header_texts
    assert at_s == pilot.frame.steady_s
    assert words.price(int(record["last_price"][0]), market.tick_size) in texts


def test_the_performance_panel_lists_what_ran_in_the_last_second_and_why(pilot: RecordingPilot) -> None:
    pilot.frames(144)
    section = performance.form(pilot.frame, pilot.state)[-1]
    rows = {(row.label, row.values[0]): int(row.values[1]) for row in section.rows}
    assert rows["Frame", "market"] == pytest.approx(144, abs=1)
    assert rows["Overlays", "time"] == pytest.approx(REBUILT_HZ, abs=4)
    assert rows["Header", "time"] >= 8
    pilot.point((200.0, 150.0))
    pilot.frames(20)
    section = performance.form(pilot.frame, pilot.state)[-1]
    assert ("Frame", "input") in {(row.label, row.values[0]) for row in section.rows}
    assert ("Overlays", "input") in {(row.label, row.values[0]) for row in section.rows}
