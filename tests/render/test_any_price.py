"""For any prices, sizes and times that the engine accepts, pixels are in the right place at every level of detail.

The oracle uses Python's integers and knows only where a price is on the screen, nothing about rows on the GPU. Each
property is checked with the pixels of one colour.
"""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from flow_gl.core.market.limits import MAX_PRICE, MAX_TICK
from flow_gl.core.market.lod import widths_ns
from flow_gl.core.palette import DARK
from flow_gl.core.schema import BUBBLE, INSTRUMENT, PROFILE
from flow_gl.core.units import SECOND_NS
from flow_gl.gl.resources import SharedResources
from flow_gl.gl.view import Rect, View
from flow_gl.layers.base import Scene, Style
from flow_gl.layers.stack import ChartStack
from flow_gl.store.market import MarketReader, MarketStore
from flow_gl.view.frame_scheduler import FrameScheduler
from tests.kit.gl_context import HEIGHT, WIDTH, draw
from tests.kit.markets import cvd_of

TICK_SIZES = (1, 500, 3_906_250, 10_000_000, 250_000_000, 1_000_000_000, 7_000_000_007)
PANE = Rect(0, 0, 530, 260)
CVD_PANE = Rect(0, 260, 530, 76)
SPACING_PX = 48
COUNT = 8


class Fixed:
    """Make a store with rows at one lod, as the engine would publish them."""

    def __init__(self, rows: NDArray[np.void], lod: int, tick_size: int) -> None:
        self.store = MarketStore.local(base_capacity=64)
        instrument = np.zeros(1, INSTRUMENT)
        instrument["tick_size"], instrument["bucket_ns"] = tick_size, SECOND_NS
        self.store.instrument.write(instrument)
        self.store.bubbles[lod].append(rows)
        self.store.cvd[lod].append(cvd_of(rows))
        self.reader = MarketReader(self.store)
        self.reader.refresh()


