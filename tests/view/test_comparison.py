"""A user compares a chart with another symbol: by key, list, menu and mouse, and reads the values."""

from collections.abc import Iterator

import numpy as np
import pytest
from imgui_bundle import imgui

from flow_gl.core.comparison import MINUS, Comparison, value_text
from flow_gl.core.palette import MIN_CONTRAST, PALETTES, CustomColors, contrast, with_custom
from flow_gl.core.schema import GapKind
from flow_gl.core.units import SECOND_NS
from flow_gl.layers.base import Scene
from flow_gl.layers.comparison.layers import compare_color, places_of
from flow_gl.layers.comparison.points import compare_view, newest_value, points_in_view, shown_width_ns
from flow_gl.ui.overlays.hover import comparison as tip
from flow_gl.ui.overlays.hover.tip import spot_at
from flow_gl.ui.overlays.stack import is_list_open
from flow_gl.ui.workspaces.apply import apply, gather
from tests.kit.local_link import add_gap, name
from tests.kit.markets import make_market
from tests.kit.pilot import HeadlessPilot

TICK = 250_000_000


@pytest.fixture
def pilot() -> Iterator[HeadlessPilot]:
    found = HeadlessPilot("NQZ5", "ESZ5", "YMZ5", size=(1300, 900), bubbles=200)
    found.state.selected = 1
    found.frames(5)
    yield found
    found.close()


def choose(pilot: HeadlessPilot, letters: str, *keys: str) -> None:
    pilot.press("ctrl+d")
    pilot.until(lambda: imgui.get_io().want_text_input, "the list did not open")
    pilot.type_text(letters)
    pilot.press(*keys, "enter")
    pilot.until(lambda: not is_list_open(), "Enter did not close the list")
    pilot.frames(25)


def shown(pilot: HeadlessPilot) -> Scene:
    scene = pilot.charts[0].scene
    assert scene is not None
    return scene


def texts(pilot: HeadlessPilot) -> list[str]:
    return [box.text for box in pilot.loop.label_boxes()]


def last_prices(pilot: HeadlessPilot) -> tuple[int, int]:
    own, other = (int(market.session["last_price"]) for market in pilot.link.markets[:2])
    return own, other


def silence(pilot: HeadlessPilot) -> int:
    """Publish that ESZ5 is silent since its newest trade; return since when."""
    start = int(pilot.link.markets[1].session["last_ts"])
    add_gap(pilot.link.stores[1], GapKind.NO_TRADES, start, pilot.link.now_ns, is_open=True)
    return start


def test_a_key_and_some_letters_show_the_difference(pilot: HeadlessPilot) -> None:
    choose(pilot, "es")
    assert pilot.state.charts[0].comparison.rule == Comparison("ES.v.0")
    own, other = last_prices(pilot)
    value = value_text(own - other, 2)
    said = texts(pilot)
    assert f"NQZ5 {MINUS} ESZ5   {value}" in said
    assert value in said, "on a plate at the right edge"
    rect = shown(pilot).comparison
    assert rect is not None
    assert rect.rect.y == shown(pilot).price_view.rect.bottom
    assert rect.rect.bottom == shown(pilot).cvd_view.rect.y


def test_the_second_row_is_the_ratio_and_a_key_switches(pilot: HeadlessPilot) -> None:
    choose(pilot, "es", "down_arrow")
    own, other = last_prices(pilot)
    decimals = Comparison("ES.v.0", "ratio").decimals(TICK, TICK, other)
    assert f"NQZ5 / ESZ5   {own / other:.{decimals}f}" in texts(pilot)
    pilot.press("shift+d")
    pilot.frames(60)
    assert any(text.startswith(f"NQZ5 {MINUS} ESZ5   ") for text in texts(pilot))


def test_a_number_in_the_search_is_the_factor(pilot: HeadlessPilot) -> None:
    choose(pilot, "2.5 ym")
    assert pilot.state.charts[0].comparison.rule == Comparison("YM.v.0", "difference", 2_500)
    own, other = (int(pilot.link.markets[at].session["last_price"]) for at in (0, 2))
    exact = (own * 10 - other * 25) * 100
    assert f"NQZ5 {MINUS} 2.5 \u00d7 YMZ5   {value_text(exact // 1000, 3)}" in texts(pilot)


def test_the_list_offers_every_other_symbol_and_an_end(pilot: HeadlessPilot) -> None:
    choose(pilot, "es")
    choose(pilot, "", "page_down")
    assert pilot.state.charts[0].comparison.rule is None
    assert shown(pilot).comparison is None
    assert shown(pilot).price_view.rect.bottom == shown(pilot).cvd_view.rect.y


