"""Prepares one chart of a frame: `ChartAxes` updates its state, `build` returns its `Scene`.

`look` reads what is folded, to which the time axis of all charts is then fitted. `advance` chooses the level of detail
and lets the automatic axes follow the visible data. `build` turns the view's state and the store's copies into a
`Scene` without side effects: the same state always gives the same scene. The work is bounded by the width of the
screen, because ranges come from binary searches over the rings, not from a scan of the history.
"""

from dataclasses import replace
from typing import Final

from flow_gl.core.cached import Cached
from flow_gl.core.drawings import drawing_key
from flow_gl.core.frozen import frozen
from flow_gl.core.jobs import Job
from flow_gl.gl.view import Rect, View
from flow_gl.layers.base import Scene
from flow_gl.layers.detail import MIN_SPACING_PX, lod_for
from flow_gl.layers.discs import radius_range
from flow_gl.layers.drawings.book import ShapeBook
from flow_gl.layers.drawings.shown import ShownShape
from flow_gl.layers.lines.book import ORDER_SIZES
from flow_gl.layers.marks.book import MarkBook, Window
from flow_gl.layers.marks.mark import KIND_NAMES
from flow_gl.layers.ranges.book import RangeBook
from flow_gl.layers.ranges.range_profile import RangeProfile
from flow_gl.layers.rows import hit
from flow_gl.layers.rows.extent import PriceScale, price_scale
from flow_gl.layers.rows.packing import UNKNOWN_TICK_SIZE
from flow_gl.store.market import MarketReader
from flow_gl.ui import comparison_pane
from flow_gl.ui.overlays.frame import ChartFrame
from flow_gl.ui.state.axes import EDGE_SHARE
from flow_gl.ui.state.chart_state import ChartState
from flow_gl.ui.state.layout import ChartLayout
from flow_gl.ui.state.links import CrosshairLink
from flow_gl.ui.state.pointed import BUBBLE
from flow_gl.ui.state.price_links import Linked
from flow_gl.ui.state.timeline import TimelineReader
from flow_gl.ui.state.view_state import ViewState

MIN_TICKS: Final = 24.0
"""Minimum span of an automatic price axis, in ticks."""
_DISC_SHARE: Final = 0.7
"""The largest disc's radius times this is the least margin of an automatic price axis: a low pane cuts off no bubble
but the largest ones."""
LET_GO_PX: Final = 40.0
"""A bubble stays hovered under a mouse that rests while it is no farther from it than this, at content scale 1."""
MIN_CONTRACTS: Final = 20.0
"""Minimum span of an automatic CVD axis, in contracts."""
_ZERO_LEAVES: Final = 1.5
"""Zero leaves the CVD pane once it is this many times as far away as the range seen is high."""


@frozen
class Moment:
    """Times and sizes shared by all charts of a frame.

    Attributes
    ----------
    event_ns : event time at the live edge, as shown
    wall_ns : wall time
    steady_s : monotonic clock, seconds
    dt_s : seconds since the previous frame
    scale : content scale
    screen_px : framebuffer width and height
    """

    event_ns: int
    wall_ns: int
    steady_s: float
    dt_s: float
    scale: float
    screen_px: tuple[int, int]


