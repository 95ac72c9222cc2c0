"""The command `serve`: runs an engine and a server, without a window."""

from collections.abc import Mapping
from typing import Annotated, Final, Protocol

import typer

from flow_gl.cli.feeds import DemoFlags, Feed, LiveFlags, ReplayFlags
from flow_gl.cli.options import Config, Debug, Serving, flag, takes_flags, takes_settings_without_picture
from flow_gl.core.settings import SERVE, Settings

serve: Final = typer.Typer(
    help="Serve a feed's data to browsers and programs, without a window: docs/protocol.md.",
    no_args_is_help=True,
    rich_markup_mode="rich",
)
_Duration = Annotated[
    float | None, flag("--duration", "End after this many seconds (default: never).", "S", heading=SERVE)
]


class _FeedFlags(Protocol):
    def feed(self, settings: Settings) -> Feed: ...


@serve.command()
@takes_flags(Serving, "serving")
@takes_settings_without_picture
@takes_flags(DemoFlags, "flags")
def demo(
    *,
    flags: DemoFlags,
    given: Mapping[str, object],
    serving: Serving,
    duration: _Duration = None,
    config: Config = None,
    debug: Debug = False,
) -> None:
    """Serve a synthetic NQ and ES market: no data and no key needed.

    \b
    flow-gl serve demo                                    (http://127.0.0.1:8080)
    flow-gl serve demo --port 9000 --workers 2 --rate 20000
    """
    _run(flags, given, serving, duration, config=config, debug=debug)


@serve.command()
@takes_flags(Serving, "serving")
@takes_settings_without_picture
@takes_flags(ReplayFlags, "flags")
def replay(
    *,
    flags: ReplayFlags,
    given: Mapping[str, object],
    serving: Serving,
    duration: _Duration = None,
    config: Config = None,
    debug: Debug = False,
) -> None:
    """Serve a replay of recorded trades. Clients with the scope control may change its speed for all clients.

    \b
    flow-gl serve replay nq-20251128.trades.dbn.zst --speed 60
    flow-gl serve replay month/*.dbn.zst --speed max
    """
    _run(flags, given, serving, duration, config=config, debug=debug)


@serve.command()
@takes_flags(Serving, "serving")
@takes_settings_without_picture
@takes_flags(LiveFlags, "flags")
def live(
    *,
    flags: LiveFlags,
    given: Mapping[str, object],
    serving: Serving,
    duration: _Duration = None,
    config: Config = None,
    debug: Debug = False,
) -> None:
    """Serve Databento's live feed: one connection and one licence for all screens of a desk.

    \b
    flow-gl serve live                                    (NQ.v.0 and ES.v.0, for this machine)
    flow-gl token create laptop                           (other machines need a token and TLS)
    flow-gl serve live --host 0.0.0.0 --tls-cert cert.pem --tls-key key.pem
    """
    _run(flags, given, serving, duration, config=config, debug=debug)


def _run(
    flags: _FeedFlags, given: Mapping[str, object], serving: Serving, duration: float | None, **common: object
) -> None:
    from flow_gl.cli import draw, served
    from flow_gl.cli.options import Drawing

    drawing = Drawing(headless=True, duration=duration, **common)  # type: ignore[arg-type]  # config and debug
    settings = draw.read_settings(drawing, given)
    raise typer.Exit(served.serve(flags.feed(settings), settings, serving, drawing))
