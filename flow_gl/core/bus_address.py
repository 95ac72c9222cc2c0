"""The address of a bus: the NATS servers of `nats://HOST:PORT[,HOST:PORT]`, and how to log in.

A login is `USER:PASSWORD`, or a token. It is kept apart from the servers, so code that shows, logs or stores an address
has no secret to hide. In the engine's environment it travels as `core.spec.LOGIN_VARIABLE`.
"""

from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote, urlsplit

from flow_gl.core.errors import UsageError
from flow_gl.core.settings import Secret

SCHEMES: Final = ("nats", "tls")
"""Schemes of a bus; `tls` requires TLS, `nats` uses it if the server does."""
DEFAULT_PORT: Final = 4222
_EXPECTED: Final = "expected an address like nats://127.0.0.1:4222 or nats://one:4222,two:4222"


@dataclass(frozen=True, slots=True)
class BusAddress:
    """The servers of a bus.

    Attributes
    ----------
    servers : URLs without a login, like nats://127.0.0.1:4222
    login : USER:PASSWORD or a token; None if the address has none
    """

    servers: tuple[str, ...]
    login: Secret | None

    @property
    def shown(self) -> str:
        """The hosts and ports, for the user."""
        return hosts_of(self.servers)


def is_bus(text: str) -> bool:
    """Return whether an address names a bus."""
    return text.partition("://")[0].lower() in SCHEMES


def hosts_of(servers: tuple[str, ...]) -> str:
    """Return the hosts and ports of servers without their scheme, for the user."""
    return ",".join(server.partition("://")[2] for server in servers)


def joined(servers: tuple[str, ...]) -> str:
    """Return the address of servers, without a login."""
    return f"{servers[0].partition('://')[0]}://{hosts_of(servers)}"


def parse_bus(text: str) -> BusAddress:
    """Parse an address. Raises UsageError, which does not show the login."""
    scheme, slashes, rest = text.strip().partition("://")
    scheme = scheme.lower()
    if not slashes or scheme not in SCHEMES or not rest:
        raise UsageError(f"{shown(text)}: {_EXPECTED}")
    servers: list[str] = []
    login, _, hosts = rest.rpartition("@")  # first, because a password may contain commas
    for part in hosts.split(","):
        own, has_scheme, host = part.partition("://")
        if has_scheme and own.lower() != scheme:
            raise UsageError(f"{shown(text)}: expected the same scheme for all servers")
        server = _server(scheme, (host if has_scheme else part).strip().rstrip("/"))
        if server is None:
            raise UsageError(f"{shown(text)}: {_EXPECTED}")
        if server not in servers:
            servers.append(server)
    if "://" in login or "@" in login:
        raise UsageError(f"{shown(text)}: expected one login, before the first server; write @ in a password as %40")
    return BusAddress(tuple(servers), Secret(login) if login else None)


def _server(scheme: str, host: str) -> str | None:
    """Return the URL of a server; None if the text is not HOST:PORT."""
    try:
        parts = urlsplit(f"{scheme}://{host}")
        name, port = parts.hostname, parts.port
    except ValueError:
        return None
    if not name or port == 0 or parts.path or parts.query or parts.fragment or not host.isprintable() or " " in host:
        return None
    return f"{scheme}://{f'[{name}]' if ':' in name else name}:{port or DEFAULT_PORT}"


def split_login(login: str) -> dict[str, str]:
    """Return a login as keyword arguments of `nats.connect`: user and password, or token; empty without a login."""
    user, colon, password = login.partition(":")
    if colon:
        return {"user": unquote(user), "password": unquote(password)}
    return {"token": unquote(login)} if login else {}


def shown(text: str) -> str:
    """Return an address as it may be shown, with its login masked."""
    scheme, slashes, rest = text.partition("://")
    if "@" not in (rest or scheme):
        return text
    return f"{scheme if slashes else ''}{slashes}****@{text.rpartition('@')[2]}"