class ChartAxes:
    """Updates one chart's level of detail and automatic axes in every frame.

    Parameters
    ----------
    job : decides when the visible range is searched again; in every frame the axes move towards it
    ranges_job : decides when what traded in the marked range and in view is read again
    drawings_job : decides when the numbers of drawings are read again
    """

    def __init__(self, job: Job, ranges_job: Job, drawings_job: Job) -> None:
        self._job: Final = job
        self._shapes: Final = ShapeBook(drawings_job)
        self._shown_shapes: Final[Cached[tuple[ShownShape, ...]]] = Cached()
        self._ranges: Final = RangeBook(ranges_job)
        self._timeline: Final = TimelineReader()
        self._marks: Final = MarkBook()
        self._searched: tuple[object, ...] = ()
        """The dependencies of the last search of the visible ranges."""
        self.axis_px: Final[Cached[float]] = Cached()
        """Width that the numbers at the chart's right axis need."""

    def look(self, market: MarketReader, state: ViewState, own: ChartState, moment: Moment) -> None:
        """Read what the time axis must know of the data: it is fitted after this and before `advance`."""
        own.timeline = self._timeline.read(
            market, state.folding, now_ns=moment.event_ns, scale=moment.scale, dt_s=moment.dt_s
        )

    def advance(
        self, market: MarketReader, layout: ChartLayout, state: ViewState, own: ChartState, moment: Moment
    ) -> None:
        """Choose the level of detail of this frame and move the automatic axes towards the visible range.

        Parameters
        ----------
        market : the instrument, refreshed for this frame (or unchanged, while paused)
        """
        own.drop_ended_references(market)
        own.lod = lod_for(
            state.time.ns_per_px,
            market.bucket_ns,
            current=own.lod,
            locked=state.locked_lod,
            min_spacing_px=MIN_SPACING_PX * moment.scale,
        )
        own.lines.refresh(market, state.filters.layers)
        seen_ns = state.time.ends_ns(moment.event_ns, layout.price.width, own.timeline)
        is_needed = own.price.per_px <= 0.0 or own.comparison.is_due
        if is_needed or self._job.may_run("time"):
            searched = self._dependencies(market, state, own, seen_ns)
            if is_needed or not searched or searched != self._searched:
                self._searched = searched
                _search(market, state, own, seen_ns, moment.scale)
        own.marked, own.in_view = self._read_ranges(market, state, own, seen_ns, moment.event_ns)
        cut = own.cleared_before_ns, _until_ns(state)
        window = Window(*seen_ns, state.time.ns_per_px, moment.scale, *cut, state.aggregation)
        own.marks = self._marks.select(market, window, KIND_NAMES & state.filters.layers)
        if own.shapes or state.drawings.has_shapes:
            own.shapes = self._read_shapes(market, state)
        if own.price_seen is not None:
            low, high = own.linked_seen or (own.price_seen.low, own.price_seen.high)
            room_px, height_px = _DISC_SHARE * radius_range(state.style(own), moment.scale)[1], layout.price.height
            own.price.fit(low, high, height_px=height_px, least_span=MIN_TICKS, dt_s=moment.dt_s, margin_px=room_px)
        if own.cvd_seen is not None:
            own.cvd.fit(*own.cvd_seen, height_px=layout.cvd.height, least_span=MIN_CONTRACTS, dt_s=moment.dt_s)
        comparison_pane.fit(own.comparison, layout.comparison.height, moment.dt_s)

    def _dependencies(
        self, market: MarketReader, state: ViewState, own: ChartState, seen_ns: tuple[int, int]
    ) -> tuple[object, ...]:
        """Return what the visible ranges depend on; () if that is too much to compare, as with a comparison."""
        if own.comparison.rule is not None:
            return ()
        ids = seen_ns[0] // market.bucket_ns, seen_ns[1] // market.bucket_ns
        cut, layers = (own.cleared_before_ns, _until_ns(state)), state.filters.layers
        lines = own.lines.sizes.version if ORDER_SIZES in layers else -1
        return (market, market.changes, own.lod, *ids, *cut, lines, state.filters.has_cvd_candles)

    def _read_shapes(self, market: MarketReader, state: ViewState) -> tuple[ShownShape, ...]:
        """Return the user's drawings with their numbers; the same object while nothing changes."""
        drawings = state.drawings
        held, selected = drawings.held_shape, drawings.selected
        shapes = drawings.shapes(drawing_key(market.symbol, market.requested))
        found = self._shapes.read(shapes, market, state.aggregation)
        chosen, moving = "" if selected is None else selected[2], "" if held is None else held.shape.id
        return self._shown_shapes.get(
            (shapes, found, chosen, moving),
            lambda: tuple(
                ShownShape(one, found.get(one.id), is_selected=one.id == chosen, is_held=one.id == moving)
                for one in shapes
            ),
        )

    def _read_ranges(
        self, market: MarketReader, state: ViewState, own: ChartState, seen_ns: tuple[int, int], now_ns: int
    ) -> tuple[RangeProfile | None, RangeProfile | None]:
        """Return what traded in the marked range, and in view if its profile is shown."""
        marked = None if state.marked is None else (state.marked.start_ns, state.marked.end_ns)
        seen = None
        if "view_profile" in state.filters.layers and "profile" in state.filters.layers:
            seen = _buckets_seen(market.widths_ns[own.lod], max(seen_ns[0], own.cleared_before_ns), seen_ns[1], now_ns)
        read, settings = self._ranges.read, state.aggregation
        return read("marked", market, marked, settings, is_urgent=True), read("in view", market, seen, settings)


