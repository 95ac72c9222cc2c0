"""Decides which web pages may connect.

A browser sends the page's origin with every WebSocket, and only the server can refuse one. Without this check, any page
that a user visits could read a server on that user's machine. Programs other than browsers send no origin.

The server's own page has the origin under which it was requested. A server without tokens also checks that this is a
name of its own machine. Otherwise a foreign name that resolves to 127.0.0.1 would count as its own (DNS rebinding).
"""

from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from flow_gl.core.errors import UsageError
from flow_gl.server.security.binding import is_loopback

_PORTS: Final = {"http": 80, "ws": 80, "https": 443, "wss": 443}


def parse_origin(text: str) -> str:
    """Return an origin as browsers write it, like "https://chart.example.com". Raises UsageError."""
    try:
        parts = urlsplit(text.strip().rstrip("/"))
        has_rest = bool(parts.path or parts.query or parts.fragment or parts.username)
        if parts.scheme in ("http", "https") and parts.hostname and not has_rest:
            return _written(parts.scheme, parts.hostname, parts.port)
    except ValueError:
        pass
    raise UsageError(f"--origin: expected an origin like https://chart.example.com, got {text!r}")


def _written(scheme: str, host: str, port: int | None) -> str:
    name = f"[{host}]" if ":" in host else host
    return f"{scheme}://{name}" + ("" if port in (None, _PORTS[scheme]) else f":{port}")


class Origins:
    """The allowed origins: the server's own page, and those added with --origin.

    Parameters
    ----------
    allowed : further origins
    is_local_only : allow only pages that were requested under a name of this machine
    """

    def __init__(self, allowed: Sequence[str] = (), *, is_local_only: bool) -> None:
        self._allowed: Final = frozenset(map(parse_origin, allowed))
        self._is_local_only: Final = is_local_only

    def refusal(self, *, origin: str | None, host: str, scheme: str) -> str:
        """Return why a request is refused, one line; "" if it is not.

        Parameters
        ----------
        origin : the Origin header; None if there is none
        host : the Host header
        scheme : "http" or "https", as received
        """
        if self._is_local_only and not is_loopback(_host_name(host)) and not self._has_host(host):
            return "this server answers only to names of its own machine: use localhost, or start it with --origin"
        if origin is None:
            return ""
        try:
            written = parse_origin(origin)
        except UsageError:
            written = ""  # "null": a page opened from a file, or in a sandboxed frame
        # Behind a proxy that ends TLS, the page is https and the request is http.
        own = {_own(kind, host) for kind in ("http", "https")} if scheme == "http" else {_own(scheme, host)}
        if written and (written in self._allowed or written in own):
            return ""
        return "pages of this origin may not connect: start the server with --origin to allow it"

    def _has_host(self, host: str) -> bool:
        return any(_own(kind, host) in self._allowed for kind in ("http", "https"))


def _own(scheme: str, host: str) -> str | None:
    try:
        return parse_origin(f"{scheme}://{host}")
    except UsageError:
        return None


def _host_name(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
