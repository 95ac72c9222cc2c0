"""Overlays are built when there is something to say, and stay on the screen in between."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from imgui_bundle import imgui

from flow_gl.core.clock import ManualClock
from flow_gl.core.palette import DARK, LIGHT
from flow_gl.core.schema import FeedState
from flow_gl.gl.capture import read_picture
from flow_gl.gl.context import HeadlessContext
from flow_gl.ui import header, words
from flow_gl.ui.frame import ChartFrame, Frame
from flow_gl.ui.gui import Gui
from flow_gl.ui.panels import base, performance
from flow_gl.ui.panels.base import Form, Panel, Section
from flow_gl.ui.state import ViewState
from flow_gl.view.frame_loop import FrameLoop
from flow_gl.view.frame_scheduler import AWAKE_S, JOBS
from tests.ui.local import LocalLink

SIZE = (640, 360)
FRAME_S = 1 / 144
REBUILT_HZ = 1.0 / JOBS["overlays"].period_s
PANEL_S = JOBS["panel"].period_s
TOUCHED_S = AWAKE_S["input"]


class Desk:
    """The program's frame over a local engine at 144 frames a second, and how often its overlays were built."""

    def __init__(self, context: HeadlessContext, monkeypatch: pytest.MonkeyPatch) -> None:
        self.link = LocalLink("NQZ5")
        self.clock = ManualClock(self.link.now_ns)
        self.state = ViewState()
        self.gui = Gui(DARK, scale=1.0)
        self.loop = FrameLoop(context, self.link, self.state, self.gui, self.clock)
        self.built = 0
        build = self.gui.build

        def counted() -> None:
            self.built += 1
            build()

        monkeypatch.setattr(self.gui, "build", counted)
        self.frames(30)

    def frames(self, count: int) -> int:
        """Draw some frames; how many of them built the overlays."""
        before = self.built
        for _ in range(count):
            self.clock.advance(int(FRAME_S * 1e9))
            self.link.beat(self.clock.wall_ns())
            self.loop.run_frame(FRAME_S)
        return self.built - before


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    context = HeadlessContext(*SIZE)
    found = Desk(context, monkeypatch)
    yield found
    found.loop.release()
    found.gui.close()
    context.close()


def test_while_nobody_touches_them_overlays_are_built_as_often_as_their_job_runs(desk: Desk) -> None:
    built = desk.frames(144)
    assert 0.7 * REBUILT_HZ <= built <= REBUILT_HZ + 1


def test_a_frame_that_does_not_build_the_overlays_shows_them_all_the_same(desk: Desk) -> None:
    desk.state.open_panels = {"session"}
    desk.frames(10)
    # The market's clock stands: nothing of the picture moves, so a lost overlay would be all that differs.
    desk.link.say(rate=0.0)
    desk.frames(500)
    pictures, built = [], []
    for _ in range(12):
        built.append(desk.frames(1))
        pictures.append(read_picture(*SIZE))
    assert 0 in built
    for picture in pictures[1:]:
        changed = np.abs(picture.astype(int) - pictures[0].astype(int)).max(axis=2) > 0
        # The print's age grows by a tenth of a second now and then, in the header.
        assert not changed[40:, :].any()
    assert np.ptp(pictures[0][:40].astype(int)) > 50


def test_input_is_answered_in_the_frame_that_takes_it(desk: Desk) -> None:
    imgui.get_io().add_key_event(imgui.Key.n, True)
    assert desk.frames(1) == 1
    assert "session" in desk.state.open_panels


def test_while_somebody_touches_them_they_are_built_in_every_frame(desk: Desk) -> None:
    imgui.get_io().add_mouse_pos_event(200.0, 150.0)
    assert desk.frames(100) == 100
    desk.frames(round(TOUCHED_S / FRAME_S))
    assert desk.frames(72) < 20


def test_the_state_of_the_feed_is_said_at_once(desk: Desk) -> None:
    while desk.frames(1):
        pass
    desk.link.say(state=FeedState.RECONNECTING)
    assert desk.frames(1) == 1


def test_another_palette_is_there_at_once(desk: Desk) -> None:
    while desk.frames(1):
        pass
    desk.state.palette = LIGHT
    assert desk.frames(1) == 1


