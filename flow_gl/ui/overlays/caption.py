"""The caption of a screenshot: symbol, time and numbers of each chart that it shows."""

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.palette import Palette, Rgb, readable
from flow_gl.core.schema import UNDEF_PRICE
from flow_gl.gl.caption import Cell, border_of, strip_of
from flow_gl.layers.cvd_reference import CvdReference
from flow_gl.store.market import MarketReader
from flow_gl.ui.overlays import words
from flow_gl.ui.overlays.frame import Frame
from flow_gl.ui.paint.theme import sign_color
from flow_gl.ui.state.view_state import ViewState


def rows(frame: Frame, state: ViewState, chart: int | None = None) -> list[list[Cell]]:
    """Return a row for each visible chart that has trades, or for one chart.

    Parameters
    ----------
    chart : index of the chart; None for all visible ones
    """
    found = []
    for one in frame.charts:
        if one.market is not None and one.market.session["trade_count"] and chart in (None, one.index):
            reference = state.charts[one.index].cvd_reference(one.market)
            found.append(_row(one.name, one.market, reference, frame.event_ns, state.palette))
    return found


def caption(frame: Frame | None, state: ViewState, width: int, chart: int | None = None) -> NDArray[np.uint8]:
    """Return the strip below a picture: uint8 (height, width, 3); of height 0 without rows.

    Parameters
    ----------
    width : width of the picture, px
    chart : index of the only chart in the picture; None for all visible ones
    """
    if frame is None or not state.pictures.has_caption:
        return np.zeros((0, width, 3), np.uint8)
    palette = state.palette
    border = border_of(palette.raised, palette.quiet)
    return strip_of(rows(frame, state, chart), width, scale=frame.scale, ground=palette.raised, border=border)


def _row(
    name: str, market: MarketReader, reference: CvdReference | None, event_ns: int, palette: Palette
) -> list[Cell]:
    session, profile, tick_size = market.session, market.profile, market.tick_size
    cvd = int(session["cvd"])
    # The time of the numbers: the market's clock, which may have passed the last trade.
    at = max(event_ns, int(session["last_ts"]))
    volume = int(session["buy"] + session["sell"] + session["unsided"])

    def cell(text: str, color: Rgb = palette.text, *, is_bold: bool = False) -> Cell:
        return Cell(text, readable(color, palette.raised, palette.text), is_bold)

    since = "" if reference is None else f" since {words.clock(reference.at_ns)}"
    counted = cvd if reference is None else cvd - reference.cvd
    cells = [
        cell(name, is_bold=True),
        cell(f"{words.day(at)} {words.clock(at)} {words.ZONE_NAME}", palette.quiet),
        cell(words.price(int(session["last_price"]), tick_size), is_bold=True),
        cell(f"CVD {words.signed(counted)}{since}", sign_color(palette, counted)),
        cell("" if reference is None else f"session CVD {words.signed(cvd)}", sign_color(palette, cvd)),
        cell(f"volume {words.number(volume)}", palette.quiet),
    ]
    levels = (
        ("POC", "poc", palette.attention),
        ("VAH", "vah", palette.information),
        ("VAL", "val", palette.information),
    )
    for label, field, color in levels:
        price = int(profile[field])
        cells.append(cell("" if price == UNDEF_PRICE else f"{label} {words.price(price, tick_size)}", color))
    return cells