def test_a_symbol_alone_has_nothing_to_be_compared_with() -> None:
    alone = HeadlessPilot("NQZ5", size=(900, 600), bubbles=30)
    alone.frames(3)
    alone.press("ctrl+d")
    alone.press("enter")
    alone.frames(5)
    assert alone.state.charts[0].comparison.rule is None
    alone.press("escape")
    alone.frames(5)
    assert not is_list_open()
    alone.close()


def test_the_pane_has_a_menu_an_axis_and_a_border(pilot: HeadlessPilot) -> None:
    choose(pilot, "es")
    layout, comparison = pilot.charts[0].layout, pilot.state.charts[0].comparison
    axis, pane = layout.comparison_axis, layout.comparison
    pilot.scroll(3, (axis.x + 0.5 * axis.width, axis.y + 0.5 * axis.height))
    assert comparison.axis.fixed is not None
    narrow = comparison.axis.per_px
    pilot.press("ctrl+z")
    assert comparison.axis.fixed is None, "undo restores the automatic axis"
    pilot.press("ctrl+y")
    assert comparison.axis.fixed is not None
    pilot.press("v")
    pilot.frames(90)
    assert comparison.axis.fixed is None
    assert comparison.axis.per_px > 1.3 * narrow
    pilot.click((pane.x + 200.0, pane.y + 60.0), button=1)
    pilot.choose("Switch the comparison between difference and ratio")
    pilot.frames(10)
    assert comparison.rule == Comparison("ES.v.0", "ratio")
    pilot.drag((pane.x + 300.0, pane.y), (pane.x + 300.0, pane.y - 60.0))
    assert pilot.charts[0].layout.comparison.height == pytest.approx(pane.height + 60.0, abs=2.0)
    assert pilot.charts[0].layout.cvd == layout.cvd
    pilot.click((pane.x + 200.0, pane.y + 60.0), button=1)
    pilot.choose("End the comparison")
    pilot.frames(5)
    assert shown(pilot).comparison is None


def test_the_line_is_in_the_pane_and_follows_the_prices(pilot: HeadlessPilot) -> None:
    choose(pilot, "es")
    scene = shown(pilot)
    points, view = points_in_view(scene), compare_view(scene)
    xs, ys = places_of(scene)
    assert len(points.ids) > 20
    assert points.joined.all()
    assert ((view.rect.y <= ys) & (ys <= view.rect.bottom)).all()
    assert (np.diff(xs) > 0).all()
    end_ns = (points.ids + 1) * shown_width_ns(scene)
    for market, found in zip(pilot.link.filled[:2], (points.own, points.other), strict=True):
        newest = np.searchsorted(market.rows["ts_last"], end_ns) - 1
        assert found.tolist() == market.rows["close"][newest].tolist()
    values = view.y_top - (ys - view.rect.y) * view.y_per_px
    assert values == pytest.approx(points.own - points.other, abs=view.y_per_px)


def pilot_of_a_silence() -> HeadlessPilot:
    """Make a pilot in whose market ESZ5 has not traded for 70 s."""
    found = HeadlessPilot("NQZ5", "ESZ5", size=(1300, 900), bubbles=0)
    link = found.link
    link.filled = [make_market(200, seed=5 + n, is_published=False) for n in range(2)]
    link.stores[:], link.markets[:] = [one.store for one in link.filled], [one.reader for one in link.filled]
    for store, symbol in zip(link.stores, ("NQZ5", "ESZ5"), strict=True):
        name(store, symbol)
    link.filled[0].advance()
    link.filled[1].advance(len(link.filled[1].rows) - 70)
    link.now_ns = link.filled[0].now_ns
    found.time.advance(link.now_ns - found.time.wall_ns())
    link.set_status(anchor_wall=link.now_ns, anchor_event=link.now_ns, heartbeat=link.now_ns)
    link.generation += 1
    found.state.selected = 1
    found.frames(5)
    return found


def test_a_silence_of_the_other_symbol_breaks_the_line_and_is_reported() -> None:
    pilot = pilot_of_a_silence()
    choose(pilot, "es")
    assert shown(pilot).comparison is not None
    assert points_in_view(shown(pilot)).times[-1] == int(pilot.link.markets[0].session["last_ts"])
    assert not newest_value(shown(pilot)).reason, "until a silence is known, the price is carried forward"
    start = silence(pilot)
    pilot.frames(40)
    scene = shown(pilot)
    assert points_in_view(scene).times[-1] == start
    assert newest_value(scene).reason == "ESZ5 does not trade now"
    said = texts(pilot)
    assert f"NQZ5 {MINUS} ESZ5   no value: ESZ5 does not trade now" in said
    pane = compare_view(scene).rect
    beside = [
        box.text for box in pilot.loop.label_boxes() if box.rect.x > pane.right and pane.y < box.rect.y < pane.bottom
    ]
    assert len(beside) >= 2, "the axis still says what the line's heights are"
    view = compare_view(scene)
    spot = spot_at(scene, (view.screen_x(start + 30 * SECOND_NS), view.rect.y + 40.0), pilot.state)
    assert tip.find(spot) is None, "there is no value to tell"
    pilot.close()


