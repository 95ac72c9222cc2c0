"""Feed status: where it stands and why, what came in and what was refused, per chart and in all."""

import math

from imgui_bundle import imgui

from flow_gl.core.commands import Command, Retry
from flow_gl.core.schema import FeedState, GapKind
from flow_gl.store.market import EngineReader, MarketReader
from flow_gl.ui import words
from flow_gl.ui.frame import ChartFrame, Frame
from flow_gl.ui.motion import feed_now
from flow_gl.ui.panels import base
from flow_gl.ui.state import ViewState
from flow_gl.ui.theme import tone_color


def draw(frame: Frame, state: ViewState) -> list[Command]:
    """Draw the panel; `Retry` where the user asks for it."""
    commands: list[Command] = []
    with base.window("feed", frame, state) as is_filled:
        if is_filled:
            _state(frame, state)
            if frame.engine is not None:
                commands = _retry(frame.engine)
                _charts(frame, frame.engine, state)
                _intake(frame.engine, frame, state)
    return commands


def _state(frame: Frame, state: ViewState) -> None:
    if frame.charts:
        said = frame.charts[0].said
        base.colored(said.text, tone_color(state.palette, said.tone))
        if said.detail:
            imgui.text_wrapped(said.detail)
    engine = frame.engine
    if engine is None:
        imgui.text_wrapped(frame.link.message or "no engine yet")
        return
    source = "  ".join(text for text in (engine.text("source"), engine.text("dataset")) if text)
    if source:
        imgui.push_style_color(imgui.Col_.text.value, imgui.get_style_color_vec4(imgui.Col_.text_disabled.value))
        imgui.text_wrapped(source)
        imgui.pop_style_color()


def _retry(engine: EngineReader) -> list[Command]:
    if int(engine.status["state"]) not in (FeedState.FAILED, FeedState.RECONNECTING):
        return []
    return [Retry()] if imgui.button("Connect again now") else []


def _charts(frame: Frame, engine: EngineReader, state: ViewState) -> None:
    charts = [chart for chart in frame.charts if chart.market is not None]
    if not charts:
        return
    base.heading("Charts")
    now_ns = feed_now(engine, frame.wall_ns)
    with base.table("feed charts", 1 + len(charts), first_share=1.1) as is_visible:
        if not is_visible:
            return
        base.row("Contract", *(chart.name for chart in charts))
        base.row("asked for", *(_of(chart).requested or words.NONE for chart in charts))
        base.row("Newest print", *(_age(_of(chart), now_ns) for chart in charts))
        base.row("Trades", *(words.number(int(_of(chart).session["total_trades"])) for chart in charts))
        warn = state.palette.attention
        for label, name in (("Rejected", "rejected"), ("Late", "late"), ("Book in doubt", "maybe_bad_book")):
            counts = [int(_of(chart).session[name]) for chart in charts]
            # A doubtful book is common and only a flag; a rejected or a late trade is rare and worth a look.
            colors = tuple(warn if count and name != "maybe_bad_book" else None for count in counts)
            base.row(label, *(words.number(count) for count in counts), colors=colors)
        gaps = [_gaps(_of(chart)) for chart in charts]
        base.row("Data gaps", *(str(feed) for feed, _ in gaps), colors=tuple(warn if f else None for f, _ in gaps))
        base.row("Halts, silences", *(str(quiet) for _, quiet in gaps))


def _intake(engine: EngineReader, frame: Frame, state: ViewState) -> None:
    base.heading("Intake")
    status = engine.status
    with base.table("intake", 2, first_share=1.4) as is_visible:
        if not is_visible:
            return
        row, palette = base.row, state.palette
        lost, behind = int(status["lost"]), int(status["behind"])
        rate = float(status["trades_per_second"])
        row("Trades per second", words.number(rate) if math.isfinite(rate) else words.NONE)
        row("Trades in all", words.number(int(status["trades"])))
        row("Records lost", words.number(lost), colors=(palette.sell if lost else None,))
        row("Waiting", words.number(behind))
        row("Feed to chart", f"{int(status['lag_ns']) / 1e6:.1f} ms")
        row("Other instruments", words.number(int(status["other_instruments"])))
        beat_s = (frame.wall_ns - int(status["heartbeat"])) / 1e9
        row("Engine's last beat", words.age(beat_s), colors=(palette.sell if beat_s > 2.0 else None,))


def _of(chart: ChartFrame) -> MarketReader:
    assert chart.market is not None
    return chart.market


def _age(market: MarketReader, now_ns: int) -> str:
    last = int(market.session["last_ts"])
    return words.age((now_ns - last) / 1e9) if last and now_ns else words.NONE


def _gaps(market: MarketReader) -> tuple[int, int]:
    kinds = market.gaps["kind"]
    return int((kinds == GapKind.FEED).sum()), int((kinds == GapKind.NO_TRADES).sum())
