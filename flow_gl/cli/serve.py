"""The command `serve`: runs a server without a window, over its own engine or over charts from elsewhere."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Final

import typer

from flow_gl.cli.connect import Symbols
from flow_gl.cli.feeds import DemoFlags, FeedFlags, LiveFlags, ReplayFlags
from flow_gl.cli.options import (
    Config,
    Debug,
    Drawing,
    Serving,
    flag,
    seconds,
    takes_flags,
    takes_settings_of,
    takes_settings_without_picture,
)
from flow_gl.core.errors import UsageError
from flow_gl.core.settings import SERVE

serve: Final = typer.Typer(
    no_args_is_help=True,
    invoke_without_command=True,
    rich_markup_mode="rich",
)


@dataclass(frozen=True, slots=True)
class Running:
    """The values of the other flags that all feeds share."""

    duration: Annotated[
        float | None,
        flag(
            "--duration",
            "Exit after this time: 10 (seconds), 2m, 7h (default: never).",
            "TIME",
            heading=SERVE,
            parser=seconds,
        ),
    ] = None
    config: Config = None
    debug: Debug = False


@serve.callback()
@takes_flags(Serving, "serving")
@takes_settings_of("connect")
@takes_flags(Running, "running")
def serve_from(
    context: typer.Context,
    *,
    from_: Annotated[
        str | None,
        flag(
            "--from", "Charts from a bus, nats://HOST:PORT[,HOST:PORT] or tls://; or a server, ws:// or wss://.", "URL"
        ),
    ] = None,
    symbol: Symbols = None,
    given: Mapping[str, object],
    serving: Serving,
    running: Running,
) -> None:
    """Serve charts to browsers and programs, without a window: docs/protocol.md.

    The charts are those of an engine that this command starts (demo, replay or live), or with --from those that engines
    publish on a bus. Several servers can run side by side; each has the whole session.

    \b
    flow-gl serve demo                                    (http://127.0.0.1:8080)
    flow-gl serve live --port 9000
    flow-gl serve --from nats://one:4222,two:4222,three:4222
    """
    if context.invoked_subcommand is not None:
        _check_nothing_given(context)
        return
    if from_ is None:
        raise UsageError("serve: expected demo, replay, live, or --from with an address (see flow-gl serve --help)")
    from flow_gl.cli import draw, served
    from flow_gl.cli.connect import remote_feed

    drawing = _drawing(running)
    settings = draw.read_settings(drawing, given)
    feed = remote_feed(from_, settings, symbols=symbol, may_be_plain=serving.insecure)
    raise typer.Exit(served.serve(feed.spec, feed.settings, serving, drawing))


def _check_nothing_given(context: typer.Context) -> None:
    """Check that no flag precedes the feed, where it would be ignored. Raises UsageError."""
    for parameter in context.command.params:
        source = context.get_parameter_source(parameter.name or "")
        if source is not None and source.name == "COMMANDLINE":
            feed = context.invoked_subcommand
            raise UsageError(f"{parameter.opts[0]}: put flags after the feed: flow-gl serve {feed} {parameter.opts[0]}")


@serve.command()
@takes_flags(Serving, "serving")
@takes_settings_without_picture
@takes_flags(DemoFlags, "flags")
@takes_flags(Running, "running")
def demo(*, flags: DemoFlags, given: Mapping[str, object], serving: Serving, running: Running) -> None:
    """Serve a synthetic NQ and ES market: no data and no key needed.

    \b
    flow-gl serve demo                                    (http://127.0.0.1:8080)
    flow-gl serve demo --port 9000 --workers 2 --rate 20000
    """
    _run(flags, given, serving, running)


@serve.command()
@takes_flags(Serving, "serving")
@takes_settings_without_picture
@takes_flags(ReplayFlags, "flags")
@takes_flags(Running, "running")
def replay(*, flags: ReplayFlags, given: Mapping[str, object], serving: Serving, running: Running) -> None:
    """Serve a replay of recorded trades. Clients with the scope control may change its speed for all clients.

    \b
    flow-gl serve replay nq-20251128.trades.dbn.zst --speed 60
    flow-gl serve replay month/*.dbn.zst --speed max
    """
    _run(flags, given, serving, running)


@serve.command()
@takes_flags(Serving, "serving")
@takes_settings_without_picture
@takes_flags(LiveFlags, "flags")
@takes_flags(Running, "running")
def live(*, flags: LiveFlags, given: Mapping[str, object], serving: Serving, running: Running) -> None:
    """Serve Databento's live feed: one connection and one licence for all screens of a desk.

    \b
    flow-gl serve live                                    (NQ.v.0 and ES.v.0, for this machine)
    flow-gl token create laptop                           (other machines need a token and TLS)
    flow-gl serve live --host 0.0.0.0 --tls-cert cert.pem --tls-key key.pem
    """
    _run(flags, given, serving, running)


def _run(flags: FeedFlags, given: Mapping[str, object], serving: Serving, running: Running) -> None:
    from flow_gl.cli import draw, served

    drawing = _drawing(running)
    settings = draw.read_settings(drawing, given)
    raise typer.Exit(served.serve(flags.feed(settings).spec, settings, serving, drawing))


def _drawing(running: Running) -> Drawing:
    return Drawing(headless=True, duration=running.duration, config=running.config, debug=running.debug)
