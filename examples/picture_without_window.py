"""Render a chart to a picture without a display, a window or an engine process.

    python examples/picture_without_window.py chart.png

The numbers are computed in this process and the picture is drawn off-screen. To run the whole program without a window,
use `flow-gl replay FILE --headless --screenshot chart.png`.
"""

from collections.abc import Sequence
from pathlib import Path

from command_line import picture, start

from flow_gl.core.items import Definition
from flow_gl.engine.pipeline import Pipeline
from flow_gl.feed.synthetic.demo import TradeMaker
from flow_gl.gl.api import clear
from flow_gl.gl.capture import read_picture, write_png
from flow_gl.gl.resources import SharedResources
from flow_gl.gl.surface.context import HeadlessContext
from flow_gl.gl.view import Rect
from flow_gl.layers.base import Layer, Scene
from flow_gl.layers.stack import ChartStack
from flow_gl.store.market import MarketReader, MarketStore
from flow_gl.ui import scenes
from flow_gl.ui.state.layout import arrange
from flow_gl.ui.state.view_state import ViewState
from flow_gl.view.frame_scheduler import FrameScheduler

WIDTH, HEIGHT = 1280, 720


def aggregate(*, seconds: float, seed: int = 1) -> MarketReader:
    """Aggregate a synthetic NQ morning: the overnight history and `seconds` more."""
    maker = TradeMaker(seed=seed, symbols=("NQ",))
    (contract,) = maker.contracts
    store, pipeline = MarketStore.local(base_capacity=1 << 17), Pipeline()
    symbol = contract.symbol_at(maker.live_ns)
    pipeline.define(Definition(contract.instrument_id, symbol, contract.tick_size, contract.point_value, True))
    pipeline.chart(contract.instrument_id, store, contract.requested)
    pipeline.process(maker.take(seconds))
    pipeline.publish()
    reader = MarketReader(store)
    reader.refresh()
    return reader


def freeze(market: MarketReader, *, now_ns: int) -> Scene:
    """Build the scene of one chart that fills the picture, with its live edge at `now_ns`."""
    state = ViewState()
    state.ensure_charts(1)
    (layout,) = arrange(Rect(0, 0, WIDTH, HEIGHT), 1)
    state.time.fit(layout.price.width)
    moment = scenes.Moment(
        event_ns=now_ns, wall_ns=now_ns, steady_s=0.0, dt_s=0.0, scale=1.0, screen_px=(WIDTH, HEIGHT)
    )
    jobs = FrameScheduler()
    axes = scenes.ChartAxes(jobs.add("visible range"), jobs.add("ranges"), jobs.add("drawings"))
    axes.advance(market, layout, state, state.charts[0], moment)
    return scenes.build(market, layout, state, state.charts[0], moment, is_live=True)


def draw(scene: Scene, path: Path, *, resources: SharedResources, more: Sequence[Layer] = ()) -> None:
    """Draw the chart's layers, then `more` layers, and write the picture."""
    stack = ChartStack(resources, FrameScheduler())
    parts = [stack, *more]
    for part in parts:
        part.setup()
    for part in parts:
        part.update(scene)
    clear(scene.style.palette.ground)
    for part in parts:
        part.draw(scene)
    write_png(path, read_picture(WIDTH, HEIGHT))
    for part in parts:
        part.release()


def main(path: Path = Path("chart.png")) -> None:
    market = aggregate(seconds=120.0)
    surface = HeadlessContext(WIDTH, HEIGHT)
    resources = SharedResources()
    draw(freeze(market, now_ns=int(market.session["last_ts"])), path, resources=resources)
    resources.release()
    surface.close()
    print(f"{path}: {market.symbol}, {market.heads[0]} bubbles of history")


if __name__ == "__main__":
    start(main, __doc__, "picture_without_window.py [PNG]", picture)
