"""Tooltips show the engine's numbers, and appear under a mouse that moves, not under one that
rests."""

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from flow_gl.core.event_kinds import EventKind
from flow_gl.core.items import Mapping, Trades
from flow_gl.core.market.lod import threshold_at
from flow_gl.core.schema import EVENT, GapKind, Side
from flow_gl.core.settings import AggregationSettings
from flow_gl.core.units import SECOND_NS
from flow_gl.gl.view import Rect, View
from flow_gl.layers.base import Scene, Style
from flow_gl.layers.labels.levels import levels_of
from flow_gl.layers.rows import hit
from flow_gl.layers.sessions import sessions_in_view
from flow_gl.store.market import MarketReader
from flow_gl.ui.overlays import words
from flow_gl.ui.overlays.hover import bubble, cvd_bucket, event, level, profile_row, table, window
from flow_gl.ui.overlays.hover.tip import Spot, Tip
from flow_gl.ui.overlays.hover.window import is_at_right
from flow_gl.ui.overlays.panels.bubble import place_beside
from flow_gl.ui.state.pointed import BUBBLE, Pointed
from tests.kit.charted import ChartedPipeline
from tests.kit.markets import make_market, make_scene, make_week
from tests.kit.pilot import HeadlessPilot
from tests.kit.trades import NQZ5, make_trades

TICK = 250_000_000
SETTINGS = AggregationSettings()
SIDES = {"Buy": Side.BUY, "Sell": Side.SELL, "No side": Side.NONE}


