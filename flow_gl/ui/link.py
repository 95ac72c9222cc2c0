"""What the view knows of an engine: a link that is polled once a frame and never waits.

The program's own link starts an engine process and attaches its stores; tests and examples give a local one. The view
reads `engine` and `markets`, sends commands, and looks at `generation` to learn that the readers are new ones.
"""

from enum import StrEnum
from typing import Protocol

from flow_gl.core.commands import Command
from flow_gl.store.market import EngineReader, MarketReader


class LinkState(StrEnum):
    STARTING = "starting"
    """No engine has said hello yet."""
    RUNNING = "running"
    RESTARTING = "restarting"
    """The engine died; another one is on its way. The old readers stay, so that the picture does."""
    ENDED = "ended"
    """The engine has ended as asked, or because its feed did and nothing more will come."""
    FAILED = "failed"
    """The engine cannot run: `message` says why in one line, `exit_code` is the program's."""


class Link(Protocol):
    """An engine as the view sees it."""

    engine: EngineReader | None
    """The status; None before the first hello. The view refreshes it, once a frame."""
    markets: list[MarketReader]
    """One per chart, in chart order; grows as charts appear. The view refreshes them, once a frame."""
    state: LinkState
    message: str
    """One line for the user, "" where there is nothing to say."""
    exit_code: int
    """With FAILED: what the program should end with. 0 otherwise."""
    generation: int
    """When it changes, `engine` and `markets` are new objects over new stores: of another engine, or of a chart that
    shows another contract now."""
    restarts: int
    """Counts the engines that took over from one that had died."""

    def poll(self) -> LinkState:
        """Bring the fields up to date. Called once a frame; takes microseconds and never waits."""

    def send(self, command: Command) -> None:
        """Hand a command to the engine; dropped without a word while there is none."""

    def close(self) -> None:
        """End the engine and let go of its stores. Idempotent."""
