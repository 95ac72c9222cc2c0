"""The labels of a frame, drawn in one call, each with an optional plate behind it."""

from typing import Final, Literal, NamedTuple

from flow_gl.core.palette import Rgb
from flow_gl.gl.batch import Batch
from flow_gl.gl.counters import FrameCounters
from flow_gl.gl.fonts import ATLAS_PX
from flow_gl.gl.glyph_runs import ROW_FLOATS
from flow_gl.gl.label_boxes import LabelBox
from flow_gl.gl.resources import SharedResources
from flow_gl.gl.shaders import Program
from flow_gl.gl.view import Rect

Align = Literal["left", "center", "right"]

_UNUSED: Final = (0.0, 0.0, 0.0)
"""A row ends with so many floats, because it is a multiple of 16 bytes."""
_FIRST_ROWS: Final = 256
PLATE_PAD_X: Final = 0.42
"""Padding between a plate's edge and its text, in units of the text's size."""
PLATE_PAD_Y: Final = 0.36
_PLATE_RADIUS: Final = 0.25
# Kinds of rows, see text.vert.
_LABEL: Final = 0.0
_PLATE: Final = 1.0
_UPWARD: Final = 2.0


class TextStyle(NamedTuple):
    """The style of a label.

    Attributes
    ----------
    size_px : height of the font, framebuffer pixels
    color : components 0..1
    align : which point of the label its x is: left end, middle or right end
    alpha : opacity, 0..1
    """

    size_px: float
    color: Rgb
    align: Align = "left"
    alpha: float = 1.0
    is_bold: bool = False


class Plate(NamedTuple):
    """A rounded rectangle behind a label. It reaches beyond the text by its padding.

    It is opaque: the text has the contrast that its colour has on the plate's, also over bright discs.

    Attributes
    ----------
    width_px : for plates of equal width in a column; it is measured from the padded left end. None fits the text
    """

    color: Rgb
    width_px: float | None = None


def use_text_program(program: Program) -> None:
    """Bind a program that reads the font atlas (text.frag)."""
    program.use()
    program.set_vec2("u_texel", 1.0 / ATLAS_PX, 1.0 / ATLAS_PX)


def _box(
    text: str, place: tuple[float, float], size: tuple[float, float], style: TextStyle, plate: Plate | None
) -> LabelBox:
    """Return the box of a label whose left end and middle are at `place`."""
    (x, y), (width, height), pad = place, size, 0.0
    if plate is not None:
        pad = round(style.size_px * PLATE_PAD_X)
        width = (plate.width_px or width + 2 * pad) - 2 * pad
        height += 2 * round(style.size_px * PLATE_PAD_Y)
    return LabelBox(text, Rect(x - pad, y - 0.5 * height, width + 2 * pad, height), style.color, style.alpha)


