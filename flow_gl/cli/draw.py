"""Turns flags into settings, an engine spec and view options, then runs the view until it ends."""

import os
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from flow_gl.cli.options import Drawing, Serving
from flow_gl.core import bus_address, config
from flow_gl.core.errors import EXIT_FAULT, DataError, DisplayError, FeedError, FlowError, UsageError
from flow_gl.core.market import rejections
from flow_gl.core.schema import FeedState
from flow_gl.core.settings import REGULAR, Secret, Settings
from flow_gl.core.spec import (
    KEY_VARIABLE,
    LOGIN_VARIABLE,
    TOKEN_VARIABLE,
    BusServers,
    BusSpec,
    DemoSpec,
    EngineSpec,
    FilesSpec,
    LiveSpec,
    PublishSpec,
    RemoteSpec,
)
from flow_gl.core.stderr import print_message
from flow_gl.core.system.environment import check_compiler, check_drawing
from flow_gl.core.system.interrupts import Interrupted
from flow_gl.core.system.packages import install_advice
from flow_gl.ui.start import StartScreen
from flow_gl.ui.state.options import ViewOptions

if TYPE_CHECKING:
    from flow_gl.ui.alerts.rule_file import KeptRules
    from flow_gl.view.engine_link.supervisor import EngineLink

AnyFeed = FilesSpec | DemoSpec | LiveSpec | RemoteSpec | BusSpec
SHORTEST_S: Final = 0.1
LONGEST_S: Final = 31_536_000.0
INPUT_CHECK_S: Final = 5.0
"""How long to wait, if there is no display, for the engine to report an error in its input."""
ENGINE_END_S: Final = 1.0
"""How long to wait for an engine to end after its feed has failed."""


def read_settings(drawing: Drawing, given: Mapping[str, object]) -> Settings:
    """Load the settings; a command's flags override them. Raises FlowError."""
    settings = config.load(given, config=drawing.config)
    if drawing.duration is not None and not SHORTEST_S <= drawing.duration <= LONGEST_S:
        raise UsageError(f"--duration: expected {SHORTEST_S:g} to {LONGEST_S:.0f} seconds, got {drawing.duration:g}")
    if drawing.serve and drawing.metrics:
        raise UsageError("--metrics: with --serve, /metrics is on the server's port: omit --metrics")
    for path, flag, endings in (
        (drawing.screenshot, "--screenshot", (".png",)),
        (drawing.video, "--record", (".mp4", ".m4v")),
    ):
        if path is not None:
            _check_output(path, flag, endings)
    return settings


def _check_output(path: Path, flag: str, endings: tuple[str, ...]) -> None:
    """Check before the start that a picture or a video can be written. Raises FlowError."""
    if path.suffix and path.suffix.lower() not in endings:
        kind = "a picture is written as PNG" if ".png" in endings else "a video is written as MP4"
        raise UsageError(f"{flag} {path}: {kind}: expected a name that ends in {endings[0]}")
    folder = path.absolute().parent
    if not folder.is_dir():
        raise UsageError(f"{flag} {path}: there is no folder {folder}")
    if path.is_dir():
        raise UsageError(f"{flag} {path}: expected a file name, this is a folder")
    is_special = path.exists() and not path.is_file()
    if not os.access(path if is_special else folder, os.W_OK):
        raise FlowError(f"{flag} {path}: the folder {folder} cannot be written to")


def check_files(paths: list[Path]) -> tuple[str, ...]:
    """Return the absolute paths of existing files; their content is checked when it is read. Raises DataError."""
    for path in paths:
        if path.is_dir():
            raise DataError(f"{path} is a folder: give the files in it, like {path}/*.dbn.zst")
        if not path.exists():
            raise DataError(f"{path}: there is no such file")
    return tuple(str(path.absolute()) for path in paths)