@pytest.fixture(scope="module")
def trades() -> NDArray[np.void]:
    """Make trades with an occasional second without any."""
    rows = make_trades(4000, seed=3)
    return rows[rows["ts_event"] // SECOND_NS % 11 != 5]


@pytest.fixture(scope="module")
def scene(trades: NDArray[np.void]) -> Scene:
    """A chart of the engine's results for the trades."""
    made = ChartedPipeline(("NQZ5",))
    made.take(Mapping(NQZ5, "NQZ5", "NQZ5"), Trades(trades))
    made.pipeline.publish()
    return scene_of(made.readers()[0], trades)


def scene_of(reader: MarketReader, trades: NDArray[np.void]) -> Scene:
    right_ns = int(trades["ts_event"].max()) + 5 * SECOND_NS
    low, high = int(trades["price"].min()) / TICK, int(trades["price"].max()) / TICK
    price, cvd = Rect(0, 40, 1400, 800), Rect(0, 840, 1400, 200)
    ns_per_px = 200 * SECOND_NS / price.width
    point = reader.session
    span = int(point["cvd_high"]) - int(point["cvd_low"]) + 20
    return Scene(
        reader=reader,
        price_view=View(price, right_ns, ns_per_px, high + 4, (high - low + 8) / price.height),
        cvd_view=View(cvd, right_ns, ns_per_px, int(point["cvd_high"]) + 10, span / cvd.height),
        profile_rect=Rect(1200, 40, 200, 800),
        lod=0,
        style=Style(),
        now_ns=right_ns,
        live_x_px=1300.0,
        wall_s=1.0,
    )


def spot(scene: Scene, x: float, y: float) -> Spot:
    return Spot(scene, x, y, SETTINGS, 0.15)


def lines_of(tip: Tip | None) -> dict[str, str]:
    assert tip is not None
    return {label: value for label, value, _ in tip.lines}


def test_a_profile_row_shows_the_volume_at_its_price(scene: Scene, trades: NDArray[np.void]) -> None:
    total = int(trades["size"].sum())
    seen = 0
    for price in np.unique(trades["price"]).tolist():
        y = scene.price_view.screen_y(price / TICK)
        pointed = table.find(spot(scene, scene.profile_rect.right - 1, y))
        assert pointed is not None
        if pointed.kind != "profile row":
            continue  # a bubble is in front of it
        seen += 1
        lines = lines_of(table.describe(spot(scene, scene.profile_rect.right - 1, y), pointed))
        here = trades[trades["price"] == price]
        counts = {name: int(here["size"][here["side"] == side].sum()) for name, side in SIDES.items()}
        assert lines["Price"] == words.price(price, TICK)
        assert lines["Total"] == words.number(int(here["size"].sum()))
        assert {name: lines[name] for name in SIDES} == {name: words.number(count) for name, count in counts.items()}
        assert lines["Delta"] == words.signed(counts["Buy"] - counts["Sell"])
        assert lines["Of the session"] == f"{100 * int(here['size'].sum()) / total:.2f} %"
    assert seen > 20


def test_a_merged_row_shows_its_range_and_sum(scene: Scene, trades: NDArray[np.void]) -> None:
    view = scene.price_view
    high = View(view.rect, view.t_right_ns, view.ns_per_px, view.y_top + 400, 8 * view.y_per_px)
    wide = scene_with(scene, price_view=high)
    y = next(
        y
        for y in range(40, 840)
        if (found := table.find(spot(wide, wide.profile_rect.right - 1, y))) and found.kind == "profile row"
    )
    here = spot(wide, wide.profile_rect.right - 1, y)
    pointed = table.find(here)
    assert pointed is not None
    lines = lines_of(table.describe(here, pointed))
    low, top = (round(float(price.replace(",", "")) * 1e9) for price in lines["Price"].split(" \u2013 "))
    inside = trades[(trades["price"] >= low) & (trades["price"] <= top)]
    assert top > low
    assert lines["Total"] == words.number(int(inside["size"].sum()))


def scene_with(scene: Scene, **changes: object) -> Scene:
    from dataclasses import replace

    return replace(scene, **changes)  # type: ignore[arg-type]


def test_the_cvd_pane_shows_cvd_and_its_change_in_the_bucket(scene: Scene, trades: NDArray[np.void]) -> None:
    sign = (trades["side"] == Side.BUY).astype(int) - (trades["side"] == Side.SELL)
    order = np.argsort(trades["ts_recv"], kind="stable")
    after = np.cumsum((sign * trades["size"].astype(np.int64))[order])
    second = trades["ts_event"][order] // SECOND_NS
    seen = 0
    for bucket in np.unique(second)[-150::7].tolist():
        x = scene.cvd_view.screen_x(bucket * SECOND_NS + SECOND_NS // 2)
        here = spot(scene, x, scene.cvd_view.rect.y + 5)
        pointed = table.find(here)
        assert pointed is not None
        assert pointed.kind == "CVD"
        lines = lines_of(table.describe(here, pointed))
        run = after[second == bucket]
        before = int(after[second < bucket][-1]) if (second < bucket).any() else 0
        values = [before, *run.tolist()]
        assert lines["CVD"] == lines["Close"] == words.signed(values[-1])
        assert lines["Open"] == words.signed(before)
        assert lines["High"] == words.signed(max(values))
        assert lines["Low"] == words.signed(min(values))
        assert lines["Delta"] == words.signed(values[-1] - before)
        assert lines["Time"] == f"{words.clock(bucket * SECOND_NS)} ET"
        seen += 1
    assert seen > 15


def test_a_bucket_without_trades_shows_the_last_known_cvd(scene: Scene) -> None:
    ids = hit.visible_rows(scene)["id"]
    gap = int(ids[np.flatnonzero(np.diff(ids) > 1)[-1]])
    x = scene.cvd_view.screen_x((gap + 1) * SECOND_NS + SECOND_NS // 2)
    tip = cvd_bucket.describe(spot(scene, x, scene.cvd_view.rect.y + 5), (0, gap + 1))
    point = scene.reader.store.cvd[0].row(scene.reader.store.cvd[0].position_of(gap, scene.reader.heads[0]))
    assert point is not None
    assert lines_of(tip)["CVD"] == words.signed(int(point["close"]))
    assert tip is not None
    assert tip.notes == ["No trades in this bucket."]


def test_cvd_is_unknown_where_data_is_missing() -> None:
    market = make_market(240, seed=5, gap=(120, 195, GapKind.FEED))
    scene = make_scene(market, 1280, 720, span_s=150)
    start_ns = int(scene.reader.gaps["start"][0])
    inside = spot(scene, scene.cvd_view.screen_x(start_ns + 30 * SECOND_NS), scene.cvd_view.rect.y + 9)
    before = spot(scene, scene.cvd_view.screen_x(start_ns - 5 * SECOND_NS), scene.cvd_view.rect.y + 9)
    assert cvd_bucket.find(inside) is None
    assert cvd_bucket.find(before) is not None


def test_every_level_shows_its_rule_and_value(scene: Scene) -> None:
    market = make_market(600, seed=3)
    session = np.array([market.reader.session])
    for rank, field in enumerate(("prior_high", "prior_low", "prior_close", "prior_poc", "prior_vah", "prior_val")):
        session[field] = (101_300 + 11 * rank) * TICK
    session["overnight_high"], session["overnight_low"] = 101_700 * TICK, 101_250 * TICK
    market.store.session.write(session)
    market.reader.refresh()
    for chart in (scene, make_scene(market, 1280, 720, span_s=150)):
        found = levels_of(chart.style.palette, chart.reader.profile, chart.reader.session)
        assert len(found) >= 8
        for rank, one in enumerate(found):
            y = chart.price_view.screen_y(one.price / TICK)
            tip = level.describe(
                spot(chart, 300.0, min(max(y, 41.0), chart.price_view.rect.bottom - 1)), (one.name, rank)
            )
            if not chart.price_view.rect.contains(300.0, y):
                continue
            assert lines_of(tip)["Value"] == words.price(one.price, TICK)
            assert lines_of(tip)["Since"] == f"{words.since(int(chart.reader.session['open_ts']), chart.now_ns)} ET"
            assert tip is not None
            assert tip.notes[0].endswith(".")
    poc = level.describe(
        spot(scene, 300.0, scene.price_view.screen_y(int(scene.reader.profile["poc"]) / TICK)), ("POC", 0)
    )
    assert poc is not None
    assert poc.notes == ["The price with the most volume in the session."]


def test_a_zero_cross_explains_itself() -> None:
    market = make_market(300, seed=3)
    row = np.zeros(1, EVENT)
    row["ts_event"], row["kind"], row["direction"] = market.now_ns - 20 * SECOND_NS, EventKind.ZERO_CROSS, -1
    row["price"], row["strength"], row["value"] = market.rows["close"][-20], 300, (-3.0, 389.0, 0.0, 0.0)
    market.store.events.append(row)
    scene = make_scene(market, 1280, 720, span_s=60)
    x = scene.price_view.screen_x(int(row["ts_event"][0]))
    here = spot(scene, x + 2.0, scene.cvd_view.rect.y + 3)
    pointed = table.find(here)
    assert pointed is not None
    assert pointed.kind == "event"
    tip = table.describe(here, pointed)
    assert tip is not None
    assert tip.title == "CVD zero cross, bearish"
    assert lines_of(tip)["CVD"] == words.signed(-3)
    assert lines_of(tip)["Price"] == words.price(int(row["price"][0]), TICK)
    assert tip.notes == ["CVD had been at least 300 above zero; this trade was the first to take it below zero."]
    assert event.find(spot(scene, x + 12.0, scene.cvd_view.rect.y + 3)) is None


def test_a_bubble_names_the_threshold_of_its_width(scene: Scene, trades: NDArray[np.void]) -> None:
    for lod, width_s in ((0, 1), (1, 5), (4, 60)):
        row = hit.visible_rows(scene_with(scene, lod=lod))[-3]
        chart = scene_with(scene, lod=lod, hover_id=int(row["id"]))
        x = float(chart.price_view.bubble_xs(np.array([row["id"]]), chart.reader.widths_ns[lod])[0])
        lines = lines_of(bubble.describe(spot(chart, x, 100.0), (lod, int(row["id"]))))
        assert lines["Date"] == words.day(int(row["ts_event"]))
        assert lines["Bucket"] == {1: "1 s", 5: "5 s", 60: "1 min"}[width_s]
        assert lines["Imbalance"].endswith(f"{100 * threshold_at(0.15, width_s * SECOND_NS):.2g} %")
        here = trades[trades["ts_event"] // (width_s * SECOND_NS) == row["id"]]
        assert lines["Buy"] == words.number(int(here["size"][here["side"] == Side.BUY].sum()))


@pytest.fixture
def pilot() -> Iterator[HeadlessPilot]:
    found = HeadlessPilot("NQZ5", "ESZ5", size=(1280, 720), bubbles=300)
    found.frames(40)
    yield found
    found.close()


def place_of_bubble(pilot: HeadlessPilot, back: int = 12) -> tuple[float, float]:
    scene = pilot.charts[0].scene
    assert scene is not None
    row = hit.visible_rows(scene)[-back]
    x = float(scene.price_view.bubble_xs(np.array([row["id"]]), scene.reader.widths_ns[scene.lod])[0])
    return round(x), round(scene.price_view.screen_y(int(row["price"]) / TICK))


def test_a_bubble_that_drifts_under_a_resting_mouse_opens_no_tooltip(pilot: HeadlessPilot) -> None:
    x, y = place_of_bubble(pilot)
    state, time = pilot.state.charts[0], pilot.state.time
    # No bubble is under the mouse; then the chart moves under it.
    pilot.move((x + 60.0, y + 55.0))
    before = state.pointed
    assert before is None or before.kind != BUBBLE
    scene = pilot.charts[0].scene
    assert scene is not None
    state.price.pan(55.0)
    time.pan(60.0, pilot.frame.event_ns)
    pilot.frames(3)
    scene = pilot.charts[0].scene
    assert scene is not None
    assert scene.crosshair_px is not None
    assert hit.bubble_at(scene, *scene.crosshair_px) is not None
    assert scene.hover_id is None
    pilot.move((x + 61.0, y + 55.0))
    assert pilot.charts[0].scene is not None
    assert pilot.charts[0].scene.hover_id is not None


def test_a_tooltip_closes_once_its_bubble_has_moved_away(pilot: HeadlessPilot) -> None:
    pilot.move(place_of_bubble(pilot))
    assert pilot.charts[0].scene is not None
    hovered = pilot.charts[0].scene.hover_id
    assert hovered is not None
    pilot.state.time.pan(15.0, pilot.frame.event_ns)
    pilot.frames(2)
    assert pilot.charts[0].scene.hover_id == hovered
    pilot.state.time.pan(80.0, pilot.frame.event_ns)
    pilot.frames(2)
    assert pilot.charts[0].scene.hover_id is None


def test_the_crosshair_shows_the_same_time_and_each_charts_own_price(pilot: HeadlessPilot) -> None:
    x, y = place_of_bubble(pilot, back=20)
    pilot.move((x + 3.0, y + 20.0))
    first, second = (chart.scene for chart in pilot.charts)
    assert first is not None
    assert second is not None
    assert first.crosshair_px == (x + 3.0, y + 20.0)
    assert second.crosshair_px is not None
    at_ns = first.price_view.time_at(first.crosshair_px[0])
    assert abs(second.price_view.time_at(second.crosshair_px[0]) - at_ns) <= second.price_view.ns_per_px
    rows = hit.visible_rows(second)
    last = rows[rows["id"] <= at_ns // second.reader.widths_ns[second.lod]][-1]
    assert second.price_view.y_at(second.crosshair_px[1]) * TICK == pytest.approx(int(last["close"]), abs=TICK / 100)
    pilot.move((x, 5.0))
    assert all(chart.scene is not None and chart.scene.crosshair_px is None for chart in pilot.charts)


def test_the_card_of_a_pinned_bubble_never_covers_it(pilot: HeadlessPilot) -> None:
    pilot.state.select(1, 2)
    pilot.frames(3)
    pilot.click(place_of_bubble(pilot))
    own = pilot.state.charts[0]
    assert own.pinned_id is not None
    pilot.move((30.0, 300.0))
    moved = 0
    for _ in range(30):
        before = own.card_px
        pilot.state.time.pan(40.0, pilot.frame.event_ns)
        pilot.frames(4)
        scene = pilot.charts[0].scene
        assert scene is not None
        assert own.card_px is not None
        row = hit.row_of(scene.reader, own.pinned_lod, own.pinned_id)
        assert row is not None
        x = float(scene.price_view.bubble_xs(np.array([row["id"]]), scene.reader.widths_ns[own.pinned_lod])[0])
        y = scene.price_view.screen_y(int(row["price"]) / TICK)
        assert not Rect(*own.card_px, 196.0, 280.0).contains(x, y)
        moved += before != own.card_px
    assert moved <= 3


def test_a_pinned_bubble_has_no_tooltip_as_well(pilot: HeadlessPilot, monkeypatch: pytest.MonkeyPatch) -> None:
    described: list[Pointed] = []
    monkeypatch.setattr(
        window, "describe", lambda spot, pointed: described.append(pointed) or table.describe(spot, pointed)
    )
    place = place_of_bubble(pilot, back=20)
    pilot.move(place)
    pilot.frames(3)
    own = pilot.state.charts[0]
    assert [one for one in described if one.kind == BUBBLE]
    pilot.click(place)
    assert own.pointed is not None
    assert own.pointed.key == (own.pinned_lod, own.pinned_id)
    described.clear()
    pilot.frames(30)
    assert not [one for one in described if one.kind == BUBBLE]


@pytest.mark.parametrize("corner", ["upper right", "lower right", "upper left", "lower left", "middle"])
def test_a_card_is_placed_in_a_corner_away_from_the_disc(scene: Scene, corner: str) -> None:
    pane = scene.price_view.rect
    x = pane.right - 320 if "right" in corner else pane.x + 60 if "left" in corner else pane.x + 700
    y = pane.y + 60 if "upper" in corner else pane.bottom - 100 if "lower" in corner else pane.y + 400
    disc = Rect(x, y, 60, 60)
    place = Rect(*place_beside(scene, disc, (220.0, 300.0), before=None), 220.0, 300.0)
    assert place.x >= disc.right or disc.x >= place.right or place.y >= disc.bottom or disc.y >= place.bottom
    assert place.x >= pane.x
    assert place.right <= pane.right
    assert place.y >= pane.y
    assert place.bottom <= pane.bottom


def test_levels_and_profile_of_a_finished_session_have_tooltips_within_that_session() -> None:
    chart = make_scene(make_week(), 1280, 720, span_s=4.4 * 86_400, lod=6, folding="closed")
    view, told_of = chart.price_view, 0
    for session, left, right in sessions_in_view(chart):
        poc = int(session.levels["poc"])
        y = view.screen_y(poc / TICK)
        found = level.find(spot(chart, left + 20.0, y))
        assert isinstance(found, tuple)
        tip = level.describe(spot(chart, left + 20.0, y), found)
        assert lines_of(tip)["Value"] == words.price(poc, TICK)
        assert lines_of(tip)["Since"].startswith(words.since(int(session.numbers["open_ts"]), chart.now_ns))
        row = profile_row.find(spot(chart, right - 2.0, y))
        lines = lines_of(profile_row.describe(spot(chart, right - 2.0, y), row))
        held = [session.levels[side][: int(session.levels["count"])] for side in ("buy", "sell", "unsided")]
        most = int(np.sum(held, axis=0).max())
        assert int(lines["Total"].replace(",", "")) >= most, "the row of the POC, or of several ticks with it"
        told_of += 1
    assert told_of >= 4


@pytest.mark.parametrize(
    ("x", "pane", "window", "is_right"),
    [
        (300.0, (0.0, 1000.0), 1100.0, True),
        (800.0, (0.0, 1000.0), 1100.0, False),
        (60.0, (0.0, 200.0), 250.0, True),
        (140.0, (0.0, 200.0), 250.0, False),
        (140.0, (0.0, 200.0), 650.0, True),
        (450.0, (325.0, 525.0), 650.0, False),
    ],
)
def test_a_tooltip_covers_the_price_axis_only_where_it_would_be_cut_otherwise(
    x: float, pane: tuple[float, float], window: float, is_right: bool
) -> None:
    assert is_at_right(x, 256.0, pane, window) is is_right
