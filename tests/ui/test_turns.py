"""Overlays are built when there is something to say, and stay on the screen in between."""

from collections.abc import Iterator

import numpy as np
import pytest
from imgui_bundle import imgui

from flow_gl.core.clock import ManualClock
from flow_gl.core.palette import DARK, LIGHT
from flow_gl.core.schema import FeedState
from flow_gl.gl.capture import read_picture
from flow_gl.gl.context import HeadlessContext
from flow_gl.ui.frame import Frame
from flow_gl.ui.gui import Gui
from flow_gl.ui.panels.base import FORM_S, Form, Section, Sheet
from flow_gl.ui.state import ViewState
from flow_gl.ui.turns import REBUILT_HZ, TOUCHED_S
from flow_gl.view_loop import ViewLoop
from tests.ui.local import LocalLink

SIZE = (640, 360)
FRAME_S = 1 / 144


class Desk:
    """The program's frame over a local engine at 144 frames a second, and how often its overlays were built."""

    def __init__(self, context: HeadlessContext, monkeypatch: pytest.MonkeyPatch) -> None:
        self.link = LocalLink("NQZ5")
        self.clock = ManualClock(self.link.now_ns)
        self.state = ViewState()
        self.gui = Gui(DARK, scale=1.0)
        self.loop = ViewLoop(context, self.link, self.state, self.gui, self.clock)
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


def test_nobody_touches_anything_and_overlays_are_built_in_turn(desk: Desk) -> None:
    built = desk.frames(144)
    assert 0.7 * REBUILT_HZ <= built <= REBUILT_HZ + 1


def test_a_frame_without_its_turn_shows_the_overlays_all_the_same(desk: Desk) -> None:
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
    for sheet in desk.loop.overlays._sheets:

        def form(frame: Frame, state: ViewState, sheet: Sheet = sheet, form: Form = sheet._form) -> list[Section]:
            assert not building[0], f"{sheet.name} formed while the overlays were built"
            formed.setdefault(sheet.name, []).append(frame.steady_s)
            return form(frame, state)

        monkeypatch.setattr(sheet, "_form", form)
    assert desk.frames(288) > 0
    for name in ("session", "feed", "performance"):
        assert 0.9 * 2.0 / FORM_S <= len(formed[name]) <= 2.0 / FORM_S + 1
        assert np.diff(formed[name]).max() < FORM_S + 3 * FRAME_S


def test_a_panel_that_is_opened_says_what_is_true_now(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.state.open_panels = {"session"}
    desk.frames(60)
    desk.state.open_panels = set()
    desk.frames(288)
    formed = []
    sheet = desk.loop.overlays._sheets[0]
    form = sheet._form

    def noted(frame: Frame, state: ViewState) -> list[Section]:
        formed.append(frame.steady_s)
        return form(frame, state)

    monkeypatch.setattr(sheet, "_form", noted)
    desk.state.open_panels = {"session"}
    desk.frames(1)
    assert formed
