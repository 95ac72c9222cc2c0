"""Connects to the servers of a bus.

The client's own reconnecting is off: a lost connection calls `closed`, and the caller connects again. So one place
decides when to retry and what to request.
"""

import asyncio
import re
import ssl
from collections.abc import Awaitable, Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from flow_gl.core.bus_address import hosts_of, split_login
from flow_gl.core.errors import FeedError
from flow_gl.core.log import get_logger, masked
from flow_gl.core.outside import plain
from flow_gl.core.spec import BusServers

if TYPE_CHECKING:
    from nats.aio.client import Client

CONNECT_S: Final = 2.0
"""Longest time for one server's answer."""
CLOSE_S: Final = 0.5
PING_S: Final = 2
"""A connection on which two pings in a row have no answer is dead."""
_SEED: Final = re.compile(r"\bSU[A-Z2-7]{56}\b")
"""The seed of a user's nkey."""
_NO_TLS: Final = "the bus does not use TLS: give its address as nats://, or enable TLS on its servers"


class BusLoginError(FeedError):
    """The bus refuses the login: trying again does not help."""


async def connect(
    bus: BusServers, login: str, *, name: str, closed: Callable[[], Awaitable[None]], more: tuple[str, ...] = ()
) -> "Client":
    """Connect to one of the servers.

    Parameters
    ----------
    bus : the servers
    login : USER:PASSWORD or a token; "" for none
    name : shown in the servers' monitoring
    closed : called when the connection is lost
    more : further servers of the cluster, learnt from an earlier connection

    Raises
    ------
    BusLoginError : the login is refused, or the credentials or certificates cannot be used
    FeedError : no server answers; the message says why
    """
    import nats.errors
    from nats.aio.client import Client

    client = Client()
    needs_tls = any(server.startswith("tls:") for server in bus.servers)
    options: dict[str, Any] = {
        option: partial(_guarded, client, text, needs_tls) for option, text in split_login(login).items()
    }
    if bus.creds:
        options |= _creds(bus.creds)
    if needs_tls or bus.ca:
        options["tls"] = _context(bus.ca)
    noted: list[Exception] = []

    async def note(error: Exception) -> None:
        noted.append(error)
        del noted[:-8]

    try:
        await client.connect(
            list(dict.fromkeys((*bus.servers, *more))),
            name=name,
            allow_reconnect=False,
            max_reconnect_attempts=1,
            reconnect_time_wait=0,
            connect_timeout=CONNECT_S,  # type: ignore[arg-type]  # it is passed on to asyncio
            ping_interval=PING_S,
            max_outstanding_pings=2,
            error_cb=note,
            closed_cb=closed,
            **options,
        )
    except (nats.errors.Error, OSError, TimeoutError, ValueError) as error:
        await _close(client)
        cause = noted[-1] if isinstance(error, nats.errors.NoServersError) and noted else error
        hosts = hosts_of(bus.servers)
        if "authorization" in str(cause).lower():
            how = "another login" if login or bus.creds else "a login (FLOW_GL_BUS_LOGIN or --bus-creds)"
            raise BusLoginError(f"{hosts}: the bus refuses the login: give {how}") from None
        raise FeedError(f"{hosts}: {reason(cause)}") from None
    except BusLoginError:
        await _close(client)
        raise
    if needs_tls and not _has_tls(client):
        await _close(client)
        raise BusLoginError(_NO_TLS)
    get_logger("bus").info("connected", extra={"server": client.connected_url.netloc if client.connected_url else ""})
    return client


def _has_tls(client: "Client") -> bool:
    return bool(client._server_info.get("tls_required"))  # what the client itself decides by


def _guarded(client: "Client", secret: str, needs_tls: bool) -> str:
    """Return a part of the login just before it is sent. Raises BusLoginError if TLS was requested and is not used."""
    if needs_tls and not _has_tls(client):
        raise BusLoginError(_NO_TLS)
    return secret


async def _close(client: "Client") -> None:
    try:
        async with asyncio.timeout(CLOSE_S):  # after a failed TLS handshake the client waits forever
            await client.close()
    except Exception:  # a half-open connection may raise anything
        get_logger("bus").debug("closing a connection that was never open", exc_info=True)


def reason(error: BaseException) -> str:
    """Return why a connection or a request failed, one line without secrets."""
    if isinstance(error, TimeoutError):
        return "no answer"
    if isinstance(error, ConnectionRefusedError):
        return "no connection: Connection refused"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate is not trusted: {error.verify_message}; give its authority's certificate with --ca"
    text = str(error).removeprefix("nats: ").strip("'") or type(error).__name__
    return plain(masked(text), 300)


def _creds(path: str) -> dict[str, Any]:
    """Return a client's options for a credentials file or the seed of an nkey. Raises BusLoginError."""
    try:
        text = Path(path).read_text(encoding="ascii", errors="replace")
    except OSError as error:
        raise BusLoginError(f"--bus-creds {path}: {error.strerror}") from None
    seed, has_token = _SEED.search(text), "BEGIN NATS USER JWT" in text
    if seed is None or not (has_token or text.strip() == seed[0]):
        raise BusLoginError(f"--bus-creds {path}: neither a NATS credentials file nor the seed of a user's nkey")
    if find_spec("nkeys") is None:
        raise BusLoginError("--bus-creds needs nkeys, which is not installed: pip install nkeys")
    return {"user_credentials" if has_token else "nkeys_seed": path}


def _context(ca: str | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca)
    except (OSError, ssl.SSLError) as error:
        raise BusLoginError(f"{ca}: cannot be used as certificates: {error}") from None
