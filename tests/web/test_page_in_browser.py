"""The page in a real browser: what it draws beside what the program draws, and how it holds its connection."""

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from flow_gl.core.palette import PALETTES
from flow_gl.core.schema import GapKind
from flow_gl.core.units import SECOND_NS
from flow_gl.gl.capture import write_png
from flow_gl.gl.resources import SharedResources
from flow_gl.gl.surface.context import HeadlessContext
from flow_gl.gl.view import Rect, View
from flow_gl.layers.base import SHOWN_AT_FIRST, Scene, Style
from flow_gl.layers.stack import ChartStack
from flow_gl.server.security import token_file
from flow_gl.store.market import MarketStore
from flow_gl.ui.state.timeline import TimelineReader
from flow_gl.view.frame_scheduler import FrameScheduler
from tests.kit.browser import Browser
from tests.kit.events import plant_one_of_each, with_marks
from tests.kit.gl_context import draw
from tests.kit.levels import plant_levels, plant_lines, with_lines
from tests.kit.markets import Market, cvd_of, make_market, make_scene, make_seconds, make_week
from tests.kit.page_server import PageServer

OUT = Path(__file__).parents[2] / "out" / "web"
Picture = NDArray[np.uint8]
MAX_MEAN = 2.0
"""Most that page and program differ on average, of 255."""
VISIBLE = 24
"""A pixel that differs by more is seen."""
PAGE_LAYERS = SHOWN_AT_FIRST
"""What both have and show at first."""


def open_page(browser: Browser, server: PageServer, *, rows: int = 1) -> None:
    """Open the page and wait until it shows at least so many rows."""
    browser.open(server.url)
    browser.until(f"app && app.scene && app.lod.bubbles.count >= {rows} && app.market.profile?.row.length > 0")


def settle(browser: Browser) -> None:
    """Draw until the axes rest."""
    browser.until("!app.isAwake && app.level === app.market.lods.indexOf(app.lod)")
    time.sleep(0.4)
    browser.app("new Promise((done) => { app.wake(); requestAnimationFrame(() => requestAnimationFrame(done)); })")


def page_picture(browser: Browser) -> Picture:
    """The chart without the header, which is HTML on the page."""
    height = browser.app("app.scene.size.height")
    return browser.picture()[-height:]


def same_scene(browser: Browser, market: Market, style: Style, *, folding: str = "none") -> Scene:
    """The program's scene of what the page shows: the same panes, times and values, the same store."""
    found = browser.app(
        "(({ price, cvd, profileRect, liveX, priceAxis, timeAxis, isLive, size, now }) => ({"
        " price: { ...price, folded: 0 }, cvd: { ...cvd, folded: 0 }, profileRect, liveX, priceAxis, timeAxis, isLive,"
        " size, now, lod: app.market.lods.indexOf(app.lod) }))(app.scene)"
    )
    width, height = found["size"]["width"], found["size"]["height"]
    scene = make_scene(market, width, height, lod=found["lod"], style=style)
    timeline = TimelineReader().read(market.reader, folding, now_ns=int(found["now"]), scale=1.0)  # type: ignore[arg-type]

    def view(of: dict[str, Any]) -> View:
        folded = timeline.folds.at(of["nsPerPx"])
        return View(Rect(**of["rect"]), int(of["right"]), of["nsPerPx"], of["top"], of["perPx"], 1.0, folded)

    return replace(
        scene,
        price_view=view(found["price"]),
        cvd_view=view(found["cvd"]),
        profile_rect=Rect(**found["profileRect"]),
        live_x_px=found["liveX"],
        price_axis_px=found["priceAxis"],
        time_axis_px=found["timeAxis"],
        is_live=found["isLive"],
    )


def program_picture(context: HeadlessContext, resources: SharedResources, scene: Scene) -> Picture:
    context.target.resize(*scene.screen_px)
    stack = ChartStack(resources, FrameScheduler())
    stack.setup()
    picture = draw(stack, scene)
    stack.release()
    return picture


def compare(page: Picture, program: Picture, *, most_visible: float) -> None:
    """Both pictures are the same to a mean of 2, and few pixels differ visibly: the edges of text and of discs."""
    difference = np.abs(page.astype(int) - program.astype(int))
    seen, mean = float((difference.max(axis=2) > VISIBLE).mean()), float(difference.mean())
    if is_same := mean <= MAX_MEAN and seen <= most_visible:
        return
    for name, picture in (("page", page), ("program", program), ("difference", np.minimum(4 * difference, 255))):
        write_png(OUT / f"{name}.png", picture.astype(np.uint8))
    said = f"mean difference {mean:.2f}, {100 * seen:.2f} % of the pixels differ by more than {VISIBLE}; see {OUT}"
    assert is_same, said