@st.composite
def markets(draws: st.DrawFn) -> tuple[NDArray[np.void], int, int]:
    """Draw rows, their lod and the tick size: prices anywhere in the range, close together or not."""
    tick_size = draws(st.sampled_from(TICK_SIZES))
    most = min(MAX_TICK, MAX_PRICE // tick_size) - 1
    centre = draws(st.integers(-most, most))
    spread = draws(st.sampled_from([4, 1_000, 10**6, 2**28, 2**30]))
    low, high = max(-most, centre - spread), min(most, centre + spread)
    ticks = draws(st.lists(st.integers(low, high), min_size=COUNT, max_size=COUNT))
    sizes = draws(st.lists(st.sampled_from([1, 7, 40, 10**6, 2**32 - 1]), min_size=COUNT, max_size=COUNT))
    lod = draws(st.integers(0, len(widths_ns(SECOND_NS)) - 1))
    width = widths_ns(SECOND_NS)[lod]
    first = draws(st.sampled_from([1, 1_764_342_000, 4_102_444_800, 9_223_000_000])) * SECOND_NS // width
    rows = np.zeros(COUNT, BUBBLE)
    rows["id"] = first + np.arange(COUNT)
    rows["ts_event"] = rows["id"] * width
    for field in ("price", "open", "high", "low", "close"):
        rows[field] = np.array(ticks, np.int64) * tick_size
    side = np.array(draws(st.lists(st.booleans(), min_size=COUNT, max_size=COUNT)))
    rows["buy"], rows["sell"] = np.where(side, sizes, 0), np.where(side, 0, sizes)
    rows["trade_count"] = 1
    return rows, lod, tick_size


def scene_of(market: Fixed, lod: int, rows: NDArray[np.void], tick_size: int, shown: str) -> Scene:
    width_ns = market.reader.widths_ns[lod]
    ticks = [int(price) // tick_size for price in rows["price"]]
    span = max(max(ticks) - min(ticks), 20) * 1.3
    values = [0, *(int(value) for value in cvd_of(rows)["close"])]
    cvd_span = max(max(values) - min(values), 20) * 1.3
    ns_per_px = width_ns / SPACING_PX
    right = int((int(rows["id"][-1]) + 1) * width_ns + 60 * ns_per_px)
    middle, cvd_middle = (max(ticks) + min(ticks)) / 2, (max(values) + min(values)) / 2
    return Scene(
        reader=market.reader,
        price_view=View(PANE, right, ns_per_px, middle + span / 2, span / PANE.height),
        cvd_view=View(CVD_PANE, right, ns_per_px, cvd_middle + cvd_span / 2, cvd_span / CVD_PANE.height),
        profile_rect=Rect(450, 0, 80, PANE.height),
        lod=lod,
        style=Style(palette=DARK, is_visible=frozenset({shown}), radius_min_px=5.0, radius_max_px=5.0),
        now_ns=right,
        live_x_px=PANE.right,
        wall_s=100.0,
        screen_px=(WIDTH, HEIGHT),
    )


def ink(picture: NDArray[np.uint8], color: tuple[float, float, float]) -> NDArray[np.bool_]:
    """Return the pixels that are more of one colour: green or red."""
    rgb = picture.astype(int)
    ahead = 1 if color[1] > color[0] else 0
    return rgb[..., ahead] - rgb[..., 1 - ahead] > 25


@settings(max_examples=15)
@given(markets())
def test_bubbles_are_drawn_at_their_price(drawn: tuple[NDArray[np.void], int, int]) -> None:
    rows, lod, tick_size = drawn
    scene = scene_of(Fixed(rows, lod, tick_size), lod, rows, tick_size, "bubbles")
    picture = PICTURES.draw(scene)
    view, width_ns = scene.price_view, scene.reader.widths_ns[lod]
    expected = np.zeros((2, HEIGHT, WIDTH), bool)
    for row in rows:
        x = view.rect.right - (view.t_right_ns - (int(row["id"]) * width_ns + width_ns // 2)) / view.ns_per_px
        y = view.rect.y + (view.y_top - int(row["price"]) // tick_size) / view.y_per_px
        expected[0 if row["buy"] else 1, round(y - 0.5), round(x - 0.5)] = True
    for side, color in enumerate((DARK.buy, DARK.sell)):
        found = ink(picture, color)
        assert found[expected[side]].all()
        # Nothing else is coloured: every pixel is within a disc's radius of a centre.
        ys, xs = np.nonzero(found)
        centres = np.argwhere(expected[side])
        if len(ys):
            assert len(centres)
            distance = np.hypot(ys[:, None] - centres[:, 0], xs[:, None] - centres[:, 1]).min(axis=1)
            assert distance.max() <= 7.0


@settings(max_examples=15)
@given(markets())
def test_the_cvd_line_passes_through_its_values(drawn: tuple[NDArray[np.void], int, int]) -> None:
    rows, lod, tick_size = drawn
    scene = scene_of(Fixed(rows, lod, tick_size), lod, rows, tick_size, "cvd")
    picture = PICTURES.draw(scene)
    view, width_ns = scene.cvd_view, scene.reader.widths_ns[lod]
    for point in cvd_of(rows):
        value = int(point["close"])
        if value == 0:
            continue
        x = view.rect.right - (view.t_right_ns - (int(point["id"]) * width_ns + width_ns // 2)) / view.ns_per_px
        y = view.rect.y + (view.y_top - value) / view.y_per_px
        around = ink(picture, DARK.buy if value > 0 else DARK.sell)[
            round(y) - 2 : round(y) + 2, round(x) - 2 : round(x) + 2
        ]
        assert around.any()


@settings(max_examples=15)
@given(markets())
def test_profile_bars_are_drawn_at_their_prices(drawn: tuple[NDArray[np.void], int, int]) -> None:
    rows, lod, tick_size = drawn
    market = Fixed(rows, lod, tick_size)
    ticks = np.unique(rows["price"] // tick_size)
    if ticks[-1] - ticks[0] >= 2**22:
        ticks = ticks[ticks - ticks[0] < 2**22]
    record = np.zeros(1, PROFILE)
    record["base"], record["tick_size"], record["ticks_per_row"] = ticks[0] * tick_size, tick_size, 1
    record["count"], record["rows"] = len(ticks), ticks[-1] - ticks[0] + 1
    record["row"][0, : len(ticks)] = ticks - ticks[0]
    record["buy"][0, : len(ticks)] = 10
    market.store.profile.write(record)
    market.reader.refresh()
    scene = scene_of(market, lod, rows, tick_size, "profile")
    found = ink(PICTURES.draw(scene), DARK.buy)[:, 520]
    view = scene.price_view
    expected = [view.rect.y + (view.y_top - int(tick)) / view.y_per_px for tick in ticks]
    for y in expected:
        assert found[max(0, round(y) - 2) : round(y) + 3].any()
    reach = 0.5 / view.y_per_px + 4.0  # a bar of merged rows is up to 4 px high
    for y in np.flatnonzero(found):
        assert min(abs(y - place) for place in expected) <= reach


@settings(max_examples=15)
@given(markets(), st.integers(0, COUNT - 1))
def test_levels_are_drawn_at_their_prices(drawn: tuple[NDArray[np.void], int, int], which: int) -> None:
    rows, lod, tick_size = drawn
    market = Fixed(rows, lod, tick_size)
    price = int(rows["price"][which])
    record = np.zeros(1, PROFILE)
    record["poc"], record["vah"], record["val"] = price, 2**63 - 1, 2**63 - 1
    market.store.profile.write(record)
    market.reader.refresh()
    scene = scene_of(market, lod, rows, tick_size, "levels")
    picture = PICTURES.draw(scene).astype(int)
    # The attention colour is yellow: red and green far above blue.
    found = np.flatnonzero(
        (np.minimum(picture[..., 0], picture[..., 1]) - picture[..., 2] > 60)[: int(PANE.height), 300:420].any(axis=1)
    )
    view = scene.price_view
    y = view.rect.y + (view.y_top - price / tick_size) / view.y_per_px
    if price:
        assert found.tolist() == [round(y)]


def test_a_view_that_moves_far_away_is_drawn_from_another_base() -> None:
    rows = np.zeros(2, BUBBLE)
    rows["id"] = [100, 9_000_000_000]
    rows["ts_event"] = rows["id"] * SECOND_NS
    for field in ("price", "open", "high", "low", "close"):
        rows[field] = [10**9, 7 * 10**16]
    rows["buy"], rows["trade_count"] = 5, 1
    market = Fixed(rows, 0, 10_000_000)
    for at in (0, 1, 0):
        alone = rows[at : at + 1]
        scene = scene_of(market, 0, alone, 10_000_000, "bubbles")
        assert ink(PICTURES.draw(scene), DARK.buy).any()


class Pictures:
    """One chart for all examples, because it must notice a changed market by itself."""

    def __init__(self) -> None:
        self.stack: ChartStack | None = None

    def draw(self, scene: Scene) -> NDArray[np.uint8]:
        assert self.stack is not None
        return draw(self.stack, replace(scene))


PICTURES = Pictures()


@pytest.fixture(autouse=True)
def _chart(resources: SharedResources) -> object:
    PICTURES.stack = ChartStack(resources, FrameScheduler())
    PICTURES.stack.setup()
    yield PICTURES.stack
    PICTURES.stack.release()
    PICTURES.stack = None
