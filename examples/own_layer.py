"""Add your own layer to the chart: the range of the last minute, shaded, with its high and low.

    python examples/own_layer.py chart.png

A layer has four methods. Only `update` uploads to the GPU, and `draw` only draws. `scene` converts prices and times to
screen positions and holds the newest numbers (`scene.reader`).
"""

from pathlib import Path

from command_line import picture, start
from picture_without_window import HEIGHT, WIDTH, aggregate, draw, freeze

from flow_gl.core.schema import PRICE_SCALE
from flow_gl.core.units import MINUTE_NS
from flow_gl.gl.counters import FrameCounters
from flow_gl.gl.resources import SharedResources
from flow_gl.gl.shapes import ShapeBatch
from flow_gl.gl.surface.context import HeadlessContext
from flow_gl.gl.text import TextBatch, TextStyle
from flow_gl.layers.base import Scene

LEVEL = 2
"""Bubbles of 15 seconds: a minute has few of them."""


class RangeOfTheMinute:
    """Implements `flow_gl.layers.base.Layer`."""

    def __init__(self, resources: SharedResources) -> None:
        self._kit = resources

    def setup(self) -> None:
        counters = FrameCounters()
        self._shapes = ShapeBatch(self._kit, counters)
        self._labels = TextBatch(self._kit, counters)

    def update(self, scene: Scene) -> None:
        view, color = scene.price_view, scene.style.palette.information
        left, right = view.screen_x(scene.now_ns - MINUTE_NS), scene.live_x_px
        found = self._range(scene)
        if found:
            top, bottom = (round(view.screen_y(price / scene.reader.tick_size)) for price in found)
            self._shapes.rect(left, top, right - left, bottom - top, color, alpha=0.10)
            for y, side, price in ((top, -1, found[0]), (bottom, 1, found[1])):
                self._shapes.dashed(left, y, right - left, 1, color, period=8, dash=4)
                text = f"{price / PRICE_SCALE:,.2f}"
                self._labels.add(text, left, y + 10 * side, TextStyle(12, color))
        self._shapes.upload()
        self._labels.upload()

    def draw(self, scene: Scene) -> None:
        self._shapes.draw(*scene.screen_px)
        self._labels.draw(*scene.screen_px)

    def release(self) -> None:
        self._shapes.release()
        self._labels.release()

    def _range(self, scene: Scene) -> tuple[int, int] | None:
        """Return high and low from the newest closed bubbles: a few rows, however long the history."""
        reader = scene.reader
        head = reader.heads[LEVEL]
        _, rows = reader.store.bubbles[LEVEL].read(head - MINUTE_NS // reader.widths_ns[LEVEL], head)
        rows = rows[rows["ts_event"] >= scene.now_ns - MINUTE_NS]
        return (int(rows["high"].max()), int(rows["low"].min())) if len(rows) else None


def main(path: Path = Path("chart.png")) -> None:
    market = aggregate(seconds=120.0)
    now_ns = int(market.session["last_ts"])
    surface = HeadlessContext(WIDTH, HEIGHT)
    resources = SharedResources()
    draw(freeze(market, now_ns=now_ns), path, resources=resources, more=[RangeOfTheMinute(resources)])
    resources.release()
    surface.close()
    print(f"{path}: {market.symbol} with the range of its last minute")


if __name__ == "__main__":
    start(main, __doc__, "own_layer.py [PNG]", picture)
