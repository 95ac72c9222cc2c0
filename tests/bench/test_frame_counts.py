"""What the program's frame uploads and draws with a million bubbles of history, as machine-independent counts."""

from collections.abc import Iterator

import pytest

from flow_gl.bench.rig import BenchSurface, Rig, opened
from flow_gl.layers.detail import MIN_SPACING_PX
from flow_gl.layers.profile_bars import PROFILE_ROW
from flow_gl.layers.rows.packing import BUBBLE_ROW, CVD_ROW
from flow_gl.ui.paint.gui import Gui

MILLION = 1_000_000
ROW_BYTES = BUBBLE_ROW.itemsize + CVD_ROW.itemsize
PROFILE_BYTES = PROFILE_ROW.itemsize * 2401
"""Number of prices at which the benchmark's market trades."""
REACH_PX = 2 * 40.0
VWAP_LINES = 5 * 1280 * 0.15
"""Parts of VWAP and its four bands, one in seven pixels."""
SPANS_S = (30.0, 120.0, 600.0, 3600.0, 6 * 3600.0, 86_400.0, 3 * 86_400.0, 12 * 86_400.0)


@pytest.fixture(scope="module")
def surface() -> Iterator[tuple[BenchSurface, Gui]]:
    with opened(1280, 720, is_headless=True) as found:
        yield found


@pytest.fixture(scope="module")
def million(surface: tuple[BenchSurface, Gui]) -> Iterator[Rig]:
    rig = Rig(*surface, history=MILLION, charts=1)
    yield rig
    rig.release()


def most_in_view(rig: Rig) -> float:
    frame = rig.loop.frame
    assert frame is not None
    return (frame.charts[0].layout.price.width + REACH_PX) / MIN_SPACING_PX + 4


@pytest.mark.parametrize("span_s", SPANS_S)
def test_with_a_million_bubbles_a_frame_draws_what_fits_the_width(million: Rig, span_s: float) -> None:
    million.show(span_s=span_s, charts=1, is_corner=True)
    counters = million.loop.figures.counters
    room = most_in_view(million)
    for _ in range(12):
        million.frame()
        # Bubbles, price line, CVD area and CVD line; profile, labels and other lines come on top.
        assert counters.instances <= 4 * room + VWAP_LINES + 720 / 2 + 300
        assert counters.draw_calls <= 2 * 9
        # Numbers on discs read the rows in view; now and then a level's row closes and another opens.
        assert counters.rows_copied <= room + 8
        assert counters.uploaded_bytes <= 3 * ROW_BYTES + PROFILE_BYTES
        assert counters.overlay_bytes <= 64_000


@pytest.mark.parametrize("span_s", [120.0, 86_400.0])
def test_a_frames_uploads_do_not_depend_on_history(
    million: Rig, surface: tuple[BenchSurface, Gui], span_s: float
) -> None:
    short = Rig(*surface, history=5000, charts=1, base_capacity=1 << 13)
    without_profile = {"grid", "price", "bubbles", "counts", "levels", "cvd", "events", "gaps"}
    sent = []
    for rig in (short, million):
        layers, rig.state.filters.layers = rig.state.filters.layers, set(without_profile)
        rig.show(span_s=span_s, charts=1, is_corner=True)
        frames = []
        for _ in range(20):
            rig.frame()
            frames.append(rig.loop.figures.counters.uploaded_bytes)
        sent.append(frames)
        rig.state.filters.layers = layers
    short.release()
    assert max(sent[0] + sent[1]) <= 2 * ROW_BYTES
    if span_s < 3600:
        assert sent[0] == sent[1]


def test_a_locked_level_draws_every_second_of_what_is_in_view(surface: tuple[BenchSurface, Gui]) -> None:
    rig = Rig(*surface, history=4000, charts=1, base_capacity=1 << 13)
    rig.show(span_s=3000 / 0.92, charts=1, is_corner=True, locked_lod=0)
    assert rig.loop.figures.counters.instances >= 3000
    rig.show(span_s=3000 / 0.92, charts=1, is_corner=True)
    assert rig.loop.figures.counters.instances < 4 * most_in_view(rig) + VWAP_LINES + 720 / 2 + 300
    rig.release()
