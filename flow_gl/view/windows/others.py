"""The program's other windows, as the loop around a window's frames sees them."""

from typing import Protocol

from flow_gl.ui.workspaces.saved import WindowKeeper
from flow_gl.ui.workspaces.tree import OneWindow
from flow_gl.view.frame_loop import FrameLoop


class OtherWindows(Protocol):
    """Implemented by `opener` for the first window and by `further` for the others."""

    @property
    def must_close(self) -> bool:
        """Whether another window has asked for the end of this one."""

    def begin(self, loop: FrameLoop, window: WindowKeeper, last: OneWindow) -> None:
        """Take part, from the loop's first frame on.

        Parameters
        ----------
        last : how this window, or the program, was left
        """

    def exchange(self) -> bool:
        """Do what other windows say, and tell them what has changed here. True if something here has changed."""

    def open_window(self) -> None:
        """Open another window that looks like this one."""

    def may_close(self) -> bool:
        """Whether the window closes if the user asks for it now; a note says why not."""

    def quit(self) -> None:
        """End the program with all its windows."""

    def close(self) -> None:
        """Stop taking part, because this window closes. Idempotent; waits a few seconds at most."""