@pytest.mark.parametrize("look", ["dark", "light", "colour-blind"])
def test_the_picture_is_the_programs(
    browser: Browser, served: Any, context: HeadlessContext, resources: SharedResources, look: str
) -> None:
    market = make_market(400, seed=3, gap=(256, 278, GapKind.FEED), crosses=[(300, 1), (380, -1)])
    plant_one_of_each(market, at=355)
    plant_levels(market, naked=(-9, 5))
    plant_lines(market)
    open_page(browser, served(market))
    browser.until("app.market.events.length === 7 && app.market.minutes.count === 7")
    has_candles = look == "light"
    browser.app(
        f"(app.paletteName !== '{look}' && app.nextPalette(), app.paletteName !== '{look}' && app.nextPalette())"
    )
    browser.app(f"(app.hasCandles = {'true' if has_candles else 'false'}, app.wake())")
    settle(browser)
    style = Style(palette=PALETTES[look], has_cvd_candles=has_candles, is_visible=PAGE_LAYERS)
    scene = with_lines(with_marks(same_scene(browser, market, style)))
    assert len({mark.kind for mark in scene.marks.shown}) == 4
    page, program = page_picture(browser), program_picture(context, resources, scene)
    compare(page, program, most_visible=0.01)
    # The rule notices if a layer is missing.
    for missing in ("bubbles", "levels", "profile", "cvd") if look == "dark" else ():
        fewer = replace(style, is_visible=PAGE_LAYERS - {missing})
        with pytest.raises(AssertionError):
            compare(page, program_picture(context, resources, replace(scene, style=fewer)), most_visible=0.01)


def test_a_week_with_folded_nights_is_the_programs(
    browser: Browser, served: Any, context: HeadlessContext, resources: SharedResources
) -> None:
    market = make_week()
    open_page(browser, served(market))
    browser.resize(1280, 720)
    browser.app("(app.time.zoom(3000, 0.92 * app.time.width, app.now, app.timeline), app.wake())")
    browser.until("app.level >= 5 && app.lod === app.market.lods[app.level] && app.market.finished.length === 4")
    settle(browser)
    scene = same_scene(browser, market, Style(is_visible=PAGE_LAYERS), folding="closed")
    assert scene.price_view.folded.starts, "nights are folded"
    compare(page_picture(browser), program_picture(context, resources, scene), most_visible=0.02)


def test_every_row_arrives_exactly(browser: Browser, served: Any) -> None:
    market = make_market(5000, seed=4)
    open_page(browser, served(market), rows=len(market.rows) - 1)
    reader = market.reader
    _, rows = market.store.bubbles[0].read(0, reader.heads[0])
    _, points = market.store.cvd[0].read(0, reader.heads[0])
    names = {"id": "id", "price": "price", "open": "open", "high": "high", "low": "low", "close": "close"}
    names |= {"buy": "buy", "sell": "sell", "unsided": "unsided", "trades": "trade_count"}
    part = "(({{ {of}: c }}) => Array.from(c.{name}.subarray(c.index(c.start), c.index(c.stop))))(app.market.lods[0])"
    for name, field in names.items():
        assert browser.app(part.format(of="bubbles", name=name)) == rows[field].tolist(), name
    for name in ("id", "open", "high", "low", "close"):
        assert browser.app(part.format(of="cvd", name=name)) == points[name].tolist(), name
    opened = reader.open_bubble(0)
    assert opened is not None
    assert browser.app("app.market.lods[0].openRow.price") == int(opened["price"])


def test_after_a_restart_of_the_server_nothing_is_missing_and_nothing_is_twice(browser: Browser, served: Any) -> None:
    market = make_market(600, seed=5, is_published=False)
    market.advance(300)
    server = served(market, now_ns=market.now_ns)
    open_page(browser, server, rows=250)
    ids = "(({ bubbles: c }) => Array.from(c.id.subarray(c.index(c.start), c.index(c.stop))))(app.market.lods[0])"
    before = browser.app(ids)
    server.stop()
    browser.until("!app.scene.isLive")
    said = browser.evaluate("document.getElementById('state').textContent")
    assert said.startswith("NO CONNECTION")
    market.advance(120)
    server.set_status(anchor_event=market.now_ns)
    server.start()
    browser.until("app.connection.state === 'open' && app.scene.isLive")
    browser.until(f"app.market.lods[0].bubbles.stop === {market.reader.heads[0]}")
    after = browser.app(ids)
    assert len(after) > len(before)
    _, rows = market.store.bubbles[0].read(0, market.reader.heads[0])
    assert after == rows["id"].tolist()
    # It resumed: what it had was not sent again.
    assert browser.app("app.market.lods[0].version") == 1


