"""VWAP is drawn as it developed, in the session that goes on and in finished ones, with its bands."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from flow_gl.core.palette import PALETTES
from flow_gl.core.schema import GAP_LIST, MINUTE_LEVELS, PRICE_SCALE, GapKind
from flow_gl.core.units import SECOND_NS
from flow_gl.gl.label_boxes import LabelBox
from flow_gl.layers.base import Scene, Style
from flow_gl.layers.lines.vwap_points import vwap_at
from flow_gl.layers.sessions import Session, sessions_in_view
from flow_gl.layers.stack import ChartStack
from tests.kit.gl_context import draw
from tests.kit.levels import with_lines
from tests.kit.markets import TICK, WEEK, Market, make_scene, make_week

MINUTE = 60 * SECOND_NS
HALT = (WEEK[2].open_ns + 6 * 3600 * SECOND_NS, WEEK[2].open_ns + 9 * 3600 * SECOND_NS)
"""Without trades."""


def plant_vwap(market: Market) -> None:
    """Publish VWAP and its deviation after each trade of the market, session by session, but none in the halt."""
    parts = []
    for day in WEEK:
        ts = market.rows["ts_event"]
        rows = market.rows[(ts >= day.open_ns) & (ts < day.close_ns) & ~((ts >= HALT[0]) & (ts < HALT[1]))]
        price, size = rows["close"] / PRICE_SCALE, rows["buy"] + rows["sell"] + rows["unsided"]
        minutes = np.zeros(len(rows), MINUTE_LEVELS)
        minutes["ts_event"] = (rows["ts_event"] // MINUTE + 1) * MINUTE
        minutes["vwap"] = np.cumsum(price * size) / np.cumsum(size)
        minutes["vwap_sd"] = 5.0 + 0.001 * np.arange(len(rows))
        parts.append(minutes)
    market.store.minutes.append(np.concatenate(parts))


def week_scene(
    *, is_planted: bool = True, span_s: float = 100 * 3600, day: int = -1, gap_kind: GapKind | None = None
) -> Scene:
    market = make_week()
    if is_planted:
        plant_vwap(market)
    if gap_kind is not None:
        gaps = np.zeros(1, GAP_LIST)
        gaps["count"] = gaps["total"] = 1
        gap = gaps["gap"][0, 0]
        gap["start"], gap["end"], gap["kind"] = *HALT, gap_kind
        market.store.gaps.write(gaps)
        market.reader.refresh()
    edge_ns = None if day == -1 else WEEK[day].close_ns - 600 * SECOND_NS
    style = Style(is_visible=frozenset({"levels"}))
    scene = make_scene(market, span_s=span_s, lod=6, edge_ns=edge_ns, style=style)
    low, high = (int(price) / TICK for price in (market.rows["low"].min(), market.rows["high"].max()))
    y_per_px = (high - low + 40) / scene.price_view.rect.height
    return with_lines(replace(scene, price_view=replace(scene.price_view, y_top=high + 20, y_per_px=y_per_px)))


def lines_of(stack: ChartStack, scene: Scene) -> NDArray[np.int64]:
    """How much the levels change each pixel."""
    without = replace(scene, style=Style(is_visible=frozenset()))
    return np.abs(draw(stack, scene).astype(np.int64) - draw(stack, without).astype(np.int64)).max(axis=2)


def wednesday(scene: Scene) -> tuple[Session, float, float]:
    return next(one for one in sessions_in_view(scene) if one[0].numbers["trade_date"] == 20251126)


@pytest.mark.parametrize("day", [-1, 2])
def test_vwap_and_bands_are_where_they_were_at_each_time(stack: ChartStack, day: int) -> None:
    scene = week_scene(span_s=18 * 3600, day=day)
    difference, view = lines_of(stack, scene), scene.price_view
    session = next(one for one, _, _ in sessions_in_view(scene) if one.numbers["trade_date"] == WEEK[day].trade_date)
    checked = 0
    for x in range(int(view.rect.x) + 330, int(view.screen_x(min(scene.now_ns, session.end_ns))) - 40, 7):
        found = vwap_at(scene, session, view.time_at(x + 0.5))
        assert found is not None
        for deviations in (0, 1, -1):
            y = view.screen_y((found[0] + deviations * found[1]) * PRICE_SCALE / TICK)
            if view.rect.y + 2 <= y < view.rect.bottom - 2:
                assert difference[round(y) - 1 : round(y) + 2, x].max() >= 12, (x, deviations)
                checked += 1
    assert checked > 30


def test_a_value_lies_between_those_of_the_minutes_around_it_and_holds_while_nothing_trades() -> None:
    scene = week_scene()
    session, _, _ = wednesday(scene)
    rows = scene.lines.vwaps
    at = int(rows.times.searchsorted(session.start_ns + 3600 * SECOND_NS))
    assert vwap_at(scene, session, int(rows.times[at])) == tuple(rows.values[at].tolist())
    half = vwap_at(scene, session, int(rows.times[at]) - MINUTE // 2)
    assert half == pytest.approx((rows.values[at - 1] + rows.values[at]) / 2)
    before = tuple(rows.values[int(rows.times.searchsorted(HALT[0] + MINUTE)) - 1].tolist())
    assert {vwap_at(scene, session, HALT[0] + hours * 3600 * SECOND_NS) for hours in (1, 2)} == {before}


def test_the_session_that_continues_ends_at_its_present_value() -> None:
    scene = week_scene()
    session = list(sessions_in_view(scene))[-1][0]
    now = float(scene.reader.session["vwap"]), float(scene.reader.session["vwap_sd"])
    assert vwap_at(scene, session, scene.now_ns) == now
    paused = replace(scene, until_ns=scene.now_ns - 3600 * SECOND_NS)
    at = int(scene.lines.vwaps.times.searchsorted(paused.until_ns, side="right")) - 1
    assert vwap_at(paused, session, paused.now_ns) == tuple(scene.lines.vwaps.values[at].tolist())


def test_a_session_whose_vwap_is_not_known_yet_has_its_minutes_alone(stack: ChartStack) -> None:
    scene = week_scene()
    scene.reader.session["vwap"] = scene.reader.session["vwap_sd"] = np.nan
    draw(stack, scene)
    session = list(sessions_in_view(scene))[-1][0]
    at = int(scene.lines.vwaps.times.searchsorted(scene.now_ns, side="right")) - 1
    assert vwap_at(scene, session, scene.now_ns) == tuple(scene.lines.vwaps.values[at].tolist())


@pytest.mark.parametrize("kind", [GapKind.NO_TRADES, GapKind.FEED])
def test_the_curve_stops_where_a_gap_begins_and_continues_where_it_ends(stack: ChartStack, kind: GapKind) -> None:
    shares = []
    for gap_kind in (None, kind):
        scene = week_scene(span_s=20 * 3600, day=2, gap_kind=gap_kind)
        difference, view = lines_of(stack, scene), scene.price_view
        for start, end in ((HALT[0], HALT[1]), (HALT[1], HALT[1] + 3 * 3600 * SECOND_NS)):
            session, _, _ = wednesday(scene)
            columns = range(*(round(view.screen_x(t_ns)) for t_ns in (start + 600 * SECOND_NS, end - 600 * SECOND_NS)))
            is_lit = []
            for x in columns:
                found = vwap_at(scene, session, view.time_at(x))
                assert found is not None
                y = round(view.screen_y(found[0] * PRICE_SCALE / TICK))
                is_lit.append(difference[y - 1 : y + 2, x].max() > 30)
            shares.append(np.mean(is_lit))
    joined, after_joined, apart, after = shares
    assert joined > 0.8
    assert after == after_joined > 0.5
    assert apart < joined - 0.25, "only the dashes of other levels are left"


def test_the_curve_of_a_halt_that_continues_has_only_its_present_value_left(stack: ChartStack) -> None:
    scene = week_scene(span_s=20 * 3600)
    view, last_ns = scene.price_view, int(scene.lines.vwaps.times[-1])
    gaps = np.zeros(1, GAP_LIST)
    gaps["count"] = gaps["total"] = 1
    gap = gaps["gap"][0, 0]
    gap["start"], gap["open"], gap["kind"] = last_ns, 1, GapKind.NO_TRADES
    later = replace(scene, now_ns=scene.now_ns + 4 * 3600 * SECOND_NS)
    later = replace(later, price_view=replace(view, t_right_ns=view.t_right_ns + 4 * 3600 * SECOND_NS))
    y = round(view.screen_y(float(scene.reader.session["vwap"]) * PRICE_SCALE / TICK))
    left, right = (round(later.price_view.screen_x(t_ns)) for t_ns in (last_ns, later.now_ns))
    shares = []
    for is_halted in (False, True):
        if is_halted:
            scene.reader.store.gaps.write(gaps)
            scene.reader.refresh()
        lit = lines_of(stack, later)[y - 1 : y + 2].max(axis=0) > 30
        shares += [lit[left + 3 : right - 3].mean(), lit[right + 3 : round(view.rect.right) - 3].mean()]
    assert min(shares[0], shares[1], shares[3]) > 0.8
    assert shares[2] < shares[0] - 0.25


@pytest.mark.parametrize("day", [-1, 2])
def test_no_label_of_a_curve_is_in_a_halt_where_the_curve_is_not_drawn(stack: ChartStack, day: int) -> None:
    scene = week_scene(span_s=6 * 3600, day=day, gap_kind=GapKind.NO_TRADES)
    # The halt's last hour is at the left of the view.
    right_ns = HALT[1] + 5 * 3600 * SECOND_NS
    scene = replace(scene, price_view=replace(scene.price_view, t_right_ns=right_ns))
    if day == -1:
        gaps = np.zeros(1, GAP_LIST)
        gaps["count"] = gaps["total"] = 1
        gap = gaps["gap"][0, 0]
        shift = scene.now_ns - HALT[1] - 4 * 3600 * SECOND_NS
        gap["start"], gap["end"], gap["kind"] = HALT[0] + shift, HALT[1] + shift, GapKind.NO_TRADES
        scene.reader.store.gaps.write(gaps)
        scene.reader.refresh()
        scene = replace(scene, price_view=replace(scene.price_view, t_right_ns=right_ns + shift))
    end_ns = int(scene.reader.gaps["end"][0])
    boxes: list[LabelBox] = []
    stack.collect_labels(boxes)
    stack.update(scene)
    stack.collect_labels(None)
    curves = [box for box in boxes if box.text.startswith("VWAP") or "SD" in box.text]
    assert curves
    assert all(box.rect.x >= scene.price_view.screen_x(end_ns) for box in curves)


def test_without_minutes_a_finished_session_has_its_closing_value(stack: ChartStack) -> None:
    scene = week_scene(is_planted=False, span_s=60 * 3600)
    difference, view = lines_of(stack, scene), scene.price_view
    session, left, right = wednesday(scene)
    y = round(view.screen_y(float(session.numbers["vwap"]) * PRICE_SCALE / TICK))
    assert (difference[y, int(left) : int(right)] > 20).all()


def test_a_label_names_the_value_only_where_the_curve_has_it(stack: ChartStack) -> None:
    boxes: list[LabelBox] = []
    stack.collect_labels(boxes)
    stack.update(week_scene(span_s=60 * 3600))
    stack.collect_labels(None)
    texts = [box.text for box in boxes if box.text.startswith("VWAP")]
    flat: list[LabelBox] = []
    stack.collect_labels(flat)
    stack.update(week_scene(span_s=60 * 3600, is_planted=False))
    stack.collect_labels(None)
    assert "VWAP" in texts
    assert all("." in box.text for box in flat if box.text.startswith("VWAP"))


@pytest.mark.parametrize("palette", PALETTES.values(), ids=PALETTES)
def test_a_frame_without_news_uploads_no_curve(stack: ChartStack, palette: object) -> None:
    scene = replace(week_scene(), style=Style(palette=palette))  # type: ignore[arg-type]
    for _ in range(2):  # the first may fill the atlas that all tests share, and labels are then made again
        draw(stack, scene)
    stack.chart.counters.reset()
    draw(stack, replace(scene, wall_s=scene.wall_s + 0.01))
    assert stack.chart.counters.overlay_bytes == 0
