"""Interfaces between a window and the program's other windows, implemented by `view.windows`.

Each window runs in its own process and shows the same engine. The main window owns the engine and the user's files.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Literal, Protocol

if TYPE_CHECKING:
    from flow_gl.ui.workspaces.tree import WindowState

MAX_WINDOWS: Final = 8
"""Maximum number of windows, including the main window."""
WorkspaceTask = Literal["save_as", "switch", "rename", "delete", "export", "import_file"]
"""Methods of `ui.workspaces.manager.Manager`."""


class SecondaryWindows(Protocol):
    """The secondary windows, as workspaces in the main window see them."""

    def states(self) -> "Sequence[WindowState]":
        """Return the state of each, for a workspace."""

    def show(self, windows: "Sequence[WindowState]") -> None:
        """Show exactly these windows: open missing ones, close the others."""


class MainWindow(Protocol):
    """The main window, as a secondary window sees it."""

    def run_task(self, task: WorkspaceTask, *given: str) -> str:
        """Request a workspace task. Returns "", or one line if it cannot be sent; a note brings the result."""