def test_another_run_of_the_engine_replaces_everything(browser: Browser, served: Any) -> None:
    first = served(make_market(300, seed=5))
    open_page(browser, first)
    first.stop()
    other = make_market(200, seed=6)
    second = PageServer(other.store, now_ns=other.now_ns, epoch=2000)
    second.port = first.port
    second.start()
    try:
        closed = other.reader.heads[0]
        browser.until(
            f"app.market?.epoch === 2000 && app.lod.bubbles.count === {closed} && app.scene.market === app.market"
        )
        assert browser.app("app.market.session.cvd") == int(other.reader.session["cvd"])
    finally:
        second.stop()
    first.start()


def test_the_chart_comes_back_after_the_graphics_driver_was_lost(browser: Browser, served: Any) -> None:
    open_page(browser, served(make_market(200, seed=3)))
    settle(browser)
    browser.app("(app.price.isAuto = false, app.cvd.isAuto = false)")  # an automatic scale may rest elsewhere next time
    settle(browser)
    before = page_picture(browser)
    browser.evaluate(
        "import('/main.js').then(({ app }) => { window.lost = app.chart.gl.getExtension('WEBGL_lose_context');"
        " window.lost.loseContext(); })"
    )
    browser.until("app.chart === null")
    browser.evaluate("window.lost.restoreContext()")
    browser.until("app.chart !== null")
    settle(browser)
    assert np.abs(page_picture(browser).astype(int) - before.astype(int)).mean() < 0.1


def test_a_wrong_token_is_reported_and_the_right_one_is_kept_for_this_tab_only(
    browser: Browser, served: Any, tmp_path: Path
) -> None:
    path = tmp_path / "tokens.json"
    right = token_file.create(path, name="desk", scopes=("read",), wall_ns=time.time_ns())
    server = served(make_market(200, seed=3), tokens=path)
    browser.open(server.url)
    browser.until("app.connection.state === 'refused'")

    def enter(token: str) -> None:
        browser.evaluate(f"document.getElementById('token').value = '{token}'")
        browser.evaluate("document.querySelector('#sign-in button').click()")

    assert browser.evaluate("!document.getElementById('sign-in').hidden")
    enter("flowgltoken_wrong")
    browser.until("app.connection.state === 'refused' && app.connection.reason !== ''")
    reason = browser.evaluate("document.getElementById('sign-in-reason').textContent")
    assert "refused" in reason
    assert "unknown, revoked or expired" in reason
    enter(right)
    browser.until("app.market?.hasTrades")
    assert browser.evaluate("document.getElementById('sign-in').hidden")
    assert browser.evaluate("Object.values(sessionStorage)") == [right]
    assert right not in browser.evaluate("location.href + JSON.stringify(localStorage) + document.cookie")
    browser.open(server.url)
    browser.until("app.market?.hasTrades")


def make_many(count: int) -> Market:
    """Closed bubbles at the base level alone."""
    store = MarketStore.local(base_capacity=1 << 18)
    market = make_market(200, seed=3)
    rows, _ = make_seconds(int(count * 1.1), seed=6)
    rows = rows[:count]
    store.bubbles[0].append(rows)
    store.cvd[0].append(cvd_of(rows))
    for name in ("profile", "session", "instrument"):
        record = np.zeros(1, getattr(market.store, name).dtype)
        getattr(market.store, name).read(record)
        if name == "session":
            record["last_price"], record["cvd"] = rows["close"][-1], int((rows["buy"] - rows["sell"]).sum())
            record["reference"] = 4000  # small discs: software fills large ones slowly
        getattr(store, name).write(record)
    made = Market(store, rows[:1], cvd_of(rows[:1]))
    made.rows, made.points, made.published = rows, cvd_of(rows), count
    made.reader.refresh()
    return made


def test_a_hundred_thousand_bubbles_in_view_are_the_programs(
    browser: Browser, served: Any, context: HeadlessContext, resources: SharedResources
) -> None:
    market = make_many(100_000)
    open_page(browser, served(market), rows=100_000)
    browser.app("(app.visible.delete('cvd'), app.visible.delete('price'), app.visible.delete('levels'))")
    browser.app("app.toggleLock()")
    browser.resize(480, 360)
    browser.app("(app.time.zoom(9000, 0.92 * app.time.width, app.now, app.timeline), app.wake())")
    browser.until("app.chart.series[app.chart.current].stop - app.chart.series[app.chart.current].first >= 100000")
    settle(browser)
    style = Style(is_visible=PAGE_LAYERS - {"cvd", "price", "levels"})
    scene = same_scene(browser, market, style)
    compare(page_picture(browser), program_picture(context, resources, scene), most_visible=0.01)


