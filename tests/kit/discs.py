"""The discs of the bubbles in view, and whether a label touches one."""

from flow_gl.core.units import SECOND_NS
from flow_gl.gl.view import Rect
from flow_gl.layers.base import Scene
from flow_gl.layers.discs import radii, reference_of, volumes
from flow_gl.layers.rows.hit import visible_rows
from tests.kit.markets import TICK


def discs_of(scene: Scene) -> list[tuple[float, float, float]]:
    """Return x, y and radius of the bubbles in view, px."""
    view, rows = scene.price_view, visible_rows(scene)
    radius = radii(volumes(rows), reference_of(scene), scene.style, view.scale)
    xs, ys = view.bubble_xs(rows["id"], SECOND_NS), view.rect.y + (view.y_top - rows["price"] / TICK) / view.y_per_px
    return list(zip(xs.tolist(), ys.tolist(), radius.tolist(), strict=True))


def touches(box: Rect, disc: tuple[float, float, float]) -> bool:
    x, y, radius = disc
    dx, dy = max(box.x - x, 0.0, x - box.right), max(box.y - y, 0.0, y - box.bottom)
    return dx * dx + dy * dy < radius * radius
