"""Every text on the screen has a contrast of at least 4.5 to 1 against its actual background, in every palette."""

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np
import pytest
from imgui_bundle import imgui

from flow_gl.core.palette import MIN_CONTRAST, PALETTES, Palette, Rgb, contrast, mix
from flow_gl.core.schema import FeedState
from flow_gl.core.units import SECOND_NS
from flow_gl.gl.label_boxes import LabelBox
from flow_gl.ui.paint import theme
from tests.kit.local_link import add_cross
from tests.kit.pilot import HeadlessPilot

FARTHEST: Final = 0.25
"""Share of a text box's pixels that are certainly background: those that differ most from the text's colour."""


class PalettePilot(HeadlessPilot):
    """A chart in one palette."""

    def __init__(self, palette: Palette) -> None:
        super().__init__("NQZ5", size=(1280, 720), has_picture=True)
        self.state.palette = palette
        self.frames(5)

    def ratios(self) -> dict[str, float]:
        """Return the contrast of each text of a frame."""
        with self.unseen():
            for _ in range(8):
                self.frame_after(0.25)  # until axes and changes of level have settled
        boxes = self.loop.label_boxes()
        picture = self.picture().astype(float) / 255
        return {box.text: self._ratio(box, picture) for box in boxes if not box.window}

    @staticmethod
    def _ratio(box: LabelBox, picture: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]") -> float:
        rect = box.rect
        rows, columns = (
            slice(max(0, int(rect.y)), int(rect.bottom) + 1),
            slice(max(0, int(rect.x)), int(rect.right) + 1),
        )
        pixels = picture[rows, columns].reshape(-1, 3)
        away = np.abs(pixels - np.array(box.color)).sum(axis=1)
        red, green, blue = np.median(pixels[away >= np.quantile(away, 1 - FARTHEST)], axis=0)
        behind: Rgb = (float(red), float(green), float(blue))
        return contrast(mix(behind, box.color, box.alpha), behind)


@pytest.fixture(params=PALETTES.values(), ids=list(PALETTES))
def pilot(request: pytest.FixtureRequest) -> Iterator[PalettePilot]:
    found = PalettePilot(request.param)
    yield found
    found.close()


def live(_: PalettePilot) -> None:
    pass


def signs(pilot: PalettePilot) -> None:
    pilot.state.is_muted = True
    pilot.link.set_status(is_recording=1, unkept=1, keeping=b"cannot write: no space left on the device")
    add_cross(pilot.link.stores[0], pilot.link.now_ns - 12 * SECOND_NS)


def reconnecting(pilot: PalettePilot) -> None:
    pilot.link.set_status(state=FeedState.RECONNECTING, attempt=3, message=b"the gateway closed the connection")


def paused(pilot: PalettePilot) -> None:
    pilot.press("space")


def in_the_past(pilot: PalettePilot) -> None:
    pilot.state.time.pan(200.0, pilot.frame.event_ns)


def with_reference(pilot: PalettePilot) -> None:
    pilot.press("r")


def zoomed_out(pilot: PalettePilot) -> None:
    pilot.state.time.set_span(3600e9, pilot.charts[0].layout.price.width)


STATES: Final = (live, signs, reconnecting, paused, in_the_past, with_reference, zoomed_out)


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
def test_texts_are_legible_on_their_background(pilot: PalettePilot, state: Callable[[PalettePilot], None]) -> None:
    state(pilot)
    ratios = pilot.ratios()
    assert len(ratios) > 15
    assert {text: ratio for text, ratio in ratios.items() if ratio < MIN_CONTRAST} == {}


def test_texts_of_panels_and_menus_are_legible(pilot: PalettePilot) -> None:
    assert pilot.state.palette.name in PALETTES
    colors = {name: color for name, color, _ in theme.colors(pilot.state.palette)}
    for ground in ("window_bg", "popup_bg", "header", "header_hovered", "header_active", "title_bg"):
        for text in ("text", "text_disabled"):
            assert contrast(colors[text], colors[ground]) >= MIN_CONTRAST, (text, ground)
    for ground in ("frame_bg", "frame_bg_hovered", "frame_bg_active", "button", "button_hovered", "button_active"):
        assert contrast(colors["text"], colors[ground]) >= MIN_CONTRAST, ground
    style = imgui.get_style()
    assert tuple(style.color_(imgui.Col_.text.value))[:3] == pytest.approx(colors["text"])
