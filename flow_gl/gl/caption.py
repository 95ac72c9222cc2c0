"""A strip of text below a picture, drawn without OpenGL.

The text is a table: a column is as wide as its widest cell. If the picture is too narrow for a row, the remaining
columns continue on the next line, indented.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.palette import Rgb, mix
from flow_gl.gl.glyphs import Glyphs

_SIZE_PX: Final = 13.0
_LINE_PX: Final = 22.0
_PAD_X_PX: Final = 12.0
_PAD_Y_PX: Final = 7.0
_GAP_PX: Final = 22.0
_INDENT_PX: Final = 16.0


class Cell(NamedTuple):
    """A cell of the table."""

    text: str
    color: Rgb
    is_bold: bool = False


@lru_cache(maxsize=1)
def _glyphs() -> Glyphs:
    return Glyphs()


def strip_of(
    rows: Sequence[Sequence[Cell]], width: int, *, scale: float, ground: Rgb, border: Rgb
) -> NDArray[np.uint8]:
    """Draw the strip: uint8, shape (height, width, 3), RGB, top row first. The height is 0 without rows.

    Parameters
    ----------
    rows : each with the same number of cells
    width : px
    scale : content scale
    ground, border : colours of the strip and of the line above it
    """
    if not rows:
        return np.zeros((0, width, 3), np.uint8)
    size, pad = _SIZE_PX * scale, round(_PAD_X_PX * scale)
    runs = [[_glyphs().string(cell.text, size, is_bold=cell.is_bold) for cell in row] for row in rows]
    widths = [max(advance for _, advance in column) for column in zip(*runs, strict=True)]
    places, lines = _flow(widths, width - pad, pad, scale)
    line, top = round(_LINE_PX * scale), round(_PAD_Y_PX * scale)
    thickness = max(1, round(scale))
    height = thickness + 2 * top + line * lines * len(rows)
    picture = np.empty((height, width, 3), np.float32)
    picture[:] = ground
    picture[:thickness] = border
    cap = _glyphs().glyph("0", size, False, 0).top
    for number, (row, cells) in enumerate(zip(runs, rows, strict=True)):
        for (run, _), cell, (x, below) in zip(row, cells, places, strict=True):
            baseline = thickness + top + line * (number * lines + below) + (line + cap) // 2
            _blend(picture, run.picture, x + run.left, baseline - run.top, cell.color)
    return np.round(255.0 * picture).astype(np.uint8)


def below(picture: NDArray[np.uint8], strip: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a picture, shape (height, width, 3), with a strip of the same width appended below it."""
    return np.concatenate([picture, strip]) if len(strip) else picture


def border_of(ground: Rgb, text: Rgb) -> Rgb:
    """Return the colour of the line above the strip."""
    return mix(ground, text, 0.2)


def _flow(widths: Sequence[float], right: int, left: int, scale: float) -> tuple[list[tuple[int, int]], int]:
    """Return each column's left border (px) and line, and the number of lines."""
    gap, indent = round(_GAP_PX * scale), round(_INDENT_PX * scale)
    places: list[tuple[int, int]] = []
    x, line = left, 0
    for width in widths:
        if places and width and x + width > right:
            x, line = left + indent, line + 1
        places.append((x, line))
        if width:
            x += int(width) + 1 + gap
    return places, line + 1


def _blend(picture: NDArray[np.float32], coverage: NDArray[np.uint8], x: int, y: int, color: Rgb) -> None:
    """Blend a colour into a picture by its coverage, clipped to the picture."""
    height, width = picture.shape[:2]
    left, top = max(0, x), max(0, y)
    part = coverage[top - y : max(0, height - y), left - x : max(0, width - x)]
    if not part.size:
        return
    share = (part.astype(np.float32) / 255.0)[..., None]
    area = picture[top : top + part.shape[0], left : left + part.shape[1]]
    area += (np.array(color, np.float32) - area) * share