def show(
    feed: AnyFeed,
    settings: Settings,
    drawing: Drawing,
    *,
    title: str,
    serving: Serving | None = None,
) -> int:
    """Start an engine for the feed, draw until the view ends, and return the exit code.

    Parameters
    ----------
    serving : how to serve the numbers as well; None: not at all

    Raises
    ------
    FlowError : the engine could not run; DataError if the replayed data are damaged, after the rest was drawn
    """
    from flow_gl.core.log import start_log

    if settings.aggregation.session_profile == REGULAR and not settings.aggregation.sessions:
        raise UsageError("--session-profile regular needs sessions: leave out --no-sessions")
    check_compiler()
    check_drawing()
    rules = kept_rules(drawing)
    start_log("view", level=settings.log_level, is_verbose=drawing.debug)
    if not drawing.headless:
        from flow_gl.cli import recent

        note_recent(feed, recent.default_path())
    link = _start(feed, settings, drawing, rules, serving)
    try:
        with closing(link):
            code = _draw(link, feed, view_options(settings, drawing, title, rules))
    except Interrupted:
        if link.exit_code:
            print_message(f"error: {link.message}")
        raise
    if link.exit_code:
        # The engine reports only at its end that something was not written.
        raise EngineError(link.message, link.exit_code)
    return code


def _start(
    feed: AnyFeed,
    settings: Settings,
    drawing: Drawing,
    rules: "KeptRules",
    serving: Serving | None,
) -> "EngineLink":
    """Start the engine, and a server if one is requested."""
    from flow_gl.view.engine_link.supervisor import EngineLink

    spec, environment = engine_spec(feed, settings, drawing, rules), engine_environment(feed, settings)
    if serving is None or not (drawing.serve or drawing.metrics):
        return EngineLink.start(spec, environment=environment)
    from flow_gl.cli import served

    if drawing.metrics:
        serving = replace(serving, port=drawing.metrics, workers=1)
    workers = served.start_workers(serving, feed, settings, drawing)
    link = served.ServedLink.start(spec, environment=environment)
    link.serve(workers, spec, serving, is_needed=False)
    return link


def kept_rules(drawing: Drawing) -> "KeptRules":
    """Return the user's alert rules. A headless picture must not depend on them."""
    from flow_gl.ui.alerts import rule_file

    return rule_file.load(None if drawing.headless else rule_file.default_path())


def engine_environment(feed: AnyFeed, settings: Settings) -> dict[str, str]:
    """Return the variables with the secrets that a feed needs; empty ones hide those of the environment."""
    key = settings.api_key if isinstance(feed, LiveSpec) else None
    token = settings.token if isinstance(feed, RemoteSpec) else None
    login = _bus_login(settings) if isinstance(feed, BusSpec) or settings.bus else None
    return {
        name: secret.get_secret_value() if secret else ""
        for name, secret in ((KEY_VARIABLE, key), (TOKEN_VARIABLE, token), (LOGIN_VARIABLE, login))
    }


def _draw(link: "EngineLink", feed: AnyFeed, options: ViewOptions) -> int:
    """Draw until the view ends and return the exit code. Raises the errors of `show`."""
    # Imported after the engine was started, so that both processes import at the same time.
    from flow_gl.ui.link import LinkState
    from flow_gl.view.program import run_view

    try:
        code = run_view(options, link)
    except DisplayError:
        # An error in the files or the feed is reported before a missing display.
        if message := link.failure_within(INPUT_CHECK_S):
            raise EngineError(message, link.exit_code) from None
        raise
    if link.state is LinkState.FAILED and code:
        raise EngineError(link.message, code)
    if options.headless and link.engine is not None and int(link.engine.status["state"]) == FeedState.FAILED:
        # The exit code of an engine that ends arrives shortly after its status shows the failure.
        if message := link.failure_within(ENGINE_END_S):
            raise EngineError(message, link.exit_code)
        if link.state is LinkState.RESTARTING:
            raise EngineError(link.message, EXIT_FAULT)
        raise FeedError(link.engine.text("message"))
    for market in link.markets:
        if line := rejections.describe(rejections.counts_of(market.session)):
            print_message(f"note: {market.symbol or market.requested}: {line}")
    if options.headless and isinstance(feed, LiveSpec | RemoteSpec | BusSpec) and (refusal := _refusal(link, feed)):
        raise FeedError(refusal)
    if link.engine is not None and link.engine.status["damaged"]:
        raise DataError(link.engine.text("message"))
    return code


