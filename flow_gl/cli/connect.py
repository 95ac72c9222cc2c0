"""The command `connect`: draws the charts of a server (`flow-gl serve`)."""

import ipaddress
from collections.abc import Mapping
from typing import Annotated
from urllib.parse import urlsplit

import typer

from flow_gl.cli.options import Drawing, flag, takes_flags, takes_settings
from flow_gl.core.errors import UsageError


@takes_flags(Drawing, "drawing")
@takes_settings
def connect(
    url: Annotated[str, typer.Argument(metavar="URL", help="The server: ws://HOST:PORT, or wss:// with TLS.")],
    *,
    insecure: Annotated[bool, flag("--insecure", "Send the token to another machine without TLS.")] = False,
    given: Mapping[str, object],
    drawing: Drawing,
) -> None:
    """Draw the charts of a server (flow-gl serve): the same numbers, without a local feed.

    The server's settings determine the numbers. Filters, zoom and panels are local; alert rules do not fire here. When
    the connection is lost, the chart says so and marks a gap, which it fills after it has reconnected.

    \b
    flow-gl connect ws://127.0.0.1:8080
    flow-gl connect wss://desk.example:8443               (FLOW_GL_TOKEN in the environment)
    flow-gl connect ws://127.0.0.1:8080 --headless --duration 5 --screenshot desk.png
    """
    from flow_gl.cli import draw
    from flow_gl.core.spec import RemoteSpec

    if drawing.serve or drawing.metrics:
        raise UsageError("connect has no engine to serve: --serve and --metrics belong to demo, replay and live")
    settings = draw.read_settings(drawing, given)
    address = server_address(url, has_token=settings.token is not None, may_be_plain=insecure)
    spec = RemoteSpec(url=address, ca=str(settings.ca.absolute()) if settings.ca else None)
    raise typer.Exit(draw.show(spec, settings, drawing, title=f"flow_gl {urlsplit(address).netloc}"))


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
        raise UsageError(f"{text}: expected an address like ws://127.0.0.1:8080: {error}") from None
    if parts.scheme not in ("ws", "wss") or not parts.hostname or port == 0:
        raise UsageError(f"{text}: expected an address like ws://127.0.0.1:8080 or wss://desk.example:8443")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise UsageError("a server's address has no name, password or query: give a token with FLOW_GL_TOKEN")
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
