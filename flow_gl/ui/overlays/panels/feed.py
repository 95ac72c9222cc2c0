"""Feed panel: the feed's state and its reason, and counts of trades, rejections and gaps, per chart and in total."""

import math

from imgui_bundle import imgui

from flow_gl.core.commands import Command, Retry
from flow_gl.core.schema import FeedState, GapKind
from flow_gl.store.market import EngineReader, MarketReader
from flow_gl.ui.overlays import words
from flow_gl.ui.overlays.frame import ChartFrame, Frame, one_per_market
from flow_gl.ui.overlays.panels import base
from flow_gl.ui.overlays.panels.base import Content, Row, Section
from flow_gl.ui.paint.theme import tone_color, u32
from flow_gl.ui.state.motion import feed_now
from flow_gl.ui.state.view_state import ViewState


def content() -> Content:
    """Return what the panel shows."""
    return Content(fill=fill, form=form)


def fill(frame: Frame, state: ViewState) -> list[Command]:
    """Draw the state, its reason and the source; return `Retry` if the user clicks "Reconnect now"."""
    if frame.charts:
        condition = frame.charts[0].condition
        base.colored(condition.text, tone_color(state.palette, condition.tone))
        if condition.detail:
            imgui.text_wrapped(condition.detail)
    engine = frame.engine
    if engine is None:
        return []
    message = engine.text("message")
    if message and message not in (frame.charts[0].condition.detail if frame.charts else ""):
        imgui.text_wrapped(message)
    keeping = engine.text("keeping")
    if keeping:
        is_wrong = engine.status["unkept"] or engine.status["is_publishing"] > engine.status["on_bus"]
        color = state.palette.attention if is_wrong else state.palette.quiet
        imgui.push_style_color(imgui.Col_.text.value, u32(color))
        imgui.text_wrapped(keeping)
        imgui.pop_style_color()
    source = "  ".join(text for text in (engine.text("source"), engine.text("dataset")) if text)
    if source:
        imgui.push_style_color(imgui.Col_.text.value, u32(state.palette.quiet))
        imgui.text_wrapped(source)
        imgui.pop_style_color()
    if int(engine.status["state"]) not in (FeedState.FAILED, FeedState.RECONNECTING):
        return []
    return [Retry()] if imgui.button("Reconnect now") else []


def form(frame: Frame, state: ViewState) -> list[Section]:
    """Return the panel's sections."""
    if frame.engine is None:
        return []
    charts = one_per_market(frame.charts)
    found = [_charts(charts, frame, frame.engine, state)] if charts else []
    return [*found, _intake(frame.engine, frame, state), *_kept(frame.engine, state)]


def _charts(charts: list[ChartFrame], frame: Frame, engine: EngineReader, state: ViewState) -> Section:
    now_ns = feed_now(engine, frame.wall_ns)
    warn = state.palette.attention
    sessions = [_of(chart).session for chart in charts]

    def counts(label: str, name: str, *, is_rare: bool = True) -> Row:
        values = [int(session[name]) for session in sessions]
        colors = tuple(warn if value and is_rare else None for value in values)
        return Row(label, tuple(map(words.number, values)), colors)

    gaps = [_gaps(_of(chart)) for chart in charts]
    return Section(
        "Charts",
        [
            Row("Contract", tuple(chart.name for chart in charts)),
            Row("Requested", tuple(_of(chart).requested or words.NONE for chart in charts)),
            Row("Newest trade", tuple(_age(_of(chart), now_ns) for chart in charts)),
            counts("Trades", "total_trades", is_rare=False),
            counts("Rejected", "rejected"),
            counts("Late", "late"),
            # An uncertain book is common and only a flag, so no warning colour.
            counts("Book uncertain", "maybe_bad_book", is_rare=False),
            Row("Data gaps", tuple(str(feed) for feed, _ in gaps), tuple(warn if feed else None for feed, _ in gaps)),
            Row("Halts, silences", tuple(str(quiet) for _, quiet in gaps)),
        ],
        is_by_instrument=True,
    )


def _intake(engine: EngineReader, frame: Frame, state: ViewState) -> Section:
    status, alarm = engine.status, state.palette.sell
    lost, rate = int(status["lost"]), float(status["trades_per_second"])
    beat_s = (frame.wall_ns - int(status["heartbeat"])) / 1e9
    damaged = int(status["damaged"])
    damages = [Row("Damaged records", (words.number(damaged),), (alarm,))] if damaged else []
    return Section(
        "Intake",
        [
            *damages,
            Row("Trades per second", (words.number(rate) if math.isfinite(rate) else words.NONE,)),
            Row("Trades in total", (words.number(int(status["trades"])),)),
            Row("Records lost", (words.number(lost),), (alarm if lost else None,)),
            Row("Waiting", (words.number(int(status["behind"])),)),
            Row("Feed to chart", (f"{int(status['lag_ns']) / 1e6:.1f} ms",)),
            Row("Other instruments", (words.number(int(status["other_instruments"])),)),
            Row("Engine heartbeat", (words.age(beat_s),), (alarm if beat_s > 2.0 else None,)),
        ],
        label_share=0.55,
    )


def _kept(engine: EngineReader, state: ViewState) -> list[Section]:
    """Return the counts of recorded trades and of archived and published rows; empty if none is enabled."""
    status, warn = engine.status, state.palette.attention if engine.status["unkept"] else None

    def rows(label: str, kept: str, waiting: str) -> list[Row]:
        late = int(status[waiting])
        return [
            Row(label, (words.number(int(status[kept])),)),
            Row("waiting", (words.number(late),), (warn if late else None,)),
        ]

    recorded = rows("Trades recorded", "recorded", "unrecorded") if status["is_recording"] else []
    archived = rows("Rows archived", "archived", "unarchived") if status["is_archiving"] else []
    published = []
    if status["is_publishing"]:
        published = rows("Rows published", "published", "unpublished")
        published.append(Row("charts led", (f"{int(status['leases'])} of {int(status['charts'])}",)))
    found = recorded + archived + published
    return [Section("Kept", found, label_share=0.55)] if found else []


def _of(chart: ChartFrame) -> MarketReader:
    assert chart.market is not None
    return chart.market


def _age(market: MarketReader, now_ns: int) -> str:
    last = int(market.session["last_ts"])
    return words.age((now_ns - last) / 1e9) if last and now_ns else words.NONE


def _gaps(market: MarketReader) -> tuple[int, int]:
    kinds = market.gaps["kind"]
    return int((kinds == GapKind.FEED).sum()), int((kinds == GapKind.NO_TRADES).sum())
