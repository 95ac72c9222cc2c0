"""The command `serve`: runs an engine and a server, without a window."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Final

import typer

from flow_gl.cli.feeds import DemoFlags, FeedFlags, LiveFlags, ReplayFlags
from flow_gl.cli.options import Config, Debug, Drawing, Serving, flag, takes_flags, takes_settings_without_picture
from flow_gl.core.settings import SERVE

serve: Final = typer.Typer(
    help="Serve a feed's data to browsers and programs, without a window: docs/protocol.md.",
    no_args_is_help=True,
    rich_markup_mode="rich",
)


@dataclass(frozen=True, slots=True)
class Running:
    """The values of the other flags that all feeds share."""

    duration: Annotated[
        float | None, flag("--duration", "End after this many seconds (default: never).", "S", heading=SERVE)
    ] = None
    config: Config = None
    debug: Debug = False


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

    drawing = Drawing(headless=True, duration=running.duration, config=running.config, debug=running.debug)
    settings = draw.read_settings(drawing, given)
    raise typer.Exit(served.serve(flags.feed(settings), settings, serving, drawing))
