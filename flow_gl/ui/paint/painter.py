"""Draws text and shapes on ImGui's background draw list: over the chart, behind the windows.

Positions are framebuffer pixels; sizes are at content scale 1. Text widths are kept: figures are tabular, so a text
is as wide as the same text with other digits, and a second's changing numbers need no new measuring.
"""

from typing import Final

from imgui_bundle import imgui

from flow_gl.core.palette import Rgb
from flow_gl.gl.glyph_runs import number_form
from flow_gl.gl.label_boxes import LabelBox
from flow_gl.gl.view import Rect
from flow_gl.ui.paint.theme import FONT_PX, u32

_KEPT: Final = 4096


class Painter:
    """Draws text and shapes of one frame; `begin` sets the draw list of the frame."""

    def __init__(self, regular: imgui.ImFont, bold: imgui.ImFont) -> None:
        self._fonts: Final = (regular, bold)
        self._widths: dict[tuple[str, float, bool], float] = {}
        self._list: imgui.ImDrawList
        self.boxes: list[LabelBox] | None = None
        """Boxes of the texts that are drawn, for tests; None does not collect them."""
        self.window = ""
        """The owner recorded for collected texts."""
        self.scale = 1.0
        self._within: Rect | None = None
        self._dense = 1.0
        self._unit = 1.0

    def begin(self, draw_list: imgui.ImDrawList, scale: float, dense: float) -> None:
        """Set the draw list of this frame.

        `scale` is framebuffer pixels per pixel at scale 1, `dense` framebuffer pixels per unit of the list.
        """
        self._list = draw_list
        if (scale, dense) != (self.scale, self._dense):
            self._widths.clear()
        self.scale, self._dense, self._unit = scale, dense, scale / dense

    def width(self, text: str, size: float, *, bold: bool = False) -> float:
        """Return the width of a text in framebuffer pixels."""
        key = (number_form(text), size, bold)
        found = self._widths.get(key)
        if found is None:
            if len(self._widths) >= _KEPT:
                self._widths.clear()
            imgui.push_font(self._fonts[bold], size * self._unit / imgui.get_style().font_scale_main)
            found = imgui.calc_text_size(text).x * self._dense
            imgui.pop_font()
            self._widths[key] = found
        return found

    def points(self, text: str) -> float:
        """Return the width of a text at the overlays' font size, in ImGui's units."""
        return self.width(text, FONT_PX) / self._dense

    def text(
        self, x: float, y: float, text: str, color: Rgb, size: float, *, bold: bool = False, alpha: float = 1.0
    ) -> None:
        """Write with the upper left corner at (x, y), snapped to whole pixels."""
        dense = self._dense
        if self.boxes is not None:
            rect = Rect(round(x), round(y), self.width(text, size, bold=bold), self.line(size))
            self.boxes.append(LabelBox(text, rect, color, alpha, self._within, self.window))
        place = (round(x) / dense, round(y) / dense)
        self._list.add_text(self._fonts[bold], size * self._unit, place, u32(color, alpha), text)

    def note_text(
        self, place: tuple[float, float], text: str, color: Rgb, within_x: tuple[float, float], *, window: str
    ) -> None:
        """Collect the box of a text that a window draws itself, in ImGui's units and in the overlays' own size.

        Parameters
        ----------
        within_x : left and right border of the window
        """
        assert self.boxes is not None
        dense = self._dense
        x, y, height = place[0] * dense, place[1] * dense, self.line(FONT_PX)
        left, right = within_x[0] * dense, within_x[1] * dense
        box = Rect(x, y, self.width(text, FONT_PX), height)
        self.boxes.append(LabelBox(text, box, color, within=Rect(left, y, right - left, height), window=window))

    def text_middle(
        self, x: float, y: float, text: str, color: Rgb, size: float, *, bold: bool = False, alpha: float = 1.0
    ) -> float:
        """Write with the left border at x and the line's middle at y; the text's width."""
        self.text(x, y - 0.5 * self.line(size), text, color, size, bold=bold, alpha=alpha)
        return self.width(text, size, bold=bold)

    def line(self, size: float) -> float:
        """Return the height of a line of text in framebuffer pixels."""
        return size * self.scale * 1.17

    def box(
        self, x: float, y: float, width: float, height: float, color: Rgb, *, alpha: float = 1.0, rounding: float = 0.0
    ) -> None:
        """Draw a filled rectangle."""
        dense = self._dense
        self._list.add_rect_filled(
            (x / dense, y / dense),
            ((x + width) / dense, (y + height) / dense),
            u32(color, alpha),
            rounding * self._unit,
        )

    def frame(
        self, x: float, y: float, width: float, height: float, color: Rgb, *, alpha: float = 1.0, rounding: float = 0.0
    ) -> None:
        """Draw a rectangle's outline, inside its border."""
        dense = self._dense
        self._list.add_rect(
            (x / dense, y / dense),
            ((x + width) / dense, (y + height) / dense),
            u32(color, alpha),
            rounding * self._unit,
            max(1.0, round(self._unit)),
        )

    def dot(self, x: float, y: float, radius: float, color: Rgb, *, alpha: float = 1.0) -> None:
        """Draw a disc of `radius` at content scale 1."""
        dense = self._dense
        self._list.add_circle_filled((x / dense, y / dense), radius * self._unit, u32(color, alpha))

    def arrow(self, x: float, y: float, size: float, direction: int, color: Rgb) -> None:
        """Draw a triangle of `size` around (x, y), pointing up (+1) or down (-1); a dash for 0."""
        dense, half = self._dense, 0.5 * size * self._unit
        x, y = x / dense, y / dense
        if direction == 0:
            self._list.add_rect_filled((x - half, y - 0.18 * half), (x + half, y + 0.18 * half), u32(color))
            return
        tip, foot = (y - half, y + 0.7 * half) if direction > 0 else (y + half, y - 0.7 * half)
        # Anti-aliased fills want one winding.
        a, b = (x - half, foot), (x + half, foot)
        first, last = (a, b) if direction < 0 else (b, a)
        self._list.add_triangle_filled((x, tip), first, last, u32(color))

    def cross(self, x: float, y: float, size: float, color: Rgb) -> None:
        """Draw a cross of `size` around (x, y), which closes something."""
        dense, half, thick = self._dense, 0.5 * size * self._unit, 1.3 * self._unit
        x, y = x / dense, y / dense
        self._list.add_line((x - half, y - half), (x + half, y + half), u32(color), thick)
        self._list.add_line((x - half, y + half), (x + half, y - half), u32(color), thick)

    def triangle(self, foot_x: float, tip_x: float, y: float, half: float, color: Rgb) -> None:
        """Draw a triangle that points to the right or to the left.

        Parameters
        ----------
        foot_x, tip_x : of its upright side, and of its tip
        half : half of its height; framebuffer pixels, like all of these
        """
        dense = self._dense
        a, b, tip = (
            (foot_x / dense, (y - half) / dense),
            (foot_x / dense, (y + half) / dense),
            (tip_x / dense, y / dense),
        )
        # Anti-aliased fills want one winding.
        first, last = (a, b) if tip_x < foot_x else (b, a)
        self._list.add_triangle_filled(tip, first, last, u32(color))

    def bars(self, x: float, y: float, size: float, color: Rgb) -> None:
        """Draw three bars, the menu button, around (x, y)."""
        dense, half = self._dense, 0.5 * size * self._unit
        thick = max(1.0, round(1.5 * self._unit))
        for row in (-0.62, 0.0, 0.62):
            top = round(y / dense + row * half - thick / 2)
            self._list.add_rect_filled((x / dense - half, top), (x / dense + half, top + thick), u32(color), 1.0)

    def clip(self, rect: Rect) -> None:
        """Clip what follows to a rectangle, until `unclip`."""
        dense = self._dense
        self._within = rect
        self._list.push_clip_rect((rect.x / dense, rect.y / dense), (rect.right / dense, rect.bottom / dense), True)

    def unclip(self) -> None:
        self._within = None
        self._list.pop_clip_rect()
