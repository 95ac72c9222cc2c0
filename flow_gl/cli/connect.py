"""The command `connect`: draws the charts of a server (`flow-gl serve`) or of a bus (`--bus`)."""

import ipaddress
from collections.abc import Mapping
from dataclasses import replace
from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated, Final, NamedTuple
from urllib.parse import urlsplit

import typer

from flow_gl.cli.options import Drawing, flag, takes_flags, takes_settings
from flow_gl.core.bus_address import is_bus, parse_bus, shown
from flow_gl.core.errors import UsageError
from flow_gl.core.settings import Settings

if TYPE_CHECKING:
    from flow_gl.core.spec import BusSpec, RemoteSpec

Symbols = Annotated[
    list[str] | None,
    flag("--symbol", "Chart of a bus to show, in order; repeatable (default: all, 9 at most).", "S"),
]
_PACKAGES: Final = {
    "ws": ("aiohttp", "serve"),
    "wss": ("aiohttp", "serve"),
    "nats": ("nats", "bus"),
    "tls": ("nats", "bus"),
}
"""The module that an address scheme requires, and the extra that contains it."""


@takes_flags(Drawing, "drawing")
@takes_settings
def connect(
    url: Annotated[
        str,
        typer.Argument(
            metavar="URL", help="A server, ws://HOST:PORT or wss://; or a bus, nats://HOST:PORT[,HOST:PORT] or tls://."
        ),
    ],
    *,
    symbol: Symbols = None,
    insecure: Annotated[bool, flag("--insecure", "Send the token to another machine without TLS.")] = False,
    given: Mapping[str, object],
    drawing: Drawing,
) -> None:
    """Draw the charts of a server (flow-gl serve) or of a bus (--bus): the same numbers, without a local feed.

    The engines' settings determine the numbers. Filters, zoom and panels are local; alert rules do not fire here. When
    the connection is lost, the chart says so and marks a gap, which it fills after it has reconnected.

    \b
    flow-gl connect ws://127.0.0.1:8080
    flow-gl connect wss://desk.example:8443               (FLOW_GL_TOKEN in the environment)
    flow-gl connect nats://one:4222,two:4222,three:4222   (FLOW_GL_BUS_LOGIN or --bus-creds if it wants a login)
    flow-gl connect ws://127.0.0.1:8080 --headless --duration 5 --screenshot desk.png
    """
    from flow_gl.cli import draw

    if drawing.serve or drawing.metrics:
        raise UsageError("connect has no engine to serve: --serve and --metrics belong to demo, replay and live")
    feed = remote_feed(url, draw.read_settings(drawing, given), symbols=symbol, may_be_plain=insecure)
    raise typer.Exit(draw.show(feed.spec, feed.settings, drawing, title=f"flow_gl {feed.hosts}"))


class RemoteFeed(NamedTuple):
    """A feed from elsewhere."""

    spec: "RemoteSpec | BusSpec"
    settings: Settings
    """With the login of the address."""
    hosts: str
    """For the user."""


def remote_feed(url: str, settings: Settings, *, symbols: list[str] | None, may_be_plain: bool) -> RemoteFeed:
    """Return the feed of an address.

    Parameters
    ----------
    symbols : charts of a bus to show; None for all
    may_be_plain : allow sending a token to another machine without TLS

    Raises
    ------
    UsageError
    """
    from flow_gl.core.log import protect_login
    from flow_gl.core.spec import BusServers, BusSpec, RemoteSpec

    ca = str(settings.ca.absolute()) if settings.ca else None
    if not is_bus(url):
        if symbols:
            raise UsageError("--symbol chooses among the charts of a bus: a server gives all its charts")
        address = server_address(url, has_token=settings.token is not None, may_be_plain=may_be_plain)
        _check_package(urlsplit(address).scheme)
        return RemoteFeed(RemoteSpec(url=address, ca=ca), settings, urlsplit(address).netloc)
    found = parse_bus(url)
    if found.login is not None:
        protect_login(found.login.get_secret_value())
        settings = replace(settings, bus_login=found.login)
    _check_package(url.partition("://")[0].lower())
    creds = str(settings.bus_creds.absolute()) if settings.bus_creds else None
    spec = BusSpec(bus=BusServers(servers=found.servers, ca=ca, creds=creds), symbols=tuple(symbols or ()))
    return RemoteFeed(spec, settings, found.shown)


def _check_package(scheme: str) -> None:
    from flow_gl.core.system.packages import install_advice

    package, extra = _PACKAGES[scheme]
    if find_spec(package) is None:
        raise UsageError(f"{scheme}:// needs {package}, which is not installed: {install_advice(extra)}")


def server_address(text: str, *, has_token: bool, may_be_plain: bool) -> str:
    """Return the address of a server's WebSocket.

    Parameters
    ----------
    text : as the user gave it
    has_token : a token will be sent
    may_be_plain : allow sending it to another machine without TLS

    Raises
    ------
    UsageError
    """
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise UsageError(f"{shown(text)}: expected an address like ws://127.0.0.1:8080: {error}") from None
    if parts.scheme not in ("ws", "wss") or not parts.hostname or port == 0:
        raise UsageError(
            f"{text}: expected an address like ws://127.0.0.1:8080, wss://desk.example:8443 or nats://127.0.0.1:4222"
        )
    if parts.username or parts.password or parts.query or parts.fragment:
        raise UsageError(
            "a server's address must not contain a name, password or query: give a token with FLOW_GL_TOKEN"
        )
    if has_token and parts.scheme == "ws" and not _is_loopback(parts.hostname) and not may_be_plain:
        raise UsageError(f"{text}: the token would cross the network unencrypted: use wss://, or give --insecure")
    return parts._replace(path=parts.path if parts.path.strip("/") else "/ws").geturl()


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
