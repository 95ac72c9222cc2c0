"""The code of the actions on charts; the table in `actions` gives each its key and its menus."""

from dataclasses import replace
from typing import Final

from flow_gl.core.commands import SetSpeed
from flow_gl.core.schema import FeedState
from flow_gl.core.units import SECOND_NS
from flow_gl.layers.cvd_reference import CvdReference
from flow_gl.layers.lines.book import ORDER_SIZES
from flow_gl.ui.input import session_steps
from flow_gl.ui.input.action import Context, Run
from flow_gl.ui.input.key_pointer import NOWHERE
from flow_gl.ui.overlays import words
from flow_gl.ui.state import chart_list
from flow_gl.ui.state.axes import EDGE_SHARE
from flow_gl.ui.state.chart_state import ChartState
from flow_gl.ui.state.history import Step
from flow_gl.ui.state.layout import CVD_SHARE_RANGE
from flow_gl.ui.state.link_groups import GROUPS
from flow_gl.ui.state.marked_range import MarkedRange
from flow_gl.ui.state.text_size import TEXT_SIZES
from flow_gl.ui.state.timeline import Folding

SPEEDS: Final = (0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 1000.0, 3000.0, 10000.0, float("inf"))
"""Replay speeds that the keys step through."""
_ANSWER_NS: Final = SECOND_NS
"""Time allowed for the engine to apply a new speed; until then, steps start from the requested speed."""
ZOOM_STEP: Final = 1.25
PANE_STEP: Final = 0.04
"""Of a chart's height, by which a key changes the CVD or the comparison pane."""


def set_reference(context: Context) -> None:
    added: list[tuple[ChartState, CvdReference]] = []
    for index in context.targets:
        name, found = context.names[index], context.state.charts[index].cvd_references
        reference = CvdReference.at_newest_trade(context.markets[index])
        if reference is None:
            context.notes.append(f"{name} has not traded yet: there is no trade to count CVD from")
            continue
        if reference not in found:
            found.append(reference)
            added.append((context.state.charts[index], reference))
        context.notes.append(
            f"{name}: CVD is also counted from {words.clock(reference.at_ns)}  \u00b7  {context.key('undo')} undoes"
        )
    if added:
        context.state.history.add(Step(lambda: _take_references(added), lambda: _restore_references(added)))


def _take_references(added: list[tuple[ChartState, CvdReference]]) -> str:
    """Remove reference points; return the note, "" if all of them have ended by themselves."""
    note = ""
    for own, reference in added:
        found = own.cvd_references
        if reference in found:
            found.remove(reference)
            note = f"CVD is also counted from {words.clock(found[-1].at_ns)}" if found else "CVD reference removed"
    return note


def _restore_references(added: list[tuple[ChartState, CvdReference]]) -> str:
    for own, reference in added:
        own.cvd_references.append(reference)
    return f"CVD is also counted from {words.clock(added[-1][1].at_ns)}"


def undo(context: Context) -> None:
    context.state.drawings.held = None
    context.notes.append(context.state.history.undo() or "there is nothing to undo")


def redo(context: Context) -> None:
    context.notes.append(context.state.history.redo() or "there is nothing to redo")


def go_live(context: Context) -> None:
    """Return to the newest trades: the live edge in its position, prices on an automatic scale."""
    context.state.time.follow()
    for chart in context.state.charts:
        chart.price.reset()


def toggle_candles(context: Context) -> None:
    filters = context.state.filters
    filters.has_cvd_candles = not filters.has_cvd_candles


def toggle_order_sizes(context: Context) -> None:
    """Show CVD by order size, and CVD with it; or hide the former."""
    layers = context.state.filters.layers
    if ORDER_SIZES in layers:
        layers.remove(ORDER_SIZES)
    else:
        layers |= {ORDER_SIZES, "cvd"}


def mark_range(context: Context) -> None:
    """Begin a range at the mouse; called again, end it there."""
    state, at_ns = context.state, context.pointed_ns
    if state.marked is not None and state.marked.is_open:
        state.marked = replace(state.marked, is_open=False)
        context.notes.append("range marked  \u00b7  Esc closes it")
        return
    index = context.focus or 0
    if index >= len(context.markets):
        return
    width_ns = context.markets[index].widths_ns[state.charts[index].lod]
    state.marked = MarkedRange(at_ns, at_ns, width_ns, is_open=True)
    context.notes.append(
        f"range from {words.clock(state.marked.start_ns)}  \u00b7  {context.key('range')} again ends it, Esc closes it"
    )


