"""The font atlas: strings rasterised by FreeType (`glyphs`) into one texture, cached by string and size.

A quad on whole pixels is drawn texel for pixel. When the texture is nearly full it is cleared at the start of a frame
in which no batch is waiting to be drawn; `generation` then changes, so that whatever stores cells can drop them.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.gl.api import GL
from flow_gl.gl.glyph_runs import GlyphBox, GlyphRuns, number_form
from flow_gl.gl.glyphs import Glyphs, Run, composed
from flow_gl.gl.shaders import ATLAS_UNIT

ATLAS_PX: Final = 1024
_KEPT_ADVANCES: Final = 4096
_FULL: Final = 0.7
"""The texture is cleared between frames once this share of its height is in use."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A rasterised string: its place in the texture and its position relative to its origin.

    Attributes
    ----------
    u, v, width, height : box in the texture, texels
    left, top : from the origin (pen start, baseline) to the top left of the box, px; `top` is positive upwards
    advance : advance width, px
    cap_height : height of a digit at this size, px
    """

    u: float
    v: float
    width: float
    height: float
    left: float
    top: float
    advance: float
    cap_height: float


class FontAtlas:
    """The texture that holds all labels of a context.

    Parameters
    ----------
    glyphs : rasterised characters; by default its own
    """

    def __init__(self, glyphs: Glyphs | None = None) -> None:
        self._faces: Final = glyphs or Glyphs()
        self._cells: dict[tuple[str, float, bool], Cell] = {}
        self._runs: dict[tuple[float, bool], GlyphRuns] = {}
        self._advances: dict[tuple[str, float, bool], float] = {}
        self._cap_heights: dict[tuple[float, bool], float] = {}
        self._x = self._y = self._shelf = 1
        self._users: set[int] = set()
        self.generation = 0
        self.texture = int(GL.glGenTextures(1))
        self._bind_to_write()
        for parameter, value in (
            (GL.GL_TEXTURE_MIN_FILTER, GL.GL_LINEAR),
            (GL.GL_TEXTURE_MAG_FILTER, GL.GL_LINEAR),
            (GL.GL_TEXTURE_WRAP_S, GL.GL_CLAMP_TO_EDGE),
            (GL.GL_TEXTURE_WRAP_T, GL.GL_CLAMP_TO_EDGE),
        ):
            GL.glTexParameteri(GL.GL_TEXTURE_2D, parameter, value)
        self._clear()

    def bind(self) -> None:
        """Bind the texture to its texture unit for drawing."""
        GL.glActiveTexture(GL.GL_TEXTURE0 + ATLAS_UNIT)
        GL.glBindTexture(GL.GL_TEXTURE_2D, self.texture)
        GL.glActiveTexture(GL.GL_TEXTURE0)

    def pin(self, user: object) -> None:
        """Keep all cells in place until `user` calls `unpin`, because it will draw from them."""
        self._users.add(id(user))

    def unpin(self, user: object) -> None:
        self._users.discard(id(user))

    @property
    def is_nearly_full(self) -> bool:
        """Whether the texture is nearly full. The next frame clears the texture unless cells are pinned."""
        return self._y > ATLAS_PX * _FULL

    def begin_frame(self) -> None:
        """Clear the texture if it is nearly full and no cells are pinned. Cells move only here."""
        if self.is_nearly_full and not self._users:
            self._cells.clear()
            self._runs.clear()
            self._x = self._y = self._shelf = 1
            self.generation += 1
            self._bind_to_write()
            self._clear()

    def cell(self, text: str, size_px: float, *, is_bold: bool = False) -> Cell:
        """Return the cell of a string; it is rasterised on first use."""
        key = (text, size_px, is_bold)
        found = self._cells.get(key)
        if found is None:
            found = self._cells[key] = self._rasterise(text, size_px, is_bold)
        return found

    def advance(self, text: str, size_px: float, *, is_bold: bool = False) -> float:
        """Return the advance width of a string, px, without rasterising the string itself."""
        key = (text, size_px, is_bold)
        length = self._advances.get(key)
        if length is None:
            if len(self._advances) >= _KEPT_ADVANCES:
                self._advances.clear()
            # Texts of one form share theirs: most texts are new numbers.
            shape = number_form(text)
            if shape == text:
                length = sum(self._faces.glyph(character, size_px, is_bold, 0).advance for character in shape)
            else:
                length = self.advance(shape, size_px, is_bold=is_bold)
            self._advances[key] = length
        return length

    def glyphs(self, text: str, size_px: float, *, is_bold: bool = False) -> NDArray[np.float64]:
        """Return a string as rows of its glyphs (`GlyphRuns.of`): for texts of which there are too many for cells."""
        runs = self._runs.get((size_px, is_bold))
        if runs is None:
            runs = self._runs[size_px, is_bold] = self._make_runs(size_px, is_bold)
        return runs.of(text)

    def _make_runs(self, size_px: float, is_bold: bool) -> GlyphRuns:
        def box_of(character: str, phase: int) -> GlyphBox:
            glyph = self._faces.glyph(character, size_px, is_bold, phase)
            cell = self._cell_of(composed([(glyph, 0)]), glyph.advance, self.cap_height(size_px, is_bold))
            return cell.left, cell.top, cell.width, cell.height, cell.u, cell.v

        return GlyphRuns(box_of, lambda character: self._faces.glyph(character, size_px, is_bold, 0).advance)

    def cap_height(self, size_px: float, is_bold: bool) -> float:
        """Return the height of a digit, px."""
        key = (size_px, is_bold)
        if key not in self._cap_heights:
            self._cap_heights[key] = float(self._faces.glyph("0", size_px, is_bold, 0).top)
        return self._cap_heights[key]

    def release(self) -> None:
        GL.glDeleteTextures(1, np.array([self.texture], np.uint32))

    def _bind_to_write(self) -> None:
        GL.glBindTexture(GL.GL_TEXTURE_2D, self.texture)  # to whichever unit is active

    def _clear(self) -> None:
        blank = np.zeros((ATLAS_PX, ATLAS_PX), np.uint8)
        GL.glPixelStorei(GL.GL_UNPACK_ALIGNMENT, 1)
        GL.glTexImage2D(GL.GL_TEXTURE_2D, 0, GL.GL_R8, ATLAS_PX, ATLAS_PX, 0, GL.GL_RED, GL.GL_UNSIGNED_BYTE, blank)

    def _rasterise(self, text: str, size_px: float, is_bold: bool) -> Cell:
        run, advance = self._faces.string(text, size_px, is_bold=is_bold)
        return self._cell_of(run, advance, self.cap_height(size_px, is_bold))

    def _cell_of(self, run: Run, advance: float, cap_height: float) -> Cell:
        if not run.picture.size:
            return Cell(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, advance, cap_height)
        u, v = self._place(run.picture)
        height, width = run.picture.shape
        return Cell(u, v, width, height, run.left, run.top, advance, cap_height)

    def _place(self, picture: NDArray[np.uint8]) -> tuple[int, int]:
        height, width = picture.shape
        if self._x + width > ATLAS_PX:
            self._x, self._y, self._shelf = 1, self._y + self._shelf, 1
        if width > ATLAS_PX or self._y + height > ATLAS_PX:
            return 0, 0  # full within one frame: the label is blank until the next one
        u, v = self._x, self._y
        self._x += width + 1
        self._shelf = max(self._shelf, height + 1)
        self._bind_to_write()
        GL.glPixelStorei(GL.GL_UNPACK_ALIGNMENT, 1)
        GL.glTexSubImage2D(GL.GL_TEXTURE_2D, 0, u, v, width, height, GL.GL_RED, GL.GL_UNSIGNED_BYTE, picture)
        return u, v
