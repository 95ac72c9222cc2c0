"""Performance: how even the frames are, what they cost, and whether the engine keeps up."""

import math

from imgui_bundle import imgui

from flow_gl.core.commands import Command
from flow_gl.core.schema import LEVELS
from flow_gl.ui import words
from flow_gl.ui.frame import Frame
from flow_gl.ui.panels import base
from flow_gl.ui.state import ViewState


def draw(frame: Frame, state: ViewState) -> list[Command]:
    """Draw the panel; it sends no commands."""
    with base.window("performance", frame, state) as is_filled:
        if is_filled:
            _frames(frame)
            _upload(frame)
            _engine(frame)
    return []


def _ms(value: float) -> str:
    return f"{value:.1f}" if math.isfinite(value) else words.NONE


def _frames(frame: Frame) -> None:
    figures = frame.figures
    if figures.recent_ms.size > 1:
        most = max(20.0, float(figures.recent_ms.max()) * 1.1)
        imgui.push_item_width(-1)
        imgui.plot_lines(
            "##frames",
            figures.recent_ms,
            overlay_text=f"{figures.fps:.0f} fps",
            scale_min=0.0,
            scale_max=most,
            graph_size=(0, 44 * frame.scale),
        )
        imgui.pop_item_width()
    with base.table("frames", 4, first_share=1.5) as is_visible:
        if is_visible:
            base.row("ms", "p50", "p99", "max")
            times = (figures.frame_p50_ms, figures.frame_p99_ms, figures.frame_max_ms)
            base.row("Frame to frame", *(_ms(value) for value in times))
            work = (figures.work_p50_ms, figures.work_p99_ms, figures.work_max_ms)
            base.row("Work", *(_ms(value) for value in work))


def _upload(frame: Frame) -> None:
    base.heading("Last frame")
    counters = frame.figures.counters
    with base.table("upload", 2, first_share=1.4) as is_visible:
        if is_visible:
            base.row("Uploaded", f"{counters.uploaded_bytes:,} bytes")
            base.row("Draw calls", words.number(counters.draw_calls))
            base.row("Instances", words.number(counters.instances))
            base.row("Rows copied", words.number(counters.rows_copied))


def _engine(frame: Frame) -> None:
    if frame.engine is None:
        return
    base.heading("Engine")
    status = frame.engine.status
    with base.table("engine", 2, first_share=1.4) as is_visible:
        if not is_visible:
            return
        base.row("Lag", f"{int(status['lag_ns']) / 1e6:.1f} ms")
        base.row("Behind", f"{int(status['behind']):,} trades")
        base.row("Tape used", f"{100 * float(status['tape_used']):.0f} %")
        for chart in frame.charts:
            if chart.market is not None:
                base.row(f"{chart.name} history", _ring_use(chart.market.store.bubbles, chart.market.heads))


def _ring_use(rings: list, heads: list[int]) -> str:  # type: ignore[type-arg]  # Rings, of the store
    used = max(min(1.0, heads[level] / rings[level].capacity) for level in range(LEVELS))
    return f"{heads[0]:,} bubbles, {100 * used:.0f} %"
