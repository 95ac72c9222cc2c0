"""The user's workspaces: a folder with one file for each, and `last.toml` for the view at the program's end.

A workspace is saved when the user switches to another one and when the program ends. Without a folder nothing is read
or written, and workspaces exist only as long as the program runs.
"""

from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

import msgspec

from flow_gl.core.system import folders
from flow_gl.ui.windows import MainWindow, SecondaryWindows
from flow_gl.ui.workspaces import older, workspace_file
from flow_gl.ui.workspaces.tree import Memory, WindowPlace, Workspace

LAST: Final = "last"
LONGEST_NAME: Final = 40
MAX_WORKSPACES: Final = 50
_NOT_IN_NAMES: Final = frozenset('/\\:*?"<>|')
EXTENSION: Final = ".toml"


class WindowPlacement(Protocol):
    """Reads and sets the window's placement."""

    def place(self) -> WindowPlace: ...

    def put(self, place: WindowPlace) -> None: ...


def default_folder() -> Path:
    """Return the folder of workspaces in the user's settings folder."""
    return folders.config_dir() / "workspaces"


@dataclass(slots=True)
class SavedWorkspaces:
    """The saved workspaces.

    Attributes
    ----------
    folder : None if nothing is stored on disk
    current : name of the workspace in use; "" for one without a name
    window : None without a window
    secondary_windows : the secondary windows; None in one of them, and without a window
    main_window : carries out everything done with workspaces; None in the main window itself
    """

    folder: Path | None = None
    current: str = ""
    window: WindowPlacement | None = None
    secondary_windows: SecondaryWindows | None = None
    main_window: MainWindow | None = None
    _names: list[str] = field(default_factory=list)
    _unsaved: dict[str, Workspace] = field(default_factory=dict)
    """The workspaces if there is no folder."""

    def names(self) -> list[str]:
        """Return the names of the saved workspaces, in alphabetical order."""
        return self._names

    def refresh(self) -> None:
        """Read the list of names from the folder again."""
        found = set(self._unsaved)
        if self.folder is not None:
            with suppress(OSError):
                found = {one.stem for one in self.folder.glob(f"*{EXTENSION}") if is_name(one.stem)}
        self._names = sorted(found, key=str.casefold)[:MAX_WORKSPACES]

    def find(self, name: str) -> str:
        """Return the saved name that matches regardless of case; "" if there is none."""
        return next((one for one in self._names if one.casefold() == name.casefold()), "")

    def path(self, name: str) -> Path | None:
        return None if self.folder is None else self.folder / f"{name}{EXTENSION}"

    def read(self, name: str) -> tuple[Workspace | None, str]:
        """Return a saved workspace, or None and one line on why it cannot be used."""
        path = self.path(name)
        if path is None:
            return self._unsaved.get(name), ""
        workspace, problem = workspace_file.read(path)
        if workspace is None:
            self.refresh()
        return workspace, problem or ("" if workspace else f"there is no workspace {name}")

    def save(self, name: str, workspace: Workspace) -> str:
        """Save a workspace. Returns "", or one line if it could not be saved."""
        path, workspace = self.path(name), msgspec.structs.replace(workspace, memory=None)
        if path is None:
            self._unsaved[name] = workspace
        elif problem := workspace_file.write(path, workspace):
            return problem
        self.refresh()
        return ""

    def rename(self, name: str, to: str) -> str:
        """Rename a workspace. Returns "", or one line on why not."""
        source, target = self.path(name), self.path(to)
        try:
            if source is not None and target is not None:
                source.rename(target)
            else:
                self._unsaved[to] = self._unsaved.pop(name)
        except OSError as error:
            return f"cannot rename {name}: {error.strerror or error}"
        self.current = to if self.current == name else self.current
        self.refresh()
        return ""

    def delete(self, name: str) -> str:
        """Delete a workspace; the current view stays. Returns "", or one line on why not."""
        path = self.path(name)
        try:
            if path is not None:
                path.unlink(missing_ok=True)
        except OSError as error:
            return f"cannot delete {name}: {error.strerror or error}"
        self._unsaved.pop(name, None)
        self.current = "" if self.current == name else self.current
        self.refresh()
        return ""

    def load_last(self) -> tuple[Workspace, str]:
        """Return the view at the last end of the program, and one line if its file cannot be used."""
        self.refresh()
        path = self.path(LAST)
        if path is None:
            return Workspace(), ""
        workspace, problem = workspace_file.read(path)
        if workspace is None and not problem:
            workspace = older.read(path.parent.with_name(older.FILE))
        workspace = workspace or Workspace()
        if workspace.memory is not None:
            self.current = self.find(workspace.memory.workspace) if workspace.memory.workspace else ""
        return workspace, f"{problem}; using defaults" if problem else ""

    def save_last(self, workspace: Workspace, memory: Memory) -> str:
        """Save the view at the program's end, also under its name if it has one. Returns "", or one line on failure."""
        path = self.path(LAST)
        if path is None:
            return ""
        memory = msgspec.structs.replace(memory, workspace=self.current)
        problem = workspace_file.write(path, msgspec.structs.replace(workspace, memory=memory))
        return (self.save(self.current, workspace) if self.current else "") or problem


def is_name(text: str) -> bool:
    """Return whether a text can be a workspace's name."""
    return not problem_of_name(text)


def problem_of_name(text: str) -> str:
    """Return why a text cannot be a workspace's name, one line; "" if it can."""
    if not text.strip():
        return "a workspace needs a name"
    if len(text) > LONGEST_NAME:
        return f"a name has at most {LONGEST_NAME} characters"
    if text != text.strip() or text.startswith(".") or not text.isprintable() or _NOT_IN_NAMES & set(text):
        return f"a name must not contain {' '.join(sorted(_NOT_IN_NAMES))} or begin with a dot"
    if text.casefold() == LAST:
        return f'"{LAST}" is reserved for the last view: choose another name'
    return ""
