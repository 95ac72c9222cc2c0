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


class Desk(HeadlessPilot):
    """The program's frame at 144 frames per second, with the times at which its texts were formed.

    Attributes
    ----------
    formed : (panel, time in seconds) each time a panel's figures were formed
    said : (time in seconds, texts) each time a header's texts were formed
    formed_while_building : panels that formed figures while the overlays were built
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, has_picture: bool = False) -> None:
        self.formed: list[tuple[str, float]] = []
        self.said: list[tuple[float, list[str]]] = []
        self.formed_while_building: set[str] = set()
        for name, module in FORMS.items():
            monkeypatch.setattr(module, "form", self._noting(name, module.form))
        items = header.items

        def chosen(chart: ChartFrame, frame: Frame, state: ViewState) -> list[header.Item]:
            found = items(chart, frame, state)
            self.said.append((frame.steady_s, [item.text for item in found]))
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


def spread(desk: Desk, *names: str) -> None:
    """Open panels side by side, floating, so that each is shown."""
    desk.state.open_panels = set(names)
    for at, name in enumerate(names):
        place = Place("float", 190.0 * at, 42.0, 180.0, 430.0)
        desk.state.panel_places = desk.state.panel_places.put(name, place)


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    found = Desk(monkeypatch)
    yield found
    found.close()


@pytest.fixture
def drawn_desk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    found = Desk(monkeypatch, has_picture=True)
    yield found
    found.close()


def test_without_input_overlays_are_built_at_the_rate_of_their_job(desk: Desk) -> None:
    built = desk.frames(144)
    assert 0.7 * REBUILT_HZ <= built <= REBUILT_HZ + 1


def test_a_frame_that_does_not_build_the_overlays_still_shows_them(drawn_desk: Desk) -> None:
    desk = drawn_desk
    desk.state.open_panels = {"session"}
    desk.frames(10)
    # The market's clock is stopped: nothing moves, so a lost overlay would be the only difference.
    desk.link.say(rate=0.0)
    desk.rest()
    pictures, built = [], []
    for _ in range(12):
        built.append(desk.frames(1))
        pictures.append(desk.picture())
    assert 0 in built
    for picture in pictures[1:]:
        changed = np.abs(picture.astype(int) - pictures[0].astype(int)).max(axis=2) > 0
        # The age of the newest trade in the header sometimes grows by a tenth of a second.
        assert not changed[40:, :].any()
    assert np.ptp(pictures[0][:40].astype(int)) > 50


def test_overlays_react_in_the_frame_that_receives_input(desk: Desk) -> None:
    desk.key_down("n")
    assert desk.frames(1) == 1
    assert "session" in desk.state.open_panels


def test_during_input_overlays_are_built_in_every_frame(desk: Desk) -> None:
    desk.point((200.0, 150.0))
    assert desk.frames(100) == 100
    desk.frames(round(TOUCHED_S / FRAME_S))
    assert desk.frames(72) < 20


def test_a_new_feed_state_is_shown_immediately(desk: Desk) -> None:
    while desk.frames(1):
        pass
    desk.link.say(state=FeedState.RECONNECTING)
    assert desk.frames(1) == 1


def test_a_new_palette_is_shown_immediately(desk: Desk) -> None:
    while desk.frames(1):
        pass
    desk.state.palette = LIGHT
    assert desk.frames(1) == 1


def test_a_note_fades_frame_by_frame(desk: Desk) -> None:
    desk.loop.note("saved")
    assert desk.frames(50) == 50


def test_panel_texts_are_formed_in_time_and_in_frames_that_build_no_overlays(desk: Desk) -> None:
    spread(desk, *FORMS)
    desk.frames(60)
    desk.formed.clear()
    desk.formed_while_building.clear()
    assert desk.frames(288) > 0
    assert not desk.formed_while_building
    for name in FORMS:
        times = desk.formed_at(name)
        assert 0.8 * 2.0 / PANEL_S <= len(times) <= 2.0 / PANEL_S + 1
        assert np.diff(times).max() < PANEL_S + 5 * FRAME_S


def test_a_frame_forms_at_most_one_header_or_panel(desk: Desk) -> None:
    spread(desk, *FORMS)
    desk.frames(60)
    desk.formed.clear()
    desk.said.clear()
    desk.frames(288)
    headers, panels = [at_s for at_s, _ in desk.said], desk.formed_at(*FORMS)
    assert min(len(headers), len(panels)) >= 15
    assert len({*headers, *panels}) == len(headers) + len(panels)


PANELS = {"controls", "session", "feed", "performance"}
RESTS = round(2 * TOUCHED_S / FRAME_S)


@pytest.fixture
def filled(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Open all panels; record which of them each build filled."""
    buildings: list[list[str]] = []
    window, build = base.window, desk.gui.build

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
    monkeypatch.setattr(desk.gui, "build", built)
    spread(desk, *sorted(PANELS))
    desk.frames(60)
    buildings.clear()
    return buildings


