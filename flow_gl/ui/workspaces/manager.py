"""Workspace commands: save, switch, rename, delete, export, import. Each returns one line for the user."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from flow_gl.store.market import MarketReader
from flow_gl.ui.overlays.frame import Frame
from flow_gl.ui.state.chart_list import symbol_of
from flow_gl.ui.state.view_state import ViewState
from flow_gl.ui.windows import MainWindow
from flow_gl.ui.workspaces import workspace_file
from flow_gl.ui.workspaces.apply import apply, gather, gather_window
from flow_gl.ui.workspaces.saved import EXTENSION, LONGEST_NAME, MAX_WORKSPACES, problem_of_name
from flow_gl.ui.workspaces.tree import WindowState, Workspace


class Manager(Protocol):
    """The workspace commands, in any window."""

    def save_as(self, name: str) -> str: ...

    def switch(self, name: str) -> str: ...

    def rename(self, name: str, to: str) -> str: ...

    def delete(self, name: str) -> str: ...

    def export(self, path: str) -> str: ...

    def import_file(self, path: str) -> str: ...


@dataclass(frozen=True, slots=True)
class RemoteManager:
    """The workspace commands in a secondary window: forwarded to the main window, whose results arrive as notes."""

    main_window: MainWindow

    def save_as(self, name: str) -> str:
        return self.main_window.run_task("save_as", name)

    def switch(self, name: str) -> str:
        return self.main_window.run_task("switch", name)

    def rename(self, name: str, to: str) -> str:
        return self.main_window.run_task("rename", name, to)

    def delete(self, name: str) -> str:
        return self.main_window.run_task("delete", name)

    def export(self, path: str) -> str:
        return self.main_window.run_task("export", path)

    def import_file(self, path: str) -> str:
        return self.main_window.run_task("import_file", path)


@dataclass(frozen=True, slots=True)
class WorkspaceManager:
    """The workspace commands in the main window. A workspace covers all windows of the program.

    Attributes
    ----------
    plot_width_px : width of the first chart's plot
    symbols : the charts' symbols as requested, in order
    """

    state: ViewState
    plot_width_px: float
    symbols: Sequence[str]

    def shown(self) -> Workspace:
        """Return the current view as a workspace."""
        window, secondary = self.state.workspaces.window, self.state.workspaces.secondary_windows
        place = {} if window is None else {"window": window.place()}
        states = () if secondary is None else secondary.states()
        return gather(self.state, plot_width_px=self.plot_width_px, symbols=self.symbols, secondary=states, **place)

    def save_as(self, name: str) -> str:
        """Save the current view under a name, replacing an existing workspace, and make that workspace current."""
        saved, name = self.state.workspaces, name.strip()
        if problem := problem_of_name(name):
            return problem
        name = saved.find(name) or name
        if name not in saved.names() and len(saved.names()) == MAX_WORKSPACES:
            return f"at most {MAX_WORKSPACES} workspaces are possible"
        if problem := saved.save(name, self.shown()):
            return problem
        saved.current = name
        return f"workspace {name} saved"

    def switch(self, name: str) -> str:
        """Save the current workspace, then open another one."""
        saved = self.state.workspaces
        saved.refresh()
        if name == saved.current and name in saved.names():
            return f"workspace {name} is in use"
        workspace, problem = saved.read(name)
        if workspace is None:
            return problem or f"there is no workspace {name}"
        before = saved.current
        if before and (problem := saved.save(before, self.shown())):
            return problem
        self._show(workspace)
        saved.current = name
        return f"workspace {name}"

    def rename(self, name: str, to: str) -> str:
        """Give a workspace another name."""
        saved, to = self.state.workspaces, to.strip()
        if to == name:
            return ""
        if problem := problem_of_name(to):
            return problem
        if saved.find(to) not in ("", name):
            return f"there is already a workspace {saved.find(to)}"
        return saved.rename(name, to) or f"{name} is now {to}"

    def delete(self, name: str) -> str:
        """Delete a workspace; the current view does not change."""
        return self.state.workspaces.delete(name) or f"workspace {name} deleted"

    def export(self, path: str) -> str:
        """Write the current view to a file."""
        target = Path(path.strip()).expanduser()
        if not path.strip():
            return "type the path of a file to export to"
        if target.is_dir():
            target /= f"{self.state.workspaces.current or 'workspace'}{EXTENSION}"
        return workspace_file.write(target, self.shown()) or f"exported to {target}"

    def import_file(self, path: str) -> str:
        """Import a file: save it as a workspace under the file's name, and open it."""
        source = Path(path.strip()).expanduser()
        if not path.strip():
            return "type the path of a file to import"
        workspace, problem = workspace_file.read(source, is_ours=False)
        if workspace is None:
            return problem
        saved = self.state.workspaces
        saved.refresh()
        name = self._free_name(source.stem)
        if saved.current:
            saved.save(saved.current, self.shown())
        if problem := saved.save(name, workspace):
            return problem
        self._show(workspace)
        saved.current = name
        return f"workspace {name} imported"

    def _show(self, workspace: Workspace) -> None:
        apply(self.state, workspace, plot_width_px=self.plot_width_px)
        window, secondary = self.state.workspaces.window, self.state.workspaces.secondary_windows
        if window is not None and workspace.window.width:
            window.put(workspace.window)
        if secondary is not None:
            secondary.show(workspace.secondary_window)

    def _free_name(self, wanted: str) -> str:
        """Return an unused workspace name made from a file's name."""
        allowed = "".join(one if not problem_of_name(f"x{one}x") else "-" for one in wanted).strip(" .")
        name = allowed[: LONGEST_NAME - 4] if allowed and not problem_of_name(allowed[:LONGEST_NAME]) else "imported"
        taken = self.state.workspaces.find
        names = (name, *(f"{name} {number}" for number in range(2, MAX_WORKSPACES + 2)))
        return next(one for one in names if not taken(one))


def manager_of(state: ViewState, frame: Frame) -> WorkspaceManager:
    """Return the main window's manager for the charts of a frame."""
    return WorkspaceManager(state, plot_width_px(frame), [symbol_of(market) for market in frame.markets])


def manager_in(state: ViewState, width_px: float, markets: Sequence[MarketReader]) -> Manager:
    """Return the manager of this window.

    Parameters
    ----------
    width_px : width of the first chart's plot, px
    markets : the charts' markets, in order
    """
    first = state.workspaces.main_window
    return (
        RemoteManager(first)
        if first is not None
        else WorkspaceManager(state, width_px, [symbol_of(one) for one in markets])
    )


def window_state(state: ViewState, frame: Frame) -> WindowState:
    """Return a window's state for a workspace."""
    window = state.workspaces.window
    place = {} if window is None else {"window": window.place()}
    symbols = [symbol_of(market) for market in frame.markets]
    return gather_window(state, plot_width_px=plot_width_px(frame), symbols=symbols, **place)


def plot_width_px(frame: Frame) -> float:
    """Return the width of the first chart's plot; 0 without a chart."""
    return frame.charts[0].layout.price.width if frame.charts else 0.0