def test_a_note_fades_frame_by_frame(desk: Desk) -> None:
    desk.loop.note("saved")
    assert desk.frames(50) == 50


def formed_panels(desk: Desk) -> list[Panel]:
    """The panels that show figures."""
    return [panel for panel in desk.loop.overlays._panels if panel._form is not None]


def test_a_panels_texts_are_formed_in_frames_that_do_not_build_and_soon_enough(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.state.open_panels = {"session", "feed", "performance"}
    desk.frames(60)
    formed: dict[str, list[float]] = {}
    building: list[bool] = [False]
    begin, build = desk.gui.begin, desk.gui.build

    def begun(width: int, height: int, dt_s: float) -> None:
        building[0] = True
        begin(width, height, dt_s)

    def ended() -> None:
        building[0] = False
        build()

    monkeypatch.setattr(desk.gui, "begin", begun)
    monkeypatch.setattr(desk.gui, "build", ended)
    for panel in formed_panels(desk):

        def form(frame: Frame, state: ViewState, panel: Panel = panel, form: Form = panel._form) -> list[Section]:
            assert not building[0], f"{panel.name} formed while the overlays were built"
            formed.setdefault(panel.name, []).append(frame.steady_s)
            return form(frame, state)

        monkeypatch.setattr(panel, "_form", form)
    assert desk.frames(288) > 0
    for name in ("session", "feed", "performance"):
        assert 0.8 * 2.0 / PANEL_S <= len(formed[name]) <= 2.0 / PANEL_S + 1
        assert np.diff(formed[name]).max() < PANEL_S + 5 * FRAME_S


def test_a_frame_forms_one_header_or_one_panel(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.state.open_panels = {"session", "feed", "performance"}
    desk.frames(60)
    headers: list[float] = []
    panels: list[float] = []
    items = header.items

    def chosen(chart: ChartFrame, frame: Frame, state: ViewState) -> list[header.Item]:
        headers.append(frame.steady_s)
        return items(chart, frame, state)

    monkeypatch.setattr(header, "items", chosen)
    for panel in formed_panels(desk):

        def form(frame: Frame, state: ViewState, form: Form = panel._form) -> list[Section]:
            panels.append(frame.steady_s)
            return form(frame, state)

        monkeypatch.setattr(panel, "_form", form)
    desk.frames(288)
    assert min(len(headers), len(panels)) >= 15
    assert len({*headers, *panels}) == len(headers) + len(panels)


PANELS = {"controls", "session", "feed", "performance"}
RESTS = round(2 * TOUCHED_S / FRAME_S)


@pytest.fixture
def filled(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """All panels open; which of them each building filled."""
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
    desk.state.open_panels = set(PANELS)
    desk.frames(60)
    buildings.clear()
    return buildings


def test_while_nobody_touches_them_a_panel_is_filled_once_its_figures_are_new(
    desk: Desk, filled: list[list[str]]
) -> None:
    desk.frames(144)
    assert np.mean([len(names) for names in filled]) < 2.0
    counts = [sum(name in names for names in filled) for name in PANELS]
    assert max(counts) - min(counts) <= 1
    assert min(counts) >= 4


def test_a_building_that_is_touched_or_has_news_fills_all_panels(desk: Desk, filled: list[list[str]]) -> None:
    desk.link.say(state=FeedState.RECONNECTING)
    desk.frames(1)
    assert set(filled[-1]) == PANELS
    desk.frames(30)
    filled.clear()
    imgui.get_io().add_mouse_pos_event(635.0, 355.0)
    desk.frames(20)
    assert len(filled) == 20
    assert all(set(names) == PANELS for names in filled)


def test_panels_that_are_kept_look_as_if_they_were_filled(desk: Desk) -> None:
    desk.state.open_panels = {"controls", "session"}
    desk.frames(10)
    desk.link.say(rate=0.0)
    desk.frames(500)
    kept = read_picture(*SIZE)
    desk.loop.wake()
    desk.frames(2)
    changed = np.abs(read_picture(*SIZE).astype(int) - kept.astype(int)).max(axis=2) > 0
    assert not changed[40:, :].any()


def _spots(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[float, float]]:
    """Where the controls stand that have a hint, by the hint's first words."""
    spots: dict[str, tuple[float, float]] = {}
    hint = base.hint

    def noted(text: str) -> None:
        low, high = imgui.get_item_rect_min(), imgui.get_item_rect_max()
        spots[" ".join(text.split()[:3])] = (low.x + 20.0, (low.y + high.y) / 2)
        hint(text)

    monkeypatch.setattr(base, "hint", noted)
    desk.state.open_panels = {"controls", "session"}  # in a small picture the other two would lie over them
    desk.frames(60)
    return spots


def _press(desk: Desk, spot: tuple[float, float], *, is_released: bool) -> None:
    imgui.get_io().add_mouse_pos_event(*spot)
    desk.frames(3)
    imgui.get_io().add_mouse_button_event(0, True)
    desk.frames(3)
    if is_released:
        imgui.get_io().add_mouse_button_event(0, False)
        desk.frames(3)


def test_a_tooltip_stays_while_the_mouse_rests(
    desk: Desk, filled: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    spot = _spots(desk, monkeypatch)["a bubble takes"]
    said: list[str] = []
    monkeypatch.setattr(imgui, "set_tooltip", said.append)
    imgui.get_io().add_mouse_pos_event(*spot)
    desk.frames(RESTS)
    said.clear()
    filled.clear()
    desk.frames(72)
    assert len(filled) < 20
    assert len(said) == len(filled)


def test_a_list_stays_open_and_a_slider_held_while_the_mouse_rests(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    spots = _spots(desk, monkeypatch)
    x, y = spots["a bubble takes"]
    _press(desk, (x, y), is_released=False)
    imgui.get_io().add_mouse_pos_event(635.0, 355.0)  # far from the panel, which is held all the same
    desk.frames(RESTS)
    before = desk.state.filters.threshold
    imgui.get_io().add_mouse_pos_event(x, y)
    desk.frames(3)
    assert desk.state.filters.threshold < before - 0.05
    imgui.get_io().add_mouse_button_event(0, False)
    desk.frames(3)
    _press(desk, spots["zoomed out, bubbles"], is_released=True)
    imgui.get_io().add_mouse_pos_event(635.0, 355.0)
    desk.frames(RESTS)
    assert imgui.is_popup_open("", imgui.PopupFlags_.any_popup.value)


def test_a_panel_that_is_opened_says_what_is_true_now(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.state.open_panels = {"session"}
    desk.frames(60)
    desk.state.open_panels = set()
    desk.frames(288)
    formed = []
    panel = formed_panels(desk)[0]
    form = panel._form

    def noted(frame: Frame, state: ViewState) -> list[Section]:
        formed.append(frame.steady_s)
        return form(frame, state)

    monkeypatch.setattr(panel, "_form", noted)
    desk.state.open_panels = {"session"}
    desk.frames(1)
    assert formed


def test_a_picture_says_the_same_price_in_its_header_as_on_its_axis(desk: Desk) -> None:
    while not desk.frames(1):
        pass
    market = desk.link.markets[0]
    store, session = desk.link.stores[0], np.array([market.session])
    session["last_price"] += 7 * market.tick_size
    session["trade_count"] += 1
    store.session.write(session)
    desk.clock.advance(1_000_000)
    desk.loop.run_for_picture()
    texts = [item.text for item, _ in desk.loop.overlays._headers[0]._items]
    assert words.price(int(session["last_price"][0]), market.tick_size) in texts


def test_the_performance_panel_lists_what_ran_in_the_last_second_and_why(desk: Desk) -> None:
    desk.frames(144)
    assert desk.loop.frame is not None
    section = performance.form(desk.loop.frame, desk.state)[-1]
    rows = {(row.label, row.values[0]): int(row.values[1]) for row in section.rows}
    assert rows["Frame", "market"] == pytest.approx(144, abs=1)
    assert rows["Overlays", "time"] == pytest.approx(REBUILT_HZ, abs=4)
    assert rows["Header", "time"] >= 8
    imgui.get_io().add_mouse_pos_event(200.0, 150.0)
    desk.frames(20)
    section = performance.form(desk.loop.frame, desk.state)[-1]
    assert ("Frame", "input") in {(row.label, row.values[0]) for row in section.rows}
    assert ("Overlays", "input") in {(row.label, row.values[0]) for row in section.rows}