def zoom_price(factor: float) -> Run:
    def run(context: Context) -> None:
        height = context.pane_heights_px[0]
        for own in _charts(context):
            own.price.zoom(factor, 0.5 * height, height)

    return run


def zoom_cvd(factor: float) -> Run:
    def run(context: Context) -> None:
        height = context.pane_heights_px[1]
        for own in _charts(context):
            own.cvd.zoom(factor, 0.5 * height, height)

    return run


def pan_price(share: float) -> Run:
    def run(context: Context) -> None:
        for own in _charts(context):
            own.price.pan(share * context.pane_heights_px[0])

    return run


def auto_scale_cvd(context: Context) -> None:
    for own in _charts(context):
        own.cvd.reset()


def reset_time(context: Context) -> None:
    context.state.time.reset(context.plot_width_px)


def resize_cvd(direction: int) -> Run:
    def run(context: Context) -> None:
        context.state.cvd_share = next_share(context.state.cvd_share, direction)

    return run


def next_share(share: float, direction: int) -> float:
    """Return a pane's share of its chart's height, one step larger (1) or smaller (-1)."""
    low, high = CVD_SHARE_RANGE
    return min(max(share + direction * PANE_STEP, low), high)


def _charts(context: Context) -> list[ChartState]:
    return [context.state.charts[index] for index in context.targets]


def pin_bubble(context: Context) -> None:
    """Pin the numbers of the bubble at the mouse; unpin those that are pinned."""
    if context.focus is None:
        context.notes.append("point at a bubble to pin its numbers")
        return
    own = context.state.charts[context.focus]
    found = context.pointed_bubble
    if found is None and own.pinned_id is None:
        context.notes.append("point at a bubble to pin its numbers")
    is_same = found is None or (own.pinned_id, own.pinned_lod) == found
    own.pinned_id, own.pinned_lod = (None, 0) if is_same or found is None else found


def toggle_pointer(context: Context) -> None:
    """Let keys move the crosshair in place of the mouse, or give it back to the mouse."""
    state = context.state
    state.pointer = NOWHERE if state.pointer is None else None
    if state.pointer is not None:
        context.notes.append(
            "arrow keys move the crosshair, with Ctrl in larger steps; Enter clicks, Menu opens its menu, Esc ends"
        )


def copy_price(context: Context) -> None:
    """Copy the price at the mouse, else the last one."""
    index = context.focus or 0
    if index >= len(context.markets) or not context.markets[index].session["trade_count"]:
        context.notes.append("there is no price to copy yet")
        return
    market = context.markets[index]
    price = context.pointed_price
    if context.pointed_level is not None:
        price = context.pointed_level.price
    text = words.price(int(market.session["last_price"]) if price is None else price, market.tick_size)
    context.copied = text.replace(",", "").replace(words.MINUS, "-")
    context.notes.append(f"copied {text}")


def toggle_chart(context: Context) -> None:
    """Show the focused chart alone, or all charts."""
    state = context.state
    state.selected = 0 if state.selected else (context.focus or 0) + 1 if len(context.names) > 1 else 0


def toggle_layer(name: str) -> Run:
    return lambda context: context.state.filters.layers.symmetric_difference_update({name})


def clear(context: Context) -> None:
    for index in context.targets:
        context.state.clear(index, context.event_ns)
        done = "bubbles so far are hidden" if context.state.charts[index].cleared_before_ns else "all bubbles shown"
        context.notes.append(f"{context.names[index]}: {done}")


def resize_text(direction: int) -> Run:
    """Return the action that chooses the next larger (1) or smaller (-1) text size."""

    def run(context: Context) -> None:
        now = context.state.text_size
        larger = [one for one in TEXT_SIZES if one > now + 0.01]
        smaller = [one for one in TEXT_SIZES if one < now - 0.01]
        context.state.text_size = (larger or TEXT_SIZES[-1:])[0] if direction > 0 else (smaller or TEXT_SIZES[:1])[-1]
        context.notes.append(f"text size {100 * context.state.text_size:.0f} %")

    return run