def test_a_frozen_picture_looks_frozen(browser: Browser, served: Any) -> None:
    market = make_market(200, seed=3)
    server = served(market)
    open_page(browser, server)
    settle(browser)
    live = page_picture(browser)
    server.is_beating = False
    browser.until("!app.scene.isLive")
    settle(browser)
    frozen = page_picture(browser)
    said = browser.evaluate("document.getElementById('state').textContent")
    assert said.startswith("ENGINE NOT RESPONDING")
    assert said.split()[-1] == "s"
    ground = tuple(int(one) for one in live[5, 100]), tuple(int(one) for one in frozen[20, 100])
    assert ground[0] != ground[1], "the ground is dimmed"
    assert frozen[2, :200].max() > 100, "there is a hatched frame"


def test_keys_do_what_they_do_in_the_program(browser: Browser, served: Any) -> None:
    other = make_market(200, seed=8)
    record = np.zeros(1, other.store.instrument.dtype)
    other.store.instrument.read(record)
    record["symbol"], record["requested"] = b"ESZ5", b"ES.v.0"
    other.store.instrument.write(record)
    open_page(browser, served(make_market(400, seed=3), other))
    scale = browser.app("app.time.nsPerPx")
    browser.press("+")
    assert browser.app("app.time.nsPerPx") == pytest.approx(scale / 1.25)
    browser.press("ArrowLeft")
    assert browser.app("app.time.isLive") is False
    browser.press("f")
    assert browser.app("app.time.isLive") is True
    for key, state in (("k", "app.hasCandles"), (" ", "app.pause !== null"), ("l", "app.lockedLod !== null")):
        before = browser.app(state)
        browser.press(key)
        assert browser.app(state) is not before, key
        browser.press(key)
        assert browser.app(state) is before, key
    browser.press("t")
    assert browser.app("app.paletteName") == "light"
    browser.press("2")
    browser.until("app.symbol === 'ES.v.0' && app.market.hasTrades")
    assert browser.evaluate("document.getElementById('contract').textContent") == "ESZ5"


def test_mouse_and_wheel_move_the_chart_and_the_bubble_under_the_mouse_is_described(
    browser: Browser, served: Any
) -> None:
    market = make_market(400, seed=3)
    open_page(browser, served(market))
    settle(browser)
    scale = browser.app("app.time.nsPerPx")
    browser.mouse("mouseWheel", 300, 300, deltaX=0, deltaY=-100)
    browser.until(f"app.time.nsPerPx < {scale}")
    browser.app("(app.time.reset(), app.wake())")
    settle(browser)
    x, y, volume = browser.app(
        "(({ price, lod, market }) => { const c = lod.bubbles; const i = c.index(c.stop) - 5; return ["
        " price.bubbleX(c.id[i], lod.widthNs), price.y(c.price[i] / market.tickSize), c.buy[i]]; })(app.scene)"
    )
    browser.mouse("mouseMoved", x, y + 40)
    browser.until("app.scene.hovered !== null")
    told = browser.evaluate("document.getElementById('tip').innerText")
    assert f"Buy\t{volume}" in told
    browser.drag((300, 300), (420, 300))
    browser.until("!app.time.isLive")
    assert browser.evaluate("!document.getElementById('live').hidden")


def test_a_phone_shows_the_chart_and_is_moved_by_fingers(browser: Browser, served: Any) -> None:
    browser.resize(390, 844, scale=2.0, is_phone=True)
    open_page(browser, served(make_market(400, seed=3)))
    settle(browser)
    assert browser.picture().shape == (1688, 780, 3)
    assert browser.app("[app.scale, app.canvas.width]") == [2, 780]
    wide = "document.documentElement.scrollWidth"
    assert browser.evaluate(wide) == 390, "nothing is wider than the screen"
    scale = browser.app("app.time.nsPerPx")
    browser.touch("touchStart", (150, 300), (200, 300))
    browser.touch("touchMove", (100, 300), (260, 300))
    browser.touch("touchEnd")
    browser.until(f"app.time.nsPerPx < {scale / 2}")
    browser.touch("touchStart", (150, 300))
    browser.touch("touchMove", (190, 302))
    browser.touch("touchMove", (260, 302))
    browser.touch("touchEnd")
    browser.until("!app.time.isLive")
    browser.evaluate("document.getElementById('live').click()")
    browser.until("app.time.isLive")


def test_a_chart_without_trades_shows_what_it_waits_for(browser: Browser, served: Any) -> None:
    market = make_market(10, is_published=False)
    browser.open(served(market, now_ns=1_764_340_200 * SECOND_NS).url)
    browser.until("app.connection.state === 'open' && app.feed.status")
    browser.until("document.getElementById('notice').textContent === 'waiting for the first trade of NQ.v.0'")
    assert not browser.evaluate("document.getElementById('notice').hidden")
