"""`flow-gl` without a command: a window with a start screen, which opens what the user chooses."""

import os
import sys
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Final

from flow_gl.core.errors import FlowError, UsageError
from flow_gl.ui.start import Choice, Offer, StartScreen

if TYPE_CHECKING:
    from flow_gl.cli.draw import AnyFeed
    from flow_gl.cli.recent import Recent
    from flow_gl.core.settings import Settings

MAX_SESSIONS: Final = 5
_FILE_ENDINGS: Final = (".dbn", ".zst", ".gz", ".csv")


def has_display(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether a window can be expected to open: on Linux, whether a display is named."""
    if not sys.platform.startswith("linux"):
        return True
    return bool(environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY"))


def with_command(arguments: list[str], commands: set[str]) -> list[str]:
    """Insert the command that a first argument implies: `replay` for a file, `connect` for a server."""
    first = arguments[0] if arguments else ""
    if not first or first.startswith("-") or first in commands:
        return arguments
    if first.startswith(("ws://", "wss://", "nats://", "tls://")):
        return ["connect", *arguments]
    if first.lower().endswith(_FILE_ENDINGS) or os.sep in first or Path(first).is_file():
        return ["replay", *arguments]
    return arguments


def start() -> int:
    """Show the start screen, then what the user chooses, until the window closes; return the exit code.

    Raises
    ------
    FlowError : the window cannot be opened, a setting is invalid
    """
    from flow_gl.cli import draw
    from flow_gl.cli.options import Drawing
    from flow_gl.core.log import start_log
    from flow_gl.core.system.environment import check_compiler, check_drawing
    from flow_gl.view.start_link import StartLink

    drawing = Drawing()
    settings = draw.read_settings(drawing, {})
    check_compiler()
    check_drawing()
    rules = draw.kept_rules(drawing)
    start_log("view", level=settings.log_level, is_verbose=drawing.debug)
    link = StartLink()

    def opened(choice: Choice) -> str:
        from flow_gl.cli import recent
        from flow_gl.view.engine_link.supervisor import EngineLink

        try:
            feed, screen.title = feed_of(choice, settings)
        except FlowError as error:
            return str(error)
        spec = draw.engine_spec(feed, settings, drawing, rules)
        link.open(EngineLink.start(spec, environment=draw.engine_environment(feed, settings)))
        draw.note_recent(feed, recent.default_path())
        return ""

    screen = link.screen = offers(settings, opened)
    options = draw.view_options(settings, drawing, screen.title, rules, start=screen)
    from flow_gl.view.program import run_view

    with closing(link):
        code = run_view(options, link)
    if link.exit_code:
        raise draw.EngineError(link.message, link.exit_code)
    return code


def feed_of(choice: Choice, settings: "Settings") -> "tuple[AnyFeed, str]":
    """Return the feed that was chosen, and a title. Raises FlowError: no such file, no valid address, no key."""
    from flow_gl.cli.connect import remote_feed
    from flow_gl.cli.feeds import DemoFlags, LiveFlags, ReplayFlags

    if choice.kind == "files":
        return ReplayFlags(files=[Path(path).expanduser() for path in choice.values]).feed(settings)
    if choice.kind == "live":
        return LiveFlags().feed(settings)
    if choice.kind == "demo":
        return DemoFlags().feed(settings)
    (text,) = choice.values
    remote = remote_feed(text, settings, symbols=None, may_be_plain=False)
    if remote.settings is not settings:
        raise UsageError("a bus's login is not entered here: set FLOW_GL_BUS_LOGIN, or use flow-gl connect")
    return remote.spec, f"flow_gl {remote.hosts}"


def offers(settings: "Settings", opened: Callable[[Choice], str]) -> StartScreen:
    """Return the start screen with what this machine has: recent feeds, recorded sessions, a key."""
    from flow_gl.cli import recent

    return StartScreen(
        open=opened,
        live=tuple(settings.symbols) if settings.api_key is not None else (),
        recent=[_recent(one) for one in recent.load(recent.default_path())],
        sessions=_sessions(settings),
    )


def _recent(one: "Recent") -> Offer:
    if one.kind == "server":
        return Offer(one.values[0], "server", Choice("server", one.values))
    paths = [Path(value) for value in one.values]
    more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
    detail = "no longer there" if not all(path.exists() for path in paths) else _short(paths[0].parent)
    return Offer(f"{paths[0].name}{more}", detail, Choice("files", one.values))


def _short(folder: Path) -> str:
    """Return a folder's path with ~ for the home folder."""
    try:
        return str(Path("~") / folder.relative_to(Path.home()))
    except (ValueError, RuntimeError):
        return str(folder)


def _sessions(settings: "Settings") -> list[Offer]:
    """Return the newest recorded sessions; none where the folder cannot be read."""
    from flow_gl.core.system.folders import recordings_dir
    from flow_gl.services.recording.folder import list_recordings

    try:
        found = [one for one in list_recordings(settings.record_dir or recordings_dir()) if not one.is_aside]
    except (OSError, FlowError):
        return []
    listed = []
    for one in reversed(found[-MAX_SESSIONS:]):
        date = f"{one.trade_date // 10000}-{one.trade_date // 100 % 100:02d}-{one.trade_date % 100:02d}"
        detail = f"{one.dataset}  {one.nbytes / 1e6:,.1f} MB"
        listed.append(Offer(date, detail, Choice("files", (str(one.path.absolute()),))))
    return listed
