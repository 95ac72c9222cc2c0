"""The main window of a program in this process, over a real engine; its secondary windows are other processes."""

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from flow_gl.core.clock import SYSTEM
from flow_gl.core.settings import AggregationSettings
from flow_gl.core.spec import DemoSpec, EngineSpec
from flow_gl.ui.state.options import ViewOptions
from flow_gl.ui.workspaces.saved import SavedWorkspaces
from flow_gl.ui.workspaces.tree import WindowPlace, WindowState, Workspace
from flow_gl.view.engine_link.supervisor import EngineLink
from flow_gl.view.window_place import PlacementTracker
from flow_gl.view.windows.opener import WindowOpener
from tests.kit.pilot import WindowPilot
from tests.kit.screens import virtual_display, window_manager

DEMO = EngineSpec(feed=DemoSpec(symbols=("NQ",), history_s=300.0), aggregation=AggregationSettings(sessions=False))
SMALL = WindowPlace(x=700, y=40, width=500, height=400)


class MainWindow(WindowPilot):
    """The main window over a real engine, and the windows that it opens."""

    def __init__(self, display: str, folder: Path, link: EngineLink) -> None:
        super().__init__(display, size=(600, 400), link=link)
        kept = PlacementTracker(self.window, WindowPlace())
        self.state.workspaces = SavedWorkspaces(folder, window=kept)
        self.opener = WindowOpener(ViewOptions(workspaces=folder), SYSTEM)
        self.opener.begin(self.loop, kept, Workspace())

    def frame_once(self) -> None:
        if hasattr(self, "opener"):
            self.opener.exchange()
        super().frame_once()

    def close(self) -> None:
        self.opener.close()
        super().close()

    def notes(self) -> str:
        return "; ".join(text for text, _ in self.loop.overlays.notes.lines(self.frame.steady_s))

    def open(self, *windows: WindowState) -> None:
        """Have these secondary windows, and wait until they show the feed."""
        self.opener.show(windows)
        self.until(lambda: len(self.opener.states()) == len(windows), "the windows did not open")
        for number in range(2, 2 + len(windows)):
            self.until(lambda number=number: self.reads(number), f"window {number} shows no market")

    def reads(self, number: int) -> bool:
        """Return whether a window has attached the stores that this one shows."""
        names = [self.link.engine.name if self.link.engine else "?", *(one.store.name for one in self.link.markets)]
        pid = self.opener.pid(number)
        maps = Path(f"/proc/{pid}/maps").read_text(encoding="utf-8") if pid else ""
        return bool(self.link.markets) and all(name in maps for name in names)


@contextmanager
def main_window(folder: Path) -> Iterator[MainWindow]:
    """Open a main window with trades on a virtual screen with a window manager."""
    before = os.environ.get("DISPLAY")
    with (
        virtual_display(1280, 800) as (display, _),
        window_manager(display, folder),
        closing(EngineLink.start(DEMO)) as link,
    ):
        os.environ["DISPLAY"] = display
        try:
            first = MainWindow(display, folder / "workspaces", link)
            first.until(lambda: any(one.session["trade_count"] for one in link.markets), "the engine has no trades")
            yield first
            first.close()
        finally:
            os.environ.pop("DISPLAY") if before is None else os.environ.__setitem__("DISPLAY", before)
