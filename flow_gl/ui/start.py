"""The choices of the start screen, and the user's selection. Plain data: the command line fills and serves it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

Kind = Literal["demo", "live", "files", "server"]


class Choice(NamedTuple):
    """A feed to open.

    Attributes
    ----------
    values : paths of files, or the address of a server
    """

    kind: Kind
    values: tuple[str, ...] = ()


class Offer(NamedTuple):
    """A line of the start screen.

    Attributes
    ----------
    detail : behind the title, in the quiet colour
    """

    title: str
    detail: str
    choice: Choice


@dataclass(slots=True)
class StartScreen:
    """The start screen of a program that was started without a feed.

    Attributes
    ----------
    open : starts a feed; returns "", or in one line why it cannot
    live : symbols of the live feed; () without a key
    is_open : the screen is shown; False once a feed was chosen
    problem : why the last choice failed, one line
    title : of the window
    typed : the kind of the last choice if it was typed into a field
    """

    open: Callable[[Choice], str]
    live: tuple[str, ...] = ()
    recent: Sequence[Offer] = ()
    sessions: Sequence[Offer] = ()
    is_open: bool = True
    problem: str = ""
    title: str = "flow_gl"
    typed: Kind | None = None
    path: str = field(default="")
    address: str = field(default="ws://127.0.0.1:8080")
    """The text typed into the fields for a file and for a server."""

    def choose(self, choice: Choice) -> None:
        """Open a feed. The screen stays, with the reason, if that is not possible."""
        self.typed, self.problem = None, self.open(choice)
        self.is_open = bool(self.problem)

    def fail(self, problem: str) -> None:
        """Show the screen again: the feed that was chosen could not be read."""
        self.problem, self.is_open = problem, True