class TextBatch(Batch):
    """Labels in framebuffer pixels, origin top left.

    Parameters
    ----------
    resources : shared resources of the current context
    counters : uploads and draw calls are counted here
    """

    def __init__(self, resources: SharedResources, counters: FrameCounters) -> None:
        super().__init__(ROW_FLOATS, _FIRST_ROWS, resources.row_drawing, counters)
        self.atlas: Final = resources.atlas
        self._program: Final = resources.shaders.program("text")
        self.boxes: list[LabelBox] | None = None
        """Boxes of the labels that are added, for tests; None does not collect them."""

    def width(self, text: str, size_px: float, *, is_bold: bool = False) -> float:
        """Return the advance width of a label in pixels, without a plate."""
        return self.atlas.advance(text, size_px, is_bold=is_bold)

    def add(
        self,
        text: str,
        x_px: float,
        y_px: float,
        style: TextStyle,
        *,
        plate: Plate | None = None,
        is_fleeting: bool = False,
    ) -> None:
        """Add a label.

        Parameters
        ----------
        x_px : its left end, middle or right end, by `style.align`
        y_px : middle of its capital letters and digits. Text is sharp where x and y are whole numbers
        is_fleeting : the text changes from frame to frame. It is drawn glyph by glyph, because the atlas has no room
            for every number there is
        """
        size_px, color, align, alpha, is_bold = style
        atlas, cell = self.atlas, None
        if is_fleeting:
            advance, cap_height = atlas.advance(text, size_px, is_bold=is_bold), atlas.cap_height(size_px, is_bold)
        else:
            cell = atlas.cell(text, size_px, is_bold=is_bold)
            advance, cap_height = cell.advance, cell.cap_height
        if align == "center":
            x_px -= advance // 2
        elif align == "right":
            x_px -= int(advance + 0.5)
        if self.boxes is not None:
            self.boxes.append(_box(text, (x_px, y_px), (advance, cap_height), style, plate))
        if plate is not None:
            pad_x, half = round(size_px * PLATE_PAD_X), cap_height // 2 + round(size_px * PLATE_PAD_Y)
            width = plate.width_px or advance // 1 + 1 + 2 * pad_x
            height = 2 * half + cap_height % 2
            self.add_plate(
                x_px - pad_x,
                y_px - half,
                width,
                height,
                color=plate.color,
                radius_px=size_px * _PLATE_RADIUS,
            )
        baseline = y_px + (cap_height + 1) // 2
        look = *color, alpha, _LABEL, *_UNUSED
        if cell is None:
            place = x_px, baseline, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, *look
            self._values += (atlas.glyphs(text, size_px, is_bold=is_bold) + place).ravel().tolist()
        elif width := cell.width:
            box = x_px + cell.left, baseline - cell.top, width, cell.height
            self._values += (*box, cell.u, cell.v, width, cell.height, *look)

    def add_upward(self, text: str, x_px: float, y_px: float, style: TextStyle, *, plate: Plate | None = None) -> None:
        """Add a label that reads upwards, turned by a quarter to the left, with its middle at a point.

        Parameters
        ----------
        x_px, y_px : middle of its capital letters and of its length. Text is sharp where they are whole numbers
        """
        cell = self.atlas.cell(text, style.size_px, is_bold=style.is_bold)
        if not cell.width:
            return
        cap_height = self.atlas.cap_height(style.size_px, style.is_bold)
        if plate is not None:
            half = cap_height // 2 + round(style.size_px * PLATE_PAD_Y)
            length = cell.advance // 1 + 1 + 2 * round(style.size_px * PLATE_PAD_X)
            box = x_px - half, y_px - length // 2, 2 * half + cap_height % 2, length
            radius_px = style.size_px * _PLATE_RADIUS
            self.add_plate(*box, color=plate.color, radius_px=radius_px)
        if self.boxes is not None:
            flat = _box(text, (-0.5 * cell.advance, 0.0), (cell.advance, cap_height), style, plate)
            width, height = flat.rect.height, flat.rect.width
            upright = Rect(x_px - 0.5 * width, y_px - 0.5 * height, width, height)
            self.boxes.append(LabelBox(text, upright, style.color, style.alpha))
        baseline = x_px + (cap_height + 1) // 2
        begin = y_px + cell.advance // 2
        box = baseline - cell.top, begin - cell.left - cell.width, cell.height, cell.width
        self._values += (*box, cell.u, cell.v, cell.width, cell.height, *style.color, style.alpha, _UPWARD, *_UNUSED)

    def add_plate(self, x_px: float, y_px: float, width: float, height: float, *, color: Rgb, radius_px: float) -> None:
        """Add a rounded rectangle; it is drawn in order with the labels."""
        self._values += (x_px, y_px, width, height, width, height, radius_px, 0.0, *color, 1.0, _PLATE, *_UNUSED)

    def upload(self) -> None:
        """Upload the labels that were added, if they changed, and pin their atlas cells until they are drawn."""
        super().upload()
        self.pin()

    def pin(self) -> None:
        """Pin the atlas cells of the uploaded labels until they are drawn."""
        if self._uploaded:
            self.atlas.pin(self)

    def draw(self, width_px: int, height_px: int) -> None:
        """Draw the uploaded labels in order onto a framebuffer of this size."""
        if self._uploaded:
            use_text_program(self._program)
            self._program.set_target(width_px, height_px)
            self._drawing.quads(self._stream.texture, 0, self._uploaded, self._counters)
            self.atlas.unpin(self)

    def release(self) -> None:
        self.atlas.unpin(self)
        super().release()
