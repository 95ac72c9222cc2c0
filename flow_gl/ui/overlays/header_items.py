"""The items of one chart's header, before any is dropped: contract, price, CVD, levels, signs, state, bucket, fps.

The order of importance is that of `layers.room`. In a header of two rows, contract, price and bucket are in the first.
"""

from typing import Final

from flow_gl.core.palette import Palette, Rgb, mix
from flow_gl.core.schema import UNDEF_PRICE
from flow_gl.layers.drawings.levels import color_of
from flow_gl.layers.labels.levels import REGULAR_WORD
from flow_gl.layers.labels.words import bucket_text
from flow_gl.layers.room import Part
from flow_gl.store.market import MarketReader
from flow_gl.ui.alerts.badge import PULSE_S, Badge
from flow_gl.ui.overlays import words
from flow_gl.ui.overlays.frame import ChartFrame, Frame
from flow_gl.ui.overlays.header_fit import Item
from flow_gl.ui.overlays.header_numbers import numbers
from flow_gl.ui.paint.theme import sign_color, tone_color
from flow_gl.ui.state.link_groups import GROUPS
from flow_gl.ui.state.view_state import ViewState

_TREND_BUCKETS: Final = 10
"""The arrow beside CVD shows the change over this many closed buckets."""


def items(chart: ChartFrame, frame: Frame, state: ViewState) -> list[Item]:
    """List all items of the header from left to right, before `fit` drops any."""
    palette = state.palette
    left: list[Item] = []
    if frame.chart_count > 1 or state.charts[chart.index].link:
        left.append(_number(chart, state))
    market = chart.market
    if market is not None:
        left += _names(market, palette)
        if market.session["trade_count"]:
            left += _numbers(chart, state)
            left += _limits(market, state)
    right = [] if chart.badge is None else [badge_item(chart.badge, frame, state)]
    if chart is frame.charts[0]:
        right += _signs(frame, state)
    right.append(_state_item(chart, palette))
    if chart.scene is not None:
        bucket = bucket_text(chart.scene.reader.widths_ns[chart.scene.lod])
        lock = " locked" if state.locked_lod is not None else ""
        shorter = ((Part.BUCKET_WORD, f"{bucket}{lock}"),)
        text = f"{bucket} bubbles{lock}"
        right.append(Item(text, palette.quiet, keep=Part.BUCKET, shorter=shorter, is_right=True))
    if frame.figures.fps:
        right.append(Item(f"{frame.figures.fps:.0f} fps", palette.quiet, keep=Part.FPS, is_right=True))
    return left + right


def _number(chart: ChartFrame, state: ViewState) -> Item:
    """Return the chart's number, in the colour of its link group."""
    palette, link = state.palette, state.charts[chart.index].link
    color = color_of(palette, GROUPS[link - 1]) if link else palette.quiet
    return Item(str(chart.index + 1), color, 12.0, is_bold=bool(link), keep=Part.CHART_NUMBER, glyph="pill")


def _names(market: MarketReader, palette: Palette) -> list[Item]:
    """Return what was requested and the contract; one of them always stays."""
    requested, symbol, found = market.requested, market.symbol, []
    if not symbol and len(market.rolls):  # no raw symbol is known: show the id of the current contract
        symbol = f"id {int(market.instrument['instrument_id'])}"
    if requested and requested != symbol:
        keep = Part.REQUESTED if symbol else Part.ALWAYS
        found.append(Item(requested, palette.quiet, 17.0, is_bold=not symbol, keep=keep))
    if symbol:
        found.append(Item(symbol, palette.text, 17.0, is_bold=True))
    return found


def _numbers(chart: ChartFrame, state: ViewState) -> list[Item]:
    palette = state.palette
    assert chart.market is not None
    market, session, profile = chart.market, chart.market.session, chart.market.profile
    tick, reference = market.tick_size, state.charts[chart.index].cvd_reference(market)
    price, cvd, *others = numbers(market, reference, palette, trend=_trend(chart))
    found = [price, cvd]
    since = reference.at_ns if reference is not None else int(session["cvd_since"])
    if since:
        text = f"since {words.since(since, int(session['last_ts']))}{',' * len(others)}"
        # With a reference, the time says which of the two numbers is which.
        keep = Part.CVD_SINCE if reference is None else Part.CVD_SESSION + 1
        found.append(Item(text, palette.quiet, keep=keep, joins=True, row=1))
    found += others
    found.append(Item(f"VWAP {words.points(float(session['vwap']), tick)}", palette.quiet, keep=Part.VWAP, row=1))
    if int(profile["poc"]) != UNDEF_PRICE and profile["total"]:
        low, high = words.price(int(profile["val"]), tick), words.price(int(profile["vah"]), tick)
        poc = words.price(int(profile["poc"]), tick)
        hours = REGULAR_WORD if profile["is_regular"] else ""
        found.append(Item(f"POC{hours} {poc}", mix(palette.quiet, palette.attention, 0.7), keep=Part.POC, row=1))
        between = " to " if words.MINUS in low + high else "\u2013"
        color = mix(palette.quiet, palette.information, 0.7)
        found.append(Item(f"VA{hours} {low}{between}{high}", color, keep=Part.VALUE_AREA, row=1))
    return found


