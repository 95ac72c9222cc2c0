"""The frame loop's interface to the program's other windows."""

from typing import Protocol

from flow_gl.ui.workspaces.saved import WindowPlacement
from flow_gl.ui.workspaces.tree import WindowState
from flow_gl.view.frame_loop import FrameLoop


class OtherWindows(Protocol):
    """The other windows. Implemented by `opener` in the main window and by `secondary` in the others."""

    @property
    def must_close(self) -> bool:
        """Whether this window must close at the request of another one."""

    def begin(self, loop: FrameLoop, window: WindowPlacement, last: WindowState) -> None:
        """Start exchanging messages, from the loop's first frame on.

        Parameters
        ----------
        last : the state in which this window, or the program, was last closed
        """

    def exchange(self) -> bool:
        """Apply the other windows' messages and send them local changes. Returns whether this window changed."""

    def open_window(self) -> None:
        """Open another window like this one."""

    def may_close(self) -> bool:
        """Return whether the window may close at the user's request; if not, a note gives the reason."""

    def quit(self) -> None:
        """Quit the program and close all its windows."""

    def close(self) -> None:
        """Stop exchanging messages because this window closes. Idempotent; waits a few seconds at most."""
