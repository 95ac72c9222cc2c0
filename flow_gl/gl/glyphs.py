"""Glyphs rasterised by FreeType, without OpenGL: for the font atlas and for text in pictures.

Glyphs are positioned to a quarter of a pixel within a string and hinted vertically only.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import freetype
import numpy as np
from numpy.typing import NDArray

from flow_gl.core.system.fonts import font_path

PHASES: Final = 4
"""Positions of a glyph within a pixel."""


@dataclass(frozen=True, slots=True)
class Glyph:
    """A rasterised character.

    Attributes
    ----------
    picture : uint8 (height, width), coverage
    left, top : from the origin (pen, baseline) to the picture's top left, px; `top` is positive upwards
    advance : px
    """

    picture: NDArray[np.uint8]
    left: float
    top: int
    advance: float


@dataclass(frozen=True, slots=True)
class Run:
    """A rasterised string; `picture` is empty if nothing of it is visible.

    Attributes
    ----------
    picture : uint8 (height, width), coverage, with a blank border of one pixel
    left, top : from the origin (pen, baseline) to the picture's top left, px; `top` is positive upwards
    """

    picture: NDArray[np.uint8]
    left: int
    top: int


_NOTHING: Final = Run(np.zeros((0, 0), np.uint8), 0, 0)


class Glyphs:
    """The two faces, with a cache of their glyphs."""

    def __init__(self) -> None:
        self._faces: Final[list[Any]] = [freetype.Face(str(font_path(is_bold=bold))) for bold in (False, True)]
        self._glyphs: Final[dict[tuple[str, float, bool, int], Glyph]] = {}

    def glyph(self, character: str, size_px: float, is_bold: bool, phase: int) -> Glyph:
        """Return a character whose pen is at `phase` quarters of a pixel."""
        key = (character, size_px, is_bold, phase)
        found = self._glyphs.get(key)
        if found is None:
            face = self._faces[is_bold]
            face.set_char_size(round(size_px * 64), 0, 72, 72)
            face.set_transform(freetype.Matrix(0x10000, 0, 0, 0x10000), freetype.Vector(phase * 64 // PHASES, 0))
            face.load_char(character, freetype.FT_LOAD_TARGET_LIGHT | freetype.FT_LOAD_NO_BITMAP)
            slot = face.glyph
            advance = slot.linearHoriAdvance / 65536
            slot.render(freetype.FT_RENDER_MODE_NORMAL)
            bitmap = slot.bitmap
            rows = np.array(bitmap.buffer, np.uint8).reshape(bitmap.rows, bitmap.pitch)[:, : bitmap.width]
            found = self._glyphs[key] = Glyph(rows, slot.bitmap_left, slot.bitmap_top, advance)
        return found

    def string(self, text: str, size_px: float, *, is_bold: bool = False) -> tuple[Run, float]:
        """Return a string and its advance width, px."""
        glyphs: list[tuple[Glyph, int]] = []
        pen = 0.0
        for character in text:
            glyph = self.glyph(character, size_px, is_bold, int((pen % 1.0) * PHASES))
            glyphs.append((glyph, int(pen)))
            pen += glyph.advance
        return composed(glyphs), pen


def composed(glyphs: Sequence[tuple[Glyph, int]]) -> Run:
    """Draw glyphs, each with the whole pixel of its pen, into one picture."""
    drawn = [(glyph, at + glyph.left) for glyph, at in glyphs if glyph.picture.size]
    if not drawn:
        return _NOTHING
    left = min(at for _, at in drawn)
    right = max(at + glyph.picture.shape[1] for glyph, at in drawn)
    top = max(glyph.top for glyph, _ in drawn)
    bottom = min(glyph.top - glyph.picture.shape[0] for glyph, _ in drawn)
    # A blank border of one texel, so that quads between whole pixels have soft edges.
    picture = np.zeros((top - bottom + 2, int(right - left) + 2), np.uint8)
    for glyph, at in drawn:
        height, width = glyph.picture.shape
        y, x = top - glyph.top + 1, int(at - left) + 1
        target = picture[y : y + height, x : x + width]
        np.maximum(target, glyph.picture, out=target)
    return Run(picture, int(left) - 1, top + 1)
