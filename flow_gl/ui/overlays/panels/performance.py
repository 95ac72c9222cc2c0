"""Performance panel: frame times, work per frame, and whether the engine keeps up."""

import math

from imgui_bundle import imgui

from flow_gl.core.commands import Command
from flow_gl.core.schema import MAX_LODS
from flow_gl.store.market import EngineReader, MarketReader
from flow_gl.ui.overlays import words
from flow_gl.ui.overlays.frame import Frame
from flow_gl.ui.overlays.panels.base import Content, Row, Section
from flow_gl.ui.state.view_state import ViewState


def content() -> Content:
    """Return what the panel shows."""
    return Content(fill=fill, form=form)


def fill(frame: Frame, _state: ViewState) -> list[Command]:
    """Plot the recent frame times."""
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
            graph_size=(0, 44 * frame.gui_scale),
        )
        imgui.pop_item_width()
    return []


def form(frame: Frame, _state: ViewState) -> list[Section]:
    """Return the panel's sections."""
    figures = frame.figures
    frames = (figures.frame_p50_ms, figures.frame_p99_ms, figures.frame_max_ms)
    work = (figures.work_p50_ms, figures.work_p99_ms, figures.work_max_ms)
    counters = figures.counters
    per_second = [Row(rate.name.capitalize(), (rate.cause, str(rate.per_second))) for rate in frame.jobs.recent()]
    found = [
        Section(
            "",
            [
                Row("ms", ("p50", "p99", "max")),
                Row("Frame to frame", tuple(map(_ms, frames))),
                Row("Work", tuple(map(_ms, work))),
            ],
        ),
        Section(
            "Last frame",
            [
                Row("Uploaded", (f"{counters.uploaded_bytes:,} bytes",)),
                Row("Labels and lines", (f"{counters.overlay_bytes:,} bytes",)),
                Row("Draw calls", (words.number(counters.draw_calls),)),
                Row("Instances", (words.number(counters.instances),)),
                Row("Rows copied", (words.number(counters.rows_copied),)),
            ],
        ),
    ]
    if frame.engine is not None:
        found.append(_engine(frame.engine, frame))
    return [*found, Section("Jobs in the last second", per_second)]


def _engine(engine: EngineReader, frame: Frame) -> Section:
    status = engine.status
    rows = [
        Row("Lag", (f"{int(status['lag_ns']) / 1e6:.1f} ms",)),
        Row("Behind", (f"{int(status['behind']):,} trades",)),
        Row("Tape used", (f"{100 * float(status['tape_used']):.0f} %",)),
    ]
    rows += [Row(f"{c.name} history", (_ring_use(c.market),)) for c in frame.charts if c.market is not None]
    return Section("Engine", rows)


def _ms(value: float) -> str:
    return f"{value:.1f}" if math.isfinite(value) else words.NONE


def _ring_use(market: MarketReader) -> str:
    rings, heads = market.store.bubbles, market.heads
    used = max(min(1.0, heads[lod] / rings[lod].capacity) for lod in range(MAX_LODS))
    return f"{heads[0]:,} bubbles, {100 * used:.0f} %"