def _refusal(link: "EngineLink", feed: LiveSpec | RemoteSpec | BusSpec) -> str:
    """Return why a run without a window got no trade if the gateway or the server is the cause, else ""."""
    if link.engine is None or any(market.session["trade_count"] for market in link.markets):
        return ""
    status = link.engine.status
    if int(status["state"]) in (FeedState.CONNECTING, FeedState.RECONNECTING):
        return link.engine.text("message") or "not connected"
    if isinstance(feed, LiveSpec) and link.markets and all(status["not_found"][: len(link.markets)]):
        return f"{', '.join(feed.symbols)}: the gateway does not know this symbol"
    return ""


class EngineError(FlowError):
    """The failure that an engine reported when it ended."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def engine_spec(feed: AnyFeed, settings: Settings, drawing: Drawing, rules: "KeptRules") -> EngineSpec:
    """Return the engine's task."""
    return EngineSpec(
        feed=feed,
        aggregation=settings.aggregation,
        alerts=rules.book.for_engine(),
        publish=_publish(settings) if settings.bus and not isinstance(feed, RemoteSpec | BusSpec) else None,
        log_level=settings.log_level,
        debug=drawing.debug,
    )


def _publish(settings: Settings) -> PublishSpec:
    """Return the bus to publish on. Raises UsageError."""
    from flow_gl.core.bus_address import parse_bus
    from flow_gl.core.market.lod import THRESHOLD

    if find_spec("nats") is None:
        raise UsageError(f"--bus needs nats-py, which is not installed: {install_advice('bus')}")
    bus = BusServers(
        servers=parse_bus(settings.bus or "").servers,
        ca=str(settings.ca.absolute()) if settings.ca else None,
        creds=str(settings.bus_creds.absolute()) if settings.bus_creds else None,
    )
    return PublishSpec(bus=bus, threshold=THRESHOLD if settings.threshold is None else settings.threshold)


def _bus_login(settings: Settings) -> Secret | None:
    """Return the login for the bus; that of the address takes precedence."""
    from flow_gl.core.bus_address import parse_bus
    from flow_gl.core.log import protect_login

    if settings.bus and (login := parse_bus(settings.bus).login):
        protect_login(login.get_secret_value())
        return login
    return settings.bus_login


def note_recent(feed: AnyFeed, path: Path) -> None:
    """Note a replay, a server or a bus among the feeds that were opened last. Never raises."""
    from flow_gl.cli import recent

    if isinstance(feed, FilesSpec):
        recent.note(path, recent.Recent("files", feed.paths))
    elif isinstance(feed, RemoteSpec):
        recent.note(path, recent.Recent("server", (feed.url,)))
    elif isinstance(feed, BusSpec):
        recent.note(path, recent.Recent("server", (bus_address.joined(feed.bus.servers),)))


def view_options(
    settings: Settings, drawing: Drawing, title: str, rules: "KeptRules", *, start: StartScreen | None = None
) -> ViewOptions:
    """Return the options of the view."""
    from flow_gl.ui.drawings import drawing_file

    return ViewOptions(
        settings=settings,
        headless=drawing.headless,
        duration_s=drawing.duration,
        screenshot=drawing.screenshot,
        video=drawing.video,
        # A headless picture must not depend on the last window's state.
        remember=not drawing.headless,
        title=title,
        alerts=rules,
        drawings=drawing_file.load(None if drawing.headless else drawing_file.default_path()),
        start=start,
    )
