"""A window's start and end: restores and saves the view, makes the alert center, connects to the other windows."""

from typing import TYPE_CHECKING

from flow_gl.core.clock import Clock
from flow_gl.core.log import get_logger
from flow_gl.ui.alerts.center import AlertCenter
from flow_gl.ui.state.chart_list import symbol_of
from flow_gl.ui.state.options import ViewOptions
from flow_gl.ui.state.view_state import ViewState
from flow_gl.ui.workspaces import apply
from flow_gl.ui.workspaces.manager import manager_of
from flow_gl.ui.workspaces.tree import Memory, WindowState
from flow_gl.view.frame_loop import FrameLoop
from flow_gl.view.windows.opener import WindowOpener
from flow_gl.view.windows.others import OtherWindows

if TYPE_CHECKING:
    from flow_gl.view.windows.secondary import SecondaryWindow


def restore(
    state: ViewState, options: ViewOptions, secondary: "SecondaryWindow | None"
) -> tuple[WindowState, list[str]]:
    """Restore a window's last view into `state`.

    Returns
    -------
    last : the restored state of the window, or of the whole program
    problems : messages for the user, one line each
    """
    if secondary is not None:
        shown = secondary.spec.shown
        apply.apply_window(state, shown)
        apply.override(state, options.settings)
        state.left_feed = frozenset(secondary.spec.feed)
        return shown, []
    last, warning = state.workspaces.load_last()
    apply.apply(state, last)
    apply.recall(state, last.memory)
    refused = apply.override(state, options.settings)
    return last, [line for line in (warning, refused) if line]


def alerts_of(options: ViewOptions, *, is_main: bool) -> AlertCenter:
    """Return the alert center. Only a main window that is not headless plays sounds and notifies."""
    from flow_gl.ui.alerts.notify import Notifier
    from flow_gl.ui.alerts.sound import Sounder

    has_voice = is_main and not options.headless
    return AlertCenter(
        options.alerts,
        sounder=Sounder() if has_voice else None,
        notifier=Notifier() if has_voice else None,
        is_heard_elsewhere=not is_main,
    )


def others_of(options: ViewOptions, clock: Clock, secondary: "SecondaryWindow | None") -> OtherWindows:
    """Return this window's interface to the other windows."""
    return secondary or WindowOpener(options, clock)


def remember(loop: FrameLoop) -> None:
    """Save the current view of all windows as the last one."""
    if loop.frame is None:
        return
    state = loop.state
    symbols = [symbol_of(market) for market in loop.frame.link.markets]
    # Without symbols that were added later: the next run requests those from the same feed again.
    feed = [symbol for symbol in symbols if symbol in (state.first_feed or symbols)]
    memory = Memory(feed=feed, recent_actions=state.recent_actions, used_hints=state.hints.used)
    problem = state.workspaces.save_last(manager_of(state, loop.frame).shown(), memory)
    if problem:
        get_logger("view").warning(problem)
