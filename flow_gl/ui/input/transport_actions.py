"""Actions of a replay's transport: play and pause, steps, the loop, the time entry, the bar itself."""

from typing import Final

from flow_gl.core.commands import SetLoop, Step, StepTo
from flow_gl.ui.input.action import Action, Context, Run
from flow_gl.ui.overlays import words
from flow_gl.ui.overlays.frame import Frame
from flow_gl.ui.state.transport import toggled

_NO_REPLAY: Final = "this works in a replay of files"
_MIN_LOOP_NS: Final = 1_000_000_000


def is_replay(context: Context) -> bool:
    """Whether the engine replays files, which can be stepped and searched."""
    return context.engine is not None and bool(context.engine.status["can_seek"])


def pause(context: Context) -> None:
    """Pause the picture or resume it; in a replay, pause the replay or play it."""
    state, engine = context.state, context.engine
    if state.pause is None and engine is not None and is_replay(context):
        context.commands.append(toggled(engine))
        return
    if state.pause is None and not any(market.session["trade_count"] for market in context.markets):
        context.notes.append("there is nothing to pause yet")
        return
    state.toggle_pause(context.wall_ns, context.event_ns)


def step(to: StepTo, by: int) -> Run:
    """Return the action that goes to the next place of a kind (`by` 1), or to the previous one (-1)."""

    def run(context: Context) -> None:
        if not is_replay(context):
            context.notes.append(_NO_REPLAY)
            return
        follow(context)
        chart = context.focus or 0
        charts = context.state.charts
        lod = int(charts[chart].lod) if chart < len(charts) else 0
        context.commands.append(Step(to, 1 if by > 0 else -1, context.engine_chart(chart), lod))

    return run


def follow(context: Context) -> None:
    """Show the place that a seek leads to."""
    context.state.time.follow()
    context.state.pause = None


def loop(context: Context) -> None:
    """Mark where a loop begins; again, where it ends; once more, end it."""
    engine, transport = context.engine, context.state.transport
    if engine is None or not is_replay(context):
        context.notes.append(_NO_REPLAY)
        return
    at = int(context.event_ns)
    if int(engine.status["loop_end"]):
        transport.loop_from_ns = 0
        context.commands.append(SetLoop(0, 0))
        context.notes.append("the loop has ended")
    elif not transport.loop_from_ns:
        transport.loop_from_ns = at
        context.notes.append(f"loop from {words.clock(at)}  \u00b7  {context.key('loop')} again where it ends")
    else:
        start, end = sorted((transport.loop_from_ns, at))
        transport.loop_from_ns = 0
        if end - start < _MIN_LOOP_NS:
            context.notes.append("no loop: its end is also its start")
            return
        context.commands.append(SetLoop(start, end))
        context.notes.append(f"loop {words.clock(start)} to {words.clock(end)}  \u00b7  {context.key('loop')} ends it")


def enter_time(context: Context) -> None:
    """Open the field for a time, or close it."""
    if not is_replay(context):
        context.notes.append(_NO_REPLAY)
        return
    context.state.transport.is_entering = not context.state.transport.is_entering


def toggle_bar(context: Context) -> None:
    """Show or hide the bar."""
    transport = context.state.transport
    transport.is_shown = not transport.is_shown
    if not is_replay(context):
        context.notes.append(f"the transport bar is {'shown' if transport.is_shown else 'hidden'} in a replay")


def actions() -> tuple[Action, ...]:
    """Return the actions, in the order of help and menus."""
    steps: tuple[tuple[str, str, str, StepTo, int], ...] = (
        ("bubble_on", "Next bubble", ".", "bubble", 1),
        ("bubble_back", "Previous bubble", ",", "bubble", -1),
        ("second_on", "One second forward", ">", "second", 1),
        ("second_back", "One second back", "<", "second", -1),
        ("event_on", "Next event", "j", "event", 1),
        ("event_back", "Previous event", "shift+j", "event", -1),
        ("trade_on", "Next large trade", "y", "large_trade", 1),
        ("trade_back", "Previous large trade", "shift+y", "large_trade", -1),
        ("session_on", "Replay the next session", "ctrl+page_down", "session", 1),
        ("session_back", "Replay the previous session", "ctrl+page_up", "session", -1),
    )
    return (
        *(
            Action(name, title, (key,), "Replay", step(to, by), is_available=_is_replay, repeats=to == "bubble")
            for name, title, key, to, by in steps
        ),
        Action("go_to_time", "Go to a time", ("ctrl+g",), "Replay", enter_time, is_available=_is_replay),
        Action(
            "loop",
            "Loop: mark its start, mark its end, end it",
            ("z",),
            "Replay",
            loop,
            lambda state: state.transport.loop_from_ns > 0,
            _is_replay,
        ),
        Action(
            "transport",
            "Transport bar",
            ("ctrl+t",),
            "Replay",
            toggle_bar,
            lambda state: state.transport.is_shown,
        ),
    )


def _is_replay(frame: Frame) -> bool:
    return frame.engine is not None and bool(frame.engine.status["can_seek"])
