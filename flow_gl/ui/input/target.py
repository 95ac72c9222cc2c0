"""The target of a right click, and the title of its menu."""

from typing import NamedTuple

from flow_gl.core.drawings import SHAPE_TITLES
from flow_gl.layers.base import Scene
from flow_gl.layers.comparison.points import title
from flow_gl.layers.drawings.geometry import shape_under
from flow_gl.layers.drawings.levels import level_under
from flow_gl.layers.rows.hit import bubble_at
from flow_gl.ui.input.action import Target
from flow_gl.ui.input.gestures import Zone, zone_at
from flow_gl.ui.input.level_tool import price_at
from flow_gl.ui.overlays import words
from flow_gl.ui.overlays.frame import ChartFrame
from flow_gl.ui.state.view_state import ViewState

_OF_ZONE = {
    Zone.HEADER: "header",
    Zone.PRICE: "chart",
    Zone.CVD: "cvd",
    Zone.SPLITTER: "cvd",
    Zone.TIME_AXIS: "time axis",
    Zone.PRICE_AXIS: "price axis",
    Zone.CVD_AXIS: "cvd axis",
    Zone.COMPARISON: "comparison",
    Zone.COMPARISON_SPLITTER: "comparison",
    Zone.COMPARISON_AXIS: "comparison axis",
}


class Hit(NamedTuple):
    """The target at a position of the window.

    Attributes
    ----------
    title : of its menu
    place : framebuffer pixels
    """

    target: Target
    title: str
    place: tuple[float, float]


def hit_at(chart: ChartFrame, place: tuple[float, float], state: ViewState, event_ns: int) -> Hit:
    """Return the item at a position of a chart."""
    zone, scene = zone_at(chart.layout, *place), chart.scene
    target = _OF_ZONE.get(zone, "chart")
    if scene is not None and scene.comparison is not None and target in ("comparison", "comparison axis"):
        return Hit(target, title(scene), place)
    if scene is None or target not in ("chart", "cvd", "price axis"):
        return Hit(target, chart.name, place)
    tick_size = scene.reader.tick_size
    price = words.price(price_at(scene, place[1]), tick_size)
    if target == "price axis":
        return Hit(target, f"{chart.name}  {price}", place)
    pane = chart.layout.price
    timeline = state.charts[chart.index].timeline
    at = words.clock(state.time.time_at(place[0] - pane.x, event_ns, pane.width, timeline))
    if target == "cvd":
        return Hit(target, f"{chart.name} CVD  {at} {words.ZONE_NAME}", place)
    return _in_price_pane(chart, scene, place, f"{price}  {at} {words.ZONE_NAME}")


def _in_price_pane(chart: ChartFrame, scene: Scene, place: tuple[float, float], at: str) -> Hit:
    """Return the item at a position of the price pane.

    Parameters
    ----------
    at : price and time there
    """
    tick_size = scene.reader.tick_size
    if (shown := level_under(scene, *place)) is not None:
        name = shown.level.name or "custom level"
        return Hit("level", f"{name}  {words.price(shown.level.price, tick_size)}", place)
    if (drawn := shape_under(scene, *place)) is not None:
        return Hit("drawing", f"{SHAPE_TITLES[drawn[0].kind]}  {drawn[0].text}".rstrip(), place)
    if (found := bubble_at(scene, *place)) is not None:
        start = words.clock(found * scene.reader.widths_ns[scene.lod])
        return Hit("bubble", f"{chart.name} bubble  {start} {words.ZONE_NAME}", place)
    return Hit("chart", f"{chart.name}  {at}", place)