def test_a_missing_symbol_is_reported_and_found_again(pilot: HeadlessPilot) -> None:
    pilot.state.charts[0].comparison.show(Comparison("CL.v.0"))
    pilot.frames(20)
    assert f"NQZ5 {MINUS} CL.v.0   no value: CL.v.0 is not in this feed" in texts(pilot)
    pilot.link.bring("CLZ5")
    pilot.link.generation += 1
    pilot.frames(40)
    assert not newest_value(shown(pilot)).reason


def test_the_mouse_reads_the_value_and_both_prices(pilot: HeadlessPilot) -> None:
    choose(pilot, "es")
    scene = shown(pilot)
    view, points = compare_view(scene), points_in_view(scene)
    at = len(points.ids) // 2
    x, y = (float(one[at]) for one in places_of(scene))
    pilot.move((x, y))
    pilot.frames(30)
    scene = shown(pilot)
    value = value_text(round(compare_view(scene).y_at(y)), 2)
    assert value in texts(pilot), "the crosshair names the value at its height"
    spot = spot_at(scene, (x, y), pilot.state)
    key = tip.find(spot)
    assert key is not None
    told = tip.describe(spot, key)
    assert told is not None
    assert told.title == f"NQZ5 {MINUS} ESZ5"
    lines = {label: text for label, text, _ in told.lines}
    shown_points = points_in_view(scene)
    index = int(np.searchsorted(shown_points.ids, key[1]))  # type: ignore[index]
    own, other = int(shown_points.own[index]), int(shown_points.other[index])
    assert lines["Difference"] == value_text(own - other, 2)
    assert lines["NQZ5"] == value_text(own, 2)
    assert lines["ESZ5"] == value_text(other, 2)
    assert view.rect == compare_view(scene).rect


def test_a_paused_picture_keeps_its_values(pilot: HeadlessPilot) -> None:
    choose(pilot, "es")
    pilot.press("space")
    pilot.frames(5)
    before, points = newest_value(shown(pilot)), points_in_view(shown(pilot))
    session = np.array([pilot.link.markets[1].session])
    session["last_price"] += 40 * TICK
    pilot.link.stores[1].session.write(session)
    silence(pilot)
    pilot.frames(60)
    assert newest_value(shown(pilot)) == before
    assert points_in_view(shown(pilot)).other.tolist() == points.other.tolist()


def test_each_level_of_detail_ends_with_the_same_value(pilot: HeadlessPilot) -> None:
    choose(pilot, "es")
    values = set()
    for lod in range(5):
        pilot.state.lock_to(lod)
        pilot.frames(30)
        points = points_in_view(shown(pilot))
        values.add((int(points.own[-1]), int(points.other[-1])))
        assert (newest_value(shown(pilot)).own, newest_value(shown(pilot)).other) in values
    assert len(values) == 1


def test_a_low_chart_leaves_the_pane_out() -> None:
    low = HeadlessPilot("NQZ5", "ESZ5", size=(900, 220), bubbles=30)
    low.state.charts[:] = []
    low.frames(3)
    low.state.charts[0].comparison.show(Comparison("ES.v.0"))
    low.frames(5)
    assert low.charts[0].scene is not None
    assert low.charts[0].scene.comparison is None
    low.close()


def test_a_workspace_keeps_it(pilot: HeadlessPilot) -> None:
    choose(pilot, "4 es")
    pilot.state.comparison_share = 0.3
    kept = gather(pilot.state, plot_width_px=900.0, symbols=["NQ.v.0", "ES.v.0", "YM.v.0"])
    pilot.state.charts[0].comparison.show(None)
    pilot.state.comparison_share = 0.2
    apply(pilot.state, kept, plot_width_px=900.0)
    pilot.frames(5)
    assert pilot.state.charts[0].comparison.rule == Comparison("ES.v.0", "difference", 4_000)
    assert pilot.state.charts[1].comparison.rule is None
    assert pilot.state.comparison_share == 0.3


@pytest.mark.parametrize("palette", PALETTES.values(), ids=list(PALETTES))
@pytest.mark.parametrize("ground", ["", "#000000", "#ffffff", "#3a2f12"])
def test_its_colour_is_legible(palette, ground: str) -> None:
    mine = with_custom(palette, CustomColors(background=ground))
    found = compare_color(mine)
    best = max(contrast(mine.text, mine.ground), 1.0)
    assert contrast(found, mine.ground) >= min(MIN_CONTRAST, best)
    assert found not in (mine.buy, mine.sell, mine.information, mine.attention)
