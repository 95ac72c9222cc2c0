"""The numbers of a header that change with every trade, and where the chart draws them (`layers.header`)."""

from typing import Final

from flow_gl.core.palette import Palette
from flow_gl.gl.glyph_runs import number_form
from flow_gl.layers.base import HeaderText
from flow_gl.layers.cvd_reference import CvdReference
from flow_gl.layers.room import Part
from flow_gl.store.market import MarketReader
from flow_gl.ui.overlays import words
from flow_gl.ui.overlays.header_fit import Item, PlacedItem
from flow_gl.ui.paint.theme import sign_color

_EM: Final = 1.0 / 1.172
"""Height of Roboto's em as a share of what Dear ImGui calls the size of a font: ascent and descent."""
_RAISED: Final = 0.097
"""Distance of the middle of Dear ImGui's capitals above the middle of its line, in font sizes."""


def numbers(market: MarketReader, reference: CvdReference | None, palette: Palette, *, trend: str = "") -> list[Item]:
    """Return the items that change with every trade: price, CVD and, beside CVD since a reference, the session's.

    Parameters
    ----------
    trend : glyph after CVD
    """
    session = market.session
    price, cvd = words.price(int(session["last_price"]), market.tick_size), int(session["cvd"])
    counted = cvd if reference is None else cvd - reference.cvd
    color = sign_color(palette, counted)
    found = [
        Item(price, palette.text, 18.0, is_bold=True, keep=Part.PRICE, number="price"),
        Item(
            f"CVD {words.signed(counted)}",
            color,
            16.0,
            is_bold=True,
            keep=Part.CVD,
            shorter=((Part.CVD_WORD, words.signed(counted)),),
            glyph=trend,
            number="cvd",
            row=1,
        ),
    ]
    if reference is not None:
        text, color = words.signed(cvd), sign_color(palette, cvd)
        found.append(
            Item(
                f"session {text}",
                color,
                is_bold=True,
                keep=Part.CVD_SESSION + 1,
                shorter=((Part.CVD_SESSION, f"({text})"),),
                joins=True,
                number="session",
                row=1,
            )
        )
    return found


def shape(item: Item) -> tuple[str, str]:
    """Return what the room for a number depends on: figures are tabular."""
    return item.number, number_form(item.text)


def number_text(fresh: list[Item], placed: PlacedItem, scale: float) -> HeaderText:
    """Return a number of this frame at the place of its item in the layout."""
    item = next(one for one in fresh if one.number == placed.item.number)
    size = placed.size * scale
    return HeaderText(
        text=item.text_in(placed.item.form),
        x=placed.x,
        y=placed.middle - _RAISED * size,
        size_px=size * _EM,
        color=item.color,
        is_bold=item.is_bold,
    )
