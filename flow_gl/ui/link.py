"""The view's interface to an engine: a link that is polled once per frame and never blocks.

The program's link starts an engine process and attaches its stores; tests and examples use a local one. The view reads
`engine` and `markets`, sends commands, and compares `generation` to detect replaced readers.
"""

from collections.abc import Collection, Sequence
from enum import StrEnum
from typing import Protocol

from flow_gl.core.commands import Command
from flow_gl.store.market import EngineReader, MarketReader
from flow_gl.store.timeline import TimelineStore


class LinkState(StrEnum):
    STARTING = "starting"
    """No engine has sent its hello yet."""
    RUNNING = "running"
    RESTARTING = "restarting"
    """The engine died and another one is being started. The old readers remain, so the chart stays visible."""
    ENDED = "ended"
    """The engine has ended, on request or because its feed ended."""
    FAILED = "failed"
    """The engine cannot run: `message` gives the reason in one line, `exit_code` the program's exit code."""


class Link(Protocol):
    """An engine as the view sees it."""

    owns_engine: bool
    """Whether this process started the engine. Only its owner sends an engine settings and alert rules."""
    engine: EngineReader | None
    """The engine's status; None before the first hello. The view refreshes it once per frame."""
    markets: list[MarketReader]
    """One per chart, in chart order; grows as charts appear. The view refreshes them once per frame."""
    timeline: TimelineStore | None
    """The data of a replay's seek bar; None if there is no seek bar."""
    state: LinkState
    message: str
    """One line for the user; "" if there is no message."""
    exit_code: int
    """Exit code for the program if the state is FAILED; 0 otherwise."""
    generation: int
    """Changes whenever `engine` or `markets` refer to new stores: another engine took over, or a chart shows another
    contract."""
    restarts: int
    """Number of times that an engine was restarted after it died."""
    offered: Sequence[str]
    """Symbols that the feed can chart, busiest first; empty if not known."""

    addable_stype: str
    """Type (`stype_in`) of the other symbols that can be requested; "" if none can be."""

    def poll(self) -> LinkState:
        """Update the fields. Called once per frame; takes microseconds and never blocks."""

    def send(self, command: Command) -> None:
        """Send a command to the engine. Silently dropped if no engine runs."""

    def add(self, symbol: str) -> str:
        """Request a market for a symbol, without affecting the others. Returns "", or one line on why it is impossible.

        The market comes into `markets` later: behind the others, or, if all places are taken, in that of one that no
        window needs (`need`). `refusals` gives the reason if it does not come.
        """

    def need(self, symbols: Collection[str], *, window: int = 0) -> None:
        """Note which symbols a window needs, after each change: only others are released when a place is needed.

        Parameters
        ----------
        symbols : as requested; none once the window is closed
        window : number of a secondary window; 0 for this process's own
        """

    def refusals(self) -> list[tuple[str, str]]:
        """Return, once each, the requested symbols that cannot be added, with the reason in one line."""

    def close(self) -> None:
        """End the engine and release its stores. Idempotent."""


class LinkFields:
    """The fields of a `Link` with their initial values."""

    def __init__(self, *, owns_engine: bool = True) -> None:
        self.owns_engine = owns_engine
        self.engine: EngineReader | None = None
        self.markets: list[MarketReader] = []
        self.timeline: TimelineStore | None = None
        self.state = LinkState.STARTING
        self.message = ""
        self.exit_code = 0
        self.generation = 0
        self.restarts = 0
        self.offered: Sequence[str] = ()
        self.addable_stype = ""

    def need(self, symbols: Collection[str], *, window: int = 0) -> None:
        """Do nothing: markets are never released."""