def mute(context: Context) -> None:
    context.state.is_muted = not context.state.is_muted
    context.notes.append("alerts are muted" if context.state.is_muted else "alerts are on")


def lock(context: Context) -> None:
    if context.state.charts:
        context.state.toggle_lock(context.focus or 0)


def auto_scale(context: Context) -> None:
    for index in context.targets:
        context.state.charts[index].price.reset()
        context.state.charts[index].cvd.reset()
        context.state.charts[index].comparison.axis.reset()


_FOLDING_NOTES: Final[dict[Folding, str]] = {
    "closed": "closed hours are folded",
    "all": "closed hours and times without trades are folded",
    "none": "no time is folded",
}


def fold(context: Context) -> None:
    folding = context.state.next_folding()
    context.notes.append(_FOLDING_NOTES[folding])


def speed(direction: int) -> Run:
    def run(context: Context) -> None:
        if context.feed_state not in (FeedState.REPLAY, FeedState.DEMO):
            context.notes.append("the speed can only be changed in a replay or a demo")
            return
        if context.wall_ns - context.state.speed_asked_ns > _ANSWER_NS:
            context.state.speed = context.speed
        now = context.state.speed
        if direction > 0:
            speed = next((s for s in SPEEDS if s > now), SPEEDS[-1])
        else:
            speed = next((s for s in reversed(SPEEDS) if s < now), SPEEDS[0])
        context.state.speed, context.state.speed_asked_ns = speed, context.wall_ns
        context.commands.append(SetSpeed(speed=speed))

    return run


def zoom(factor: float) -> Run:
    def run(context: Context) -> None:
        # Zoom around the live edge, which the keys keep in place.
        state, width = context.state, context.plot_width_px
        state.time.zoom(factor, EDGE_SHARE * width, context.event_ns, width, context.timeline)

    return run


def pan(share: float) -> Run:
    def run(context: Context) -> None:
        context.state.time.pan(share * context.plot_width_px, context.event_ns, context.timeline)
        context.state.time.settle(context.event_ns, timeline=context.timeline)

    return run


def session(direction: int) -> Run:
    def run(context: Context) -> None:
        state, index = context.state, context.focus or 0
        if index >= len(context.markets):
            return
        where = session_steps.StepContext(context.event_ns, context.plot_width_px, context.timeline)
        context.notes.append(session_steps.step(context.markets[index], state.time, direction, where))

    return run


def select(number: int) -> Run:
    return lambda context: context.state.select(number, len(context.names))


def close(context: Context) -> None:
    """Close the focused chart, else the last one."""
    index = len(context.names) - 1 if context.focus is None else context.focus
    if problem := chart_list.close(context.state, context.markets, index):
        context.notes.append(problem)
        return
    context.notes.append(f"{context.names[index]} closed  \u00b7  {context.key('add_chart')} adds a chart")


def link(context: Context) -> None:
    """Put the focused chart into the next link group, or into none behind the last; without focus, all charts."""
    state = context.state
    for index in context.targets:
        own = state.charts[index]
        own.link = (own.link + 1) % (len(GROUPS) + 1)
        own.linked_seen = None
        own.price.reset()
        own.link_resets = own.price.resets  # the axes of the group do not change with it
    groups = {state.charts[index].link for index in context.targets}
    name = context.names[context.focus] if context.focus is not None else "all charts"
    group = groups.pop() if len(groups) == 1 else 0
    context.notes.append(
        f"{name}: linked, {GROUPS[group - 1]} group, in {state.link_unit}" if group else f"{name}: not linked"
    )


def link_time(context: Context) -> None:
    """Give this window its own time axis, or the one of all windows again."""
    state = context.state
    state.is_time_linked = not state.is_time_linked
    context.notes.append(
        "time: the same in all windows" if state.is_time_linked else "time: this window's own, the others do not follow"
    )


def switch_link_unit(context: Context) -> None:
    state = context.state
    state.link_unit = "ticks" if state.link_unit == "percent" else "percent"
    context.notes.append(
        f"linked prices span the same {'percentage' if state.link_unit == 'percent' else 'number of ticks'}"
    )
