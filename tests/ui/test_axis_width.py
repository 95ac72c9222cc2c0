"""The price axis is as wide as its widest label."""

import numpy as np
import pytest

from flow_gl.core.schema import INSTRUMENT, SESSION
from flow_gl.core.units import SECOND_NS
from flow_gl.gl.resources import SharedResources
from flow_gl.gl.text import TextBatch
from flow_gl.layers.base import FrameCounters
from flow_gl.layers.labels.axes import LEFT_PX, PLATE_PX
from flow_gl.store.market import MarketReader, MarketStore
from flow_gl.ui.state.axis_width import axis_px, axis_texts
from flow_gl.ui.state.chart_state import ChartState
from tests.kit.gl_context import context, resources

__all__ = ["context", "resources"]

MINUS = "\u2212"


def reader_of(tick_size: int, price: int, cvd: int) -> MarketReader:
    store = MarketStore.local(base_capacity=1 << 10)
    instrument, session = np.zeros(1, INSTRUMENT), np.zeros(1, SESSION)
    instrument["tick_size"], instrument["bucket_ns"] = tick_size, SECOND_NS
    session["trade_count"], session["cvd"] = 1, cvd
    for name in ("last_price", "high", "low"):
        session[name] = price
    store.instrument.write(instrument)
    store.session.write(session)
    reader = MarketReader(store)
    reader.refresh()
    return reader


def test_the_axis_width_fits_the_panes_ends_and_the_newest_values() -> None:
    own = ChartState()
    assert axis_texts(reader_of(7_812_500, 102_804_687_500, -16), own, (0.0, 0.0, 0.0)) == 3 * ["102.8046875"] + [
        f"{MINUS}16"
    ]
    own.price.middle, own.price.per_px = 0.0, 1.0
    own.cvd.middle, own.cvd.per_px = 0.0, 1e8
    texts = axis_texts(reader_of(500, -60_500, 2**32 - 1), own, (400.0, 100.0, 0.0))
    assert texts[3:] == ["0.0001000", f"{MINUS}0.0001000", "4,294,967,295", "5,000,000,000", f"{MINUS}5,000,000,000"]


@pytest.mark.parametrize("scale", [1.0, 1.5])
@pytest.mark.parametrize("text", ["25,415.25", "102.80468750", f"{MINUS}0.0000605", "70,000,000.000000000"])
def test_a_plate_with_the_number_fits_into_the_axis(resources: SharedResources, text: str, scale: float) -> None:
    batch = TextBatch(resources, FrameCounters())
    width = batch.width(text, PLATE_PX * scale, is_bold=True)
    batch.release()
    assert width + (LEFT_PX + 0.5 * PLATE_PX) * scale < axis_px(resources.atlas, [text], scale)