def test_without_input_a_panel_is_filled_only_for_new_figures(desk: Desk, filled: list[list[str]]) -> None:
    desk.frames(144)
    assert np.mean([len(names) for names in filled]) < 2.0
    counts = [sum(name in names for names in filled) for name in PANELS]
    assert max(counts) - min(counts) <= 1
    assert min(counts) >= 4


def test_a_build_for_input_or_news_fills_all_panels(desk: Desk, filled: list[list[str]]) -> None:
    desk.link.say(state=FeedState.RECONNECTING)
    desk.frames(1)
    assert set(filled[-1]) == PANELS
    desk.frames(30)
    filled.clear()
    desk.point(CORNER)
    desk.frames(20)
    assert len(filled) == 20
    assert all(set(names) == PANELS for names in filled)


def test_kept_panels_look_like_filled_ones(drawn_desk: Desk) -> None:
    desk = drawn_desk
    desk.state.open_panels = {"controls", "session"}
    desk.frames(10)
    desk.link.say(rate=0.0)
    desk.rest()
    kept = desk.picture()
    desk.loop.wake()
    desk.frames(2)
    changed = np.abs(desk.picture().astype(int) - kept.astype(int)).max(axis=2) > 0
    assert not changed[40:, :].any()


def _spots(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[float, float]]:
    """Return the positions of the controls with a hint, by the hint's first words."""
    spots: dict[str, tuple[float, float]] = {}
    hint = base.hint

    def noted(text: str) -> None:
        low, high = imgui.get_item_rect_min(), imgui.get_item_rect_max()
        spots[" ".join(text.split()[:3])] = (low.x + 20.0, (low.y + high.y) / 2)
        hint(text)

    monkeypatch.setattr(base, "hint", noted)
    spread(desk, "controls", "session")
    desk.frames(60)
    return spots


def test_a_tooltip_stays_while_the_mouse_rests(
    desk: Desk, filled: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    spot = _spots(desk, monkeypatch)["a bubble is"]
    said: list[str] = []
    monkeypatch.setattr(imgui, "set_tooltip", said.append)
    desk.point(spot)
    desk.frames(RESTS)
    said.clear()
    filled.clear()
    desk.frames(72)
    assert len(filled) < 20
    assert len(said) == len(filled)


def test_an_open_list_and_a_held_slider_survive_a_resting_mouse(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    spots = _spots(desk, monkeypatch)
    x, y = spots["a bubble is"]
    desk.move((x, y))
    desk.mouse_down()
    desk.frames(3)
    desk.point(CORNER)  # far from the panel, which is still held
    desk.frames(RESTS)
    before = desk.state.filters.threshold
    desk.point((x, y))
    desk.frames(3)
    assert desk.state.filters.threshold < before - 0.05
    desk.mouse_up()
    desk.frames(3)
    desk.click(spots["zoomed out, bubbles"])
    desk.point(CORNER)
    desk.frames(RESTS)
    assert imgui.is_popup_open("", imgui.PopupFlags_.any_popup.value)


def test_a_newly_opened_panel_shows_current_figures(desk: Desk) -> None:
    desk.state.open_panels = {"session"}
    desk.frames(60)
    desk.state.open_panels = set()
    desk.frames(288)
    desk.formed.clear()
    desk.state.open_panels = {"session"}
    desk.frames(1)
    assert desk.formed == [("session", desk.frame.steady_s)]


def test_a_saved_picture_has_the_same_price_in_header_and_axis(desk: Desk) -> None:
    while not desk.frames(1):
        pass
    market = desk.link.markets[0]
    store, record = desk.link.stores[0], np.array([market.session])
    record["last_price"] += 7 * market.tick_size
    record["trade_count"] += 1
    store.session.write(record)
    desk.time.advance(1_000_000)
    desk.said.clear()
    desk.loop.run_for_picture()
    ((at_s, texts),) = desk.said
    assert at_s == desk.frame.steady_s
    assert words.price(int(record["last_price"][0]), market.tick_size) in texts


def test_the_performance_panel_lists_what_ran_in_the_last_second_and_why(desk: Desk) -> None:
    desk.frames(144)
    section = performance.form(desk.frame, desk.state)[-1]
    rows = {(row.label, row.values[0]): int(row.values[1]) for row in section.rows}
    assert rows["Frame", "market"] == pytest.approx(144, abs=1)
    assert rows["Overlays", "time"] == pytest.approx(REBUILT_HZ, abs=4)
    assert rows["Header", "time"] >= 8
    desk.point((200.0, 150.0))
    desk.frames(20)
    section = performance.form(desk.frame, desk.state)[-1]
    assert ("Frame", "input") in {(row.label, row.values[0]) for row in section.rows}
    assert ("Overlays", "input") in {(row.label, row.values[0]) for row in section.rows}