def _limits(market: MarketReader, state: ViewState) -> list[Item]:
    """Warn if the session's data are partial or the session is not in the exchange's calendar."""
    session = market.session
    if session["unscheduled"]:
        texts = ("unscheduled session", "unscheduled")
    elif session["partial"]:
        texts = (f"data from {words.since(int(session['first_ts']), int(session['last_ts']))}", "partial")
    else:
        return []
    return [_sign(*texts, state.palette.attention)]


def _signs(frame: Frame, state: ViewState) -> list[Item]:
    """Return the items about the whole program: alerts are muted, trades are recorded or could not all be."""
    palette, found = state.palette, []
    if state.is_muted:
        found.append(_sign("alerts muted", "muted", palette.quiet, is_right=True))
    elif problem := frame.alerts.problem_sign:
        found.append(_sign(problem, problem, palette.attention, is_right=True))
    if state.video_sign:
        color = palette.attention if "dropped" in state.video_sign else palette.quiet
        found.append(_sign(state.video_sign, "video", color, is_right=True))
    engine = frame.engine
    if engine is not None and engine.status["is_publishing"] and not engine.status["on_bus"]:
        found.append(_sign("bus not connected", "no bus", palette.attention, is_right=True))
    if engine is not None and engine.status["unkept"]:
        found.append(_sign("not all recorded", "no rec", palette.attention, is_right=True))
    elif engine is not None and engine.status["is_recording"]:
        rec = Item("REC", palette.sell, 13.0, is_bold=True, keep=Part.SIGN, glyph="dot", is_right=True, row=1)
        found.append(rec)
    return found


def _sign(text: str, short: str, color: Rgb, *, is_right: bool = False) -> Item:
    shorter, keep = ((Part.SIGN_DETAIL, short),), Part.SIGN
    return Item(text, color, 13.0, is_bold=True, keep=keep, shorter=shorter, glyph="pill", is_right=is_right, row=1)


def _trend(chart: ChartFrame) -> str:
    """Return the glyph for the change of CVD over the last `_TREND_BUCKETS` buckets."""
    assert chart.market is not None
    market = chart.market
    ring, head = market.store.cvd[0], market.heads[0]
    before = ring.row(max(0, head - _TREND_BUCKETS))
    if head == 0 or before is None:
        return "flat"
    change = int(market.session["cvd"]) - int(before["close"])
    return "up" if change > 0 else "down" if change < 0 else "flat"


def _state_item(chart: ChartFrame, palette: Palette) -> Item:
    condition = chart.condition
    color = tone_color(palette, condition.tone)
    shorter = ((Part.STATE_DETAIL, condition.short or condition.text), (Part.STATE_WORD, ""))
    return Item(condition.text, color, is_bold=True, glyph="dot", shorter=shorter, is_right=True, row=1)


def badge_item(badge: Badge, frame: Frame, state: ViewState) -> Item:
    """Return the newest alert's text, shortened to an arrow for its direction where space is short."""
    palette = state.palette
    way = {1: ", bullish", -1: ", bearish"}.get(badge.direction, "")
    text = f"{badge.text}{way} {words.clock(badge.ts_event)}"
    since_s = (frame.wall_ns - badge.seen_ns) / 1e9
    is_pulsing = badge.is_new and not state.is_muted and since_s < PULSE_S
    # Two pulses, then steady: a badge that keeps blinking is hard to read.
    alpha = 1.0 if not is_pulsing or since_s * 4 / PULSE_S % 2 < 1 else 0.55
    color = palette.quiet if state.is_muted else sign_color(palette, badge.direction)
    short = f"alert {words.clock(badge.ts_event, seconds=False)}"
    shorter = ((Part.BADGE_DETAIL, short), (Part.BADGE_WORD, ""))
    glyph = {1: "pill up", -1: "pill down"}.get(badge.direction, "pill")
    return Item(text, color, 13.0, is_bold=True, shorter=shorter, glyph=glyph, is_right=True, alpha=alpha, row=1)