def _buckets_seen(width_ns: int, left_ns: int, right_ns: int, now_ns: int) -> tuple[int, int]:
    """Return start and end (ns) of the buckets in view at the level of detail in force, `width_ns` wide."""
    start_ns = -(-(left_ns - width_ns // 2) // width_ns) * width_ns
    return start_ns, max(start_ns, (min(right_ns, now_ns) // width_ns + 1) * width_ns)


def _search(market: MarketReader, state: ViewState, own: ChartState, seen_ns: tuple[int, int], scale: float) -> None:
    """Find the visible ranges of price, CVD and comparison and store them in `own`.

    Parameters
    ----------
    seen_ns : times at the left and right border of the panes
    scale : content scale
    """
    clip = {"hidden_before_ns": own.cleared_before_ns, "until_ns": _until_ns(state)}
    own.price_seen = price_scale(market, own.lod, *seen_ns, **clip)
    has_candles = state.filters.has_cvd_candles
    cvd = hit.cvd_extent(market, own.lod, *seen_ns, has_candles=has_candles, **clip)
    if ORDER_SIZES in state.filters.layers and cvd is not None:
        cvd = own.lines.sizes.extent(seen_ns[0], min(seen_ns[1], clip["until_ns"]), cvd)
    own.cvd_seen = _with_zero(own, cvd)
    if own.comparison.rule is not None:
        comparison_pane.search(market, own, seen_ns, clip, ns_per_px=state.time.ns_per_px, scale=scale)
    if own.price_seen is None and market.session["trade_count"]:
        _show_last(market, own, min(seen_ns[1], clip["until_ns"]))


def _show_last(market: MarketReader, own: ChartState, until_ns: int) -> None:
    """Let the axes show the last price and CVD before a range in which nothing traded: in a halt, or after a clear."""
    last, cvd = hit.values_until(market, own.lod, until_ns) or (int(market.session["last_price"]), None)
    price = last / (market.tick_size or UNKNOWN_TICK_SIZE)
    own.price_seen = PriceScale(price, price)
    if cvd is not None:
        own.cvd_seen = _with_zero(own, (cvd, cvd))


def _with_zero(own: ChartState, seen: tuple[float, float] | None) -> tuple[float, float] | None:
    """Extend a range of CVD to zero where that leaves what is seen at least half of the pane.

    Once zero is in the pane, it leaves only when it is clearly farther, so that the axis does not swing.
    """
    if seen is None:
        return None
    low, high = seen
    far = max(low, -high, 0.0)
    own.is_zero_near = far <= (_ZERO_LEAVES if own.is_zero_near else 1.0) * max(high - low, MIN_CONTRACTS)
    return (min(low, 0.0), max(high, 0.0)) if own.is_zero_near else seen


def build(
    market: MarketReader,
    layout: ChartLayout,
    state: ViewState,
    own: ChartState,
    moment: Moment,
    *,
    is_live: bool,
    covered: tuple[Rect, ...] = (),
) -> Scene:
    """Return the scene of one chart, without side effects.

    Parameters
    ----------
    market : the instrument, as `ChartAxes.advance` saw it
    is_live : whether the chart follows a running market
    covered : where notices are drawn over the chart
    """
    time, pane, scale = state.time, layout.price, moment.scale
    right_ns = time.right_ns(moment.event_ns, pane.width, own.timeline)
    folded = own.timeline.folds.at(time.ns_per_px)
    behind_ns = folded.between(time.edge_ns(moment.event_ns), moment.event_ns)
    # Off-scale prices are marked only on an automatic scale: a fixed one is the user's choice.
    left_out = own.price_seen if own.price.is_auto else None
    scene = Scene(
        reader=market,
        price_view=View(
            rect=pane,
            t_right_ns=right_ns,
            ns_per_px=time.ns_per_px,
            y_top=own.price.top(pane.height),
            y_per_px=own.price.per_px or 1.0,
            scale=scale,
            folded=folded,
        ),
        cvd_view=View(
            rect=layout.cvd,
            t_right_ns=right_ns,
            ns_per_px=time.ns_per_px,
            y_top=own.cvd.top(layout.cvd.height),
            y_per_px=own.cvd.per_px or 1.0,
            scale=scale,
            folded=folded,
        ),
        profile_rect=layout.profile,
        lod=own.lod,
        style=state.style(own),
        now_ns=moment.event_ns,
        live_x_px=pane.x + EDGE_SHARE * pane.width + behind_ns / time.ns_per_px,
        wall_s=moment.steady_s,
        is_live=is_live,
        hidden_before_ns=own.cleared_before_ns,
        pinned_id=_pinned(market, own),
        until_ns=_until_ns(state),
        screen_px=moment.screen_px,
        below=left_out.below if left_out else None,
        above=left_out.above if left_out else None,
        crosshair_px=_own_crosshair(state, layout),
        cvd_reference=own.cvd_reference(market),
        marks=own.marks,
        lines=own.lines,
        custom_levels=state.drawings.shown(drawing_key(market.symbol, market.requested)),
        shapes=own.shapes,
        marked=own.marked,
        in_view=own.in_view,
        comparison=comparison_pane.frozen_part(own, layout),
        order_sizes=(state.aggregation.order_size_medium, state.aggregation.order_size_large),
        price_axis_px=layout.price_axis.width,
        time_axis_px=layout.time_axis.height,
        covered=covered,
    )
    hover_id = _hovered(scene, state, own)
    return scene if hover_id is None else replace(scene, hover_id=hover_id)


def _hovered(scene: Scene, state: ViewState, own: ChartState) -> int | None:
    """Return the id of the bubble that the mouse was moved to, while it is still near the mouse."""
    pointed, cursor = own.pointed, state.cursor_px
    if pointed is None or pointed.kind != BUBBLE or cursor is None:
        return None
    assert isinstance(pointed.key, tuple)
    lod, bubble_id = pointed.key
    reach_px = LET_GO_PX * scene.price_view.scale
    is_near = lod == scene.lod and hit.distance_px(scene, bubble_id, *cursor) <= reach_px
    return bubble_id if is_near else None


def linked(charts: list[ChartFrame], state: ViewState, moment: Moment) -> list[Linked]:
    """Return the charts of a frame as `price_links` needs them."""
    found = []
    for chart in charts:
        own, market = state.charts[chart.index], chart.market
        if own.link and market is not None and not chart.waiting:
            row = None
            if not state.time.is_live:
                edge_ns = state.time.edge_ns(moment.event_ns)
                row = hit.row_until(market, own.lod, edge_ns // market.widths_ns[own.lod])
            price = int(market.session["last_price"]) if row is None else int(row["close"])
            found.append(Linked(own, chart.layout.price.height, price / (market.tick_size or UNKNOWN_TICK_SIZE)))
    return found


def share_crosshair(charts: list[ChartFrame], state: ViewState) -> None:
    """Give the crosshair of the chart under the mouse to all charts of a frame.

    In the others it is at the same time, and at the last price until then; in charts that are linked with it, at the
    same height, which is the same move of the price. Where the mouse is in another window, all charts are others.
    """
    scenes = [chart.scene for chart in charts if chart.scene is not None]
    source = next((one for one in scenes if one.crosshair_px is not None), None)
    if source is None:
        if state.links is not None and state.links.elsewhere is not None:
            _show_crosshair(state.links.elsewhere, charts, state)
        return
    if len(scenes) < 2:
        return
    shown = CrosshairLink(0, *own_crosshair(charts, state))
    _show_crosshair(shown, [chart for chart in charts if chart.scene is not source], state)


def own_crosshair(charts: list[ChartFrame], state: ViewState) -> tuple[int, int, float]:
    """Return time, link group and height of the crosshair under this window's mouse, as in `CrosshairLink`."""
    for chart in charts if state.cursor_px is not None else []:
        own = _own_crosshair(state, chart.layout)
        if own is not None and chart.scene is not None:
            pane = chart.scene.price_view.rect
            height = (own[1] - pane.y) / pane.height if pane.y <= own[1] < pane.bottom else -1.0
            return chart.scene.price_view.time_at(own[0]), state.charts[chart.index].link, height
    return 0, 0, -1.0


def _show_crosshair(shown: CrosshairLink, charts: list[ChartFrame], state: ViewState) -> None:
    """Show the crosshair of another chart in those charts that show its time."""
    for chart in charts:
        if chart.scene is None:
            continue
        rect, place = chart.scene.price_view.rect, _last_price_px(chart.scene, shown.at_ns)
        if shown.group and state.charts[chart.index].link == shown.group and shown.height >= 0.0:
            place = place[0], rect.y + shown.height * rect.height
        if rect.x <= place[0] < rect.right:
            chart.scene = replace(chart.scene, crosshair_px=place)


def _last_price_px(scene: Scene, at_ns: int) -> tuple[float, float]:
    """Return the screen point of a time and of the last price until then; above the pane if there is none."""
    view, bucket_id = scene.price_view, at_ns // scene.reader.widths_ns[scene.lod]
    row = hit.row_until(scene.reader, scene.lod, bucket_id)
    y = -1.0 if row is None else view.screen_y(int(row["close"]) / (scene.reader.tick_size or UNKNOWN_TICK_SIZE))
    return view.screen_x(at_ns), y


def _own_crosshair(state: ViewState, layout: ChartLayout) -> tuple[float, float] | None:
    """Return the mouse's position while it is in a pane of this chart."""
    cursor = state.cursor_px
    panes = layout.price, layout.comparison, layout.cvd
    return cursor if cursor is not None and any(pane.contains(*cursor) for pane in panes) else None


def _until_ns(state: ViewState) -> int:
    return state.pause.event_ns if state.pause else hit.END_OF_TIME


def _pinned(market: MarketReader, own: ChartState) -> int | None:
    """Return the pinned bubble's id at the current level; None if that level is finer than the pinned one."""
    if own.pinned_id is None or own.lod < own.pinned_lod:
        return None
    widths = market.widths_ns
    return own.pinned_id * widths[own.pinned_lod] // widths[own.lod]
