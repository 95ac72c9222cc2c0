"""The server's certificate: checked at startup, and reloaded when it is renewed.

Python's ssl module cannot parse certificates, so they are checked by an in-memory TLS handshake with a client that
trusts only this certificate. This detects certificates that have expired, are not yet valid, or are not meant for
servers.
"""

import ssl
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from flow_gl.core.clock import SYSTEM, Clock
from flow_gl.core.errors import DataError
from flow_gl.core.log import get_logger
from flow_gl.core.system.files import stamp
from flow_gl.core.units import SECOND_NS

LOOK_NS: Final = 60 * SECOND_NS
"""Minimum time between checks of the files for a renewed certificate."""
_EXPIRED: Final = 10
_NOT_YET_VALID: Final = 9
"""OpenSSL's verification error codes."""


class Certificate:
    """A certificate chain and its key, as an SSL context for a server.

    Parameters
    ----------
    chain : PEM file with the server's certificate, followed by its chain
    key : PEM file of its private key, not encrypted

    Raises
    ------
    DataError : a file cannot be read, the key does not match, or the certificate is not valid now
    """

    def __init__(self, chain: Path, key: Path, *, clock: Clock = SYSTEM) -> None:
        self._chain: Final = chain
        self._key: Final = key
        self._clock: Final = clock
        self._seen = self._stamps()
        self._looked_ns = clock.monotonic_ns()
        self.context: Final = _server_context()
        """For new connections."""
        self.expires_ns = self._load(self.context)
        """When the certificate expires, ns since the epoch."""

    def refresh(self) -> None:
        """Use a renewed certificate for new connections. If it is not valid, the current one stays in use."""
        now = self._clock.monotonic_ns()
        if now - self._looked_ns < LOOK_NS or (stamps := self._stamps()) == self._seen:
            return
        self._looked_ns, self._seen = now, stamps
        try:
            self._load(_server_context())
            self.expires_ns = self._load(self.context)
            get_logger("tls").info("renewed certificate", extra={"file": self._chain, "until": _date(self.expires_ns)})
        except DataError as error:
            get_logger("tls").error("the renewed certificate is not used", extra={"reason": error})

    def _load(self, context: ssl.SSLContext) -> int:
        for path, flag, what in (
            (self._chain, "--tls-cert", "CERTIFICATE"),
            (self._key, "--tls-key", "PRIVATE KEY"),
        ):
            try:
                text = path.read_bytes()
            except OSError as error:
                raise DataError(f"{flag} {path}: cannot be read: {error.strerror or error}") from None
            if what.encode() not in text:
                raise DataError(f"{flag} {path}: expected a {what.lower()} in PEM, found none")
        try:
            context.load_cert_chain(self._chain, self._key, password=self._refuse_password)
        except ssl.SSLError as error:
            if error.reason == "KEY_VALUES_MISMATCH":
                raise DataError(
                    f"--tls-key {self._key}: this is not the key of the certificate {self._chain}"
                ) from None
            raise DataError(
                f"--tls-cert {self._chain}, --tls-key {self._key}: expected a certificate and its private key in PEM"
                f" ({error.reason or error})"
            ) from None
        return _valid_until(context, self._chain)

    def _refuse_password(self) -> str:
        raise DataError(f"--tls-key {self._key}: the key is encrypted: store it without a password")

    def _stamps(self) -> tuple[tuple[int, ...], ...]:
        return tuple(map(stamp, (self._chain, self._key)))


def _server_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _valid_until(context: ssl.SSLContext, chain: Path) -> int:
    """Return when a loaded certificate expires, ns since the epoch. Raises DataError if it is not valid now."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    client.load_verify_locations(cafile=chain)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = context.wrap_bio(to_server, to_client, server_side=True)
    theirs = client.wrap_bio(to_client, to_server)
    try:
        for side in (theirs, ours, theirs, ours):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    except ssl.SSLCertVerificationError as error:
        if error.verify_code in (_EXPIRED, _NOT_YET_VALID):
            when = "has expired" if error.verify_code == _EXPIRED else "is not valid yet"
            raise DataError(
                f"--tls-cert {chain}: the certificate {when}: renew it, or check this machine's clock"
            ) from None
        raise DataError(f"--tls-cert {chain}: not a server certificate: {error.verify_message}") from None
    except ssl.SSLError as error:
        raise DataError(f"--tls-cert {chain}: cannot be used: {error.reason or error}") from None
    found = theirs.getpeercert() or {}
    return int(ssl.cert_time_to_seconds(str(found["notAfter"]))) * SECOND_NS


def _date(ns: int) -> str:
    return datetime.fromtimestamp(ns // SECOND_NS, UTC).date().isoformat()
