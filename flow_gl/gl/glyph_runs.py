"""Texts as rows of glyphs, for numbers that are too many to rasterise each as a whole.

Digits are tabular, so all texts of one form (`number_form`) have their glyphs at the same positions. A new number
therefore only selects other glyphs from a table.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from flow_gl.gl.glyphs import PHASES

ROW_FLOATS: Final = 16
_DIGITS: Final = str.maketrans("123456789", "000000000")
_KEPT_RUNS: Final = 1024
_KEPT_FORMS: Final = 1024
_FIRST: Final = 128

GlyphBox = tuple[float, float, float, float, float, float]
"""Left, top (upwards), width and height relative to the glyph's whole pixel on the baseline, px; u, v, texels."""


def number_form(text: str) -> str:
    """Return a text with every digit replaced by 0. Texts of one form have the same width."""
    return text.translate(_DIGITS)


class _Form(NamedTuple):
    """The positions of a text's visible glyphs: index in the text, subpixel phase, whole pixel (float64)."""

    at: list[int]
    phases: list[int]
    lefts: NDArray[np.float64]


class GlyphRuns:
    """The texts of one font and size.

    Parameters
    ----------
    box_of : rasterises a character at a phase and returns its box; the width is 0 if the character is blank
    advance_of : returns the advance of a character, px
    """

    def __init__(self, box_of: Callable[[str, int], GlyphBox], advance_of: Callable[[str], float]) -> None:
        self._box_of: Final = box_of
        self._advance_of: Final = advance_of
        self._forms: dict[str, _Form] = {}
        self._runs: dict[str, NDArray[np.float64]] = {}
        self._index: dict[tuple[str, int], int] = {}
        self._rows = np.zeros((_FIRST, ROW_FLOATS))
        """Row of each character and phase, by `_index`; float64, shape (rows, `ROW_FLOATS`)."""

    def of(self, text: str) -> NDArray[np.float64]:
        """Return a text's glyphs: float64, shape (glyphs, `ROW_FLOATS`). Must not be modified.

        A row is left, -top, width, height, u, v, width, height, then zeros, relative to the text's origin.
        """
        found = self._runs.get(text)
        if found is None:
            if len(self._runs) >= _KEPT_RUNS:
                self._runs.clear()
            found = self._runs[text] = self._make(text)
        return found

    def _make(self, text: str) -> NDArray[np.float64]:
        name = number_form(text)
        form = self._forms.get(name) or self._add_form(name)
        index = self._index
        try:
            at = [index[text[place], phase] for place, phase in zip(form.at, form.phases, strict=True)]
        except KeyError:
            at = [self._row_of(text[place], phase) for place, phase in zip(form.at, form.phases, strict=True)]
        rows: NDArray[np.float64] = self._rows[at]
        rows[:, 0] += form.lefts
        return rows

    def _add_form(self, name: str) -> _Form:
        if len(self._forms) >= _KEPT_FORMS:
            self._forms.clear()
        found, pen = [], 0.0
        for at, character in enumerate(name):
            left = int(pen)
            phase = int((pen - left) * PHASES)
            if self._rows[self._row_of(character, phase), 2]:
                found.append((at, phase, left))
            pen += self._advance_of(character)
        form = _Form([one[0] for one in found], [one[1] for one in found], np.array([float(one[2]) for one in found]))
        self._forms[name] = form
        return form

    def _row_of(self, character: str, phase: int) -> int:
        number = self._index.get((character, phase))
        if number is None:
            left, top, width, height, u, v = self._box_of(character, phase)
            number = self._index[character, phase] = len(self._index)
            if number == len(self._rows):
                self._rows = np.concatenate((self._rows, np.zeros_like(self._rows)))
            self._rows[number, :8] = left, -top, width, height, u, v, width, height
        return number
