"""What a window begins with and leaves behind: the view as it was left, alerts, the program's other windows."""

from typing import TYPE_CHECKING

from flow_gl.core.clock import Clock
from flow_gl.core.log import get_logger
from flow_gl.ui.alerts.center import AlertCenter
from flow_gl.ui.state.chart_list import symbol_of
from flow_gl.ui.state.options import ViewOptions
from flow_gl.ui.state.view_state import ViewState
from flow_gl.ui.workspaces import apply
from flow_gl.ui.workspaces.manager import manager_of
from flow_gl.ui.workspaces.tree import Memory, OneWindow
from flow_gl.view.frame_loop import FrameLoop
from flow_gl.view.windows.opener import WindowOpener
from flow_gl.view.windows.others import OtherWindows

if TYPE_CHECKING:
    from flow_gl.view.windows.further import FurtherWindow


def restore(state: ViewState, options: ViewOptions, further: "FurtherWindow | None") -> tuple[OneWindow, list[str]]:
    """Put a window's view as it was left into a state.

    Returns
    -------
    last : how the window, or the program, was left
    problems : for the user, one line each
    """
    if further is not None:
        shown = further.spec.shown
        apply.apply_window(state, shown)
        apply.override(state, options.settings)
        state.left_feed = frozenset(further.spec.feed)
        return shown, []
    last, warning = state.workspaces.load_last()
    apply.apply(state, last)
    apply.recall(state, last.memory)
    refused = apply.override(state, options.settings)
    return last, [line for line in (warning, refused) if line]


def alerts_of(options: ViewOptions, *, is_first: bool) -> AlertCenter:
    """Return what carries out alerts. Sounds and notifications are made by the first window only, and need one."""
    from flow_gl.ui.alerts.notify import Notifier
    from flow_gl.ui.alerts.sound import Sounder

    has_voice = is_first and not options.headless
    return AlertCenter(
        options.alerts,
        sounder=Sounder() if has_voice else None,
        notifier=Notifier() if has_voice else None,
        is_heard_elsewhere=not is_first,
    )


def others_of(options: ViewOptions, clock: Clock, further: "FurtherWindow | None") -> OtherWindows:
    """Return the program's other windows as this one sees them."""
    return further or WindowOpener(options, clock)


def remember(loop: FrameLoop) -> None:
    """Save the view as it is left, all windows included."""
    if loop.frame is None:
        return
    state = loop.state
    feed = [symbol_of(market) for market in loop.frame.link.markets]
    memory = Memory(feed=feed, recent_actions=state.recent_actions, used_hints=state.hints.used)
    problem = state.workspaces.save_last(manager_of(state, loop.frame).shown(), memory)
    if problem:
        get_logger("view").warning(problem)
