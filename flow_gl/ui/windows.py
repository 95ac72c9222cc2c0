"""The program's windows as one of them knows them: interfaces without processes, which `view.windows` implements.

Each window is a view of the same engine, in a process of its own. The first one owns the engine and the user's files.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Literal, Protocol

if TYPE_CHECKING:
    from flow_gl.ui.workspaces.tree import OneWindow

MAX_WINDOWS: Final = 8
"""Windows of the program, the first one included."""
WorkspaceTask = Literal["save_as", "switch", "rename", "delete", "export", "take_in"]
"""What is done with workspaces (`ui.workspaces.manager`)."""


class FurtherWindows(Protocol):
    """The further windows, as the first one's workspaces know them."""

    def kept(self) -> "Sequence[OneWindow]":
        """Return what a workspace keeps of each."""

    def show(self, windows: "Sequence[OneWindow]") -> None:
        """Have exactly these windows: open missing ones, close the others."""


class FirstWindow(Protocol):
    """The first window, as a further one knows it."""

    def ask_manager(self, task: WorkspaceTask, *given: str) -> str:
        """Ask for something to be done with the workspaces. Returns "": the answer arrives as a note."""
