"""Decides for each request and message whether it is allowed, and counts open connections.

`Admission` belongs to a worker, `ClientGuard` to one WebSocket. A refusal is a value with a code, a reason and advice;
the caller turns it into an HTTP response or an Error message. One line is logged per wrong token, and per limit reached
in a window; tokens are never logged.
"""

import ipaddress
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import parse_qsl

from flow_gl.core.clock import SYSTEM, Clock
from flow_gl.core.log import get_logger
from flow_gl.server.security.limits import Limits, RateLimits
from flow_gl.server.security.origins import Origins
from flow_gl.server.security.token_file import Scope
from flow_gl.server.security.tokens import ANYBODY, Identity, Tokens

PATIENCE: Final = 20
"""Number of refused messages after which a client is disconnected."""
_BEARER: Final = "bearer "
_SECRET_NAMES: Final = frozenset({"token", "access_token", "auth", "authorization", "bearer", "key", "api_key"})


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why something was refused.

    Attributes
    ----------
    status : HTTP status, for a refusal before the WebSocket is open
    code : stable identifier for programs
    text : the reason, one line
    advice : what to do, one line
    retry_s : seconds after which a retry may succeed; 0 if waiting does not help
    closes : whether the connection ends
    """

    status: int
    code: str
    text: str
    advice: str
    retry_s: int = 0
    closes: bool = True


@dataclass(slots=True)
class Counts:
    """Number of refusals since the start, for the metrics."""

    auth_failures: int = 0
    rate_limited: int = 0
    refused: int = 0
    """Other refusals: origin, too many connections, too slow, too large."""


class Admission:
    """The rules of a server, applied by one worker.

    Parameters
    ----------
    tokens : None if no token is required
    limits : how much a client and an address may use
    origins : web pages that may connect
    clock : the program's clock
    """

    def __init__(self, *, tokens: Tokens | None, limits: Limits, origins: Origins, clock: Clock = SYSTEM) -> None:
        self.limits: Final = limits
        self.tokens: Final = tokens
        self.counts: Final = Counts()
        self.rates: Final = RateLimits(limits, clock=clock)
        self._origins: Final = origins
        self._open: Final[Counter[str]] = Counter()

    @property
    def connections(self) -> int:
        """Connections that are open."""
        return self._open.total()

    def check_request(self, headers: Mapping[str, str], *, address: str, query: str, scheme: str) -> Refusal | None:
        """Check the rules for every request: its rate, its Host and Origin headers, and that its URL has no token."""
        if not self.rates.hit("requests", key := address_key(address)):
            self.counts.rate_limited += 1
            return self._too_often("requests", key, "too many requests from this address")
        if any(name.lower() in _SECRET_NAMES for name, _ in parse_qsl(query, keep_blank_values=True)):
            self.counts.refused += 1
            return Refusal(
                400,
                "token_in_url",
                "a token in a URL ends up in logs and histories",
                "send it as Authorization: Bearer",
            )
        reason = self._origins.refusal(origin=headers.get("Origin"), host=headers.get("Host", ""), scheme=scheme)
        if reason:
            self.counts.refused += 1
            return Refusal(403, "origin", reason, "connect from the server's own page, or allow this origin")
        return None

    def identify(self, headers: Mapping[str, str], *, address: str) -> Identity | Refusal | None:
        """Return the identity in the Authorization header; None if there is no header but a token is required."""
        if self.tokens is None:
            return ANYBODY
        given = headers.get("Authorization")
        if given is None:
            return None
        token = given[len(_BEARER) :].strip() if given[: len(_BEARER)].lower() == _BEARER else ""
        return self.authenticate(token, address=address)

    def authenticate(self, token: str, *, address: str) -> Identity | Refusal:
        """Return the identity of a token, or its refusal."""
        if self.tokens is None:
            return ANYBODY
        key = address_key(address)
        if self.rates.is_used_up("failures", key):
            self.counts.rate_limited += 1
            return self._too_often("failures", key, "too many wrong tokens from this address")
        identity = self.tokens.check(token)
        if identity is not None:
            return identity
        if self.tokens.problem:
            return Refusal(503, "tokens_unavailable", "the server's tokens cannot be used now", "tell its operator", 60)
        self.counts.auth_failures += 1
        self.rates.hit("failures", key)
        get_logger("server").warning("wrong token", extra={"address": address})
        return Refusal(401, "unauthenticated", "the token is unknown, revoked or expired", "use a valid token")

    def open(self, address: str) -> "ClientGuard | Refusal":
        """Count a new connection. Close the guard when the connection ends."""
        key = address_key(address)
        if not self.rates.hit("new_connections", key):
            self.counts.rate_limited += 1
            return self._too_often("new_connections", key, "too many new connections from this address")
        for used, most, whose in (
            (self._open[key], self.limits.address_connections, "this address has"),
            (self.connections, self.limits.connections, "this server has"),
        ):
            if used >= most:
                self.counts.refused += 1
                text = f"{whose} {most:,} open connections, the maximum"
                return Refusal(503, "too_many_connections", text, "close some, or try again later", 10)
        self._open[key] += 1
        return ClientGuard(self, address, key)

    def _close(self, key: str) -> None:
        self._open[key] -= 1
        if self._open[key] <= 0:
            del self._open[key]

    def _too_often(self, name: str, key: str, text: str) -> Refusal:
        if self.rates.has_just_run_out(name, key):
            get_logger("server").warning("rate limit", extra={"limit": name, "of": key})
        wait_s = self.rates.wait_s(name, key)
        return Refusal(
            429, "rate_limited", f"{text} ({self.rates.text(name)})", f"try again in {wait_s} s", wait_s, closes=False
        )


class ClientGuard:
    """The remaining limits of one connected client.

    Attributes
    ----------
    identity : who it is; None until it has authenticated
    """

    def __init__(self, admission: Admission, address: str, key: str) -> None:
        self._admission: Final = admission
        self._address: Final = address
        self._key: Final = key
        self._own: Final = f"{key}#{id(self):x}"
        self._is_closed = False
        self._refused = 0
        self.identity: Identity | None = ANYBODY if admission.tokens is None else None

    def authenticate(self, token: str) -> Refusal | None:
        """Take the client's token."""
        found = self._admission.authenticate(token, address=self._address)
        if isinstance(found, Refusal):
            return found
        self.identity = found
        return None

    def is_still_valid(self) -> bool:
        """Return False once the client's token was revoked or has expired. Call every few seconds."""
        tokens = self._admission.tokens
        return tokens is None or self.identity is None or tokens.is_valid(self.identity)

    def may(self, scope: Scope) -> Refusal | None:
        """Check that the client has a scope."""
        if self.identity is None:
            return Refusal(401, "unauthenticated", "a token is needed first", "send an Authenticate message")
        if self.identity.may(scope):
            return None
        advice = f"use a token with --scopes {scope}"
        return Refusal(403, "forbidden", f"this token does not have the scope {scope}", advice, closes=False)

    def message(self, nbytes: int) -> Refusal | None:
        """Count a message of this length from the client."""
        most = self._admission.limits.message_bytes
        if nbytes > most:
            self._admission.counts.refused += 1
            return Refusal(
                413, "too_large", f"a message has {most:,} bytes at most, got {nbytes:,}", "send shorter ones"
            )
        return self._hit("messages", "address_messages", "too many messages")

    def snapshot(self, count: int = 1) -> Refusal | None:
        """Count snapshots for the client."""
        return self._hit("snapshots", "address_snapshots", "too many snapshots", count)

    def subscriptions(self, count: int) -> Refusal | None:
        """Check the number of streams that the client would have."""
        most = self._admission.limits.subscriptions
        if count <= most:
            return None
        self._admission.counts.refused += 1
        text = f"a client may subscribe to {most} streams at most, this makes {count}"
        return Refusal(429, "too_many", text, "unsubscribe from some first", closes=False)

    def too_slow(self) -> Refusal:
        """Return the refusal for a client that did not authenticate in time."""
        self._admission.counts.refused += 1
        seconds = self._admission.limits.handshake_seconds
        return Refusal(
            408, "no_token_in_time", f"no token came within {seconds} s", "send an Authenticate message at once"
        )

    def close(self) -> None:
        """Release the connection's slot. Idempotent."""
        if not self._is_closed:
            self._is_closed = True
            self._admission._close(self._key)

    def _hit(self, name: str, address_name: str, text: str, cost: int = 1) -> Refusal | None:
        admission = self._admission
        for limit, key, whose in ((name, self._own, ""), (address_name, self._key, " from this address")):
            if not admission.rates.hit(limit, key, cost=cost):
                admission.counts.rate_limited += 1
                self._refused += 1
                refusal = admission._too_often(limit, key, text + whose)
                return replace(refusal, closes=True) if self._refused > PATIENCE else refusal
        return None


def address_key(address: str) -> str:
    """Return the key that an address is counted under: itself, or for IPv6 its /64 network, which is one subscriber."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)
