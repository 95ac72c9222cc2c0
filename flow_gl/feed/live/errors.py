"""Classify a gateway's errors: what to do about them, and what to tell the user.

Errors arrive in two ways: as records of a running session, with a code, or as a refusal or failure while connecting,
for which there is only the client's text.
"""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from flow_gl.core.outside import plain


class Fault(Enum):
    """The reaction to an error."""

    RETRY = auto()
    """Connect again after a pause."""
    FATAL = auto()
    """Wait for the user: retrying cannot help."""
    REFUSED = auto()
    """The gateway refuses this account a connection. Fatal unless the key worked before; then it may be temporary:
    a connection that has just died may still count, or a restarting gateway may not know its accounts yet."""
    SYMBOL = auto()
    """One symbol is unknown; the session continues."""
    SKIPPED = auto()
    """Records were left out; a replay brings them."""
    AGED_OUT = auto()
    """The requested replay reaches further back than the gateway's memory."""
    RENEW = auto()
    """Nothing is wrong, but a replay from further back is needed: connect again at once."""
    NO_DEFINITIONS = auto()
    """Definitions are not available; trades are."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """A classified error."""

    fault: Fault
    message: str
    """One line for the user."""


REASON_CHARS: Final = 120
"""Maximum length of the gateway's own text, characters, so that the advice fits into the line too."""
_AUTH_FAILED: Final = 1
_KEY_DEACTIVATED: Final = 2
_LIMIT_EXCEEDED: Final = 3
_SYMBOL_FAILED: Final = 4
_INVALID_SUBSCRIPTION: Final = 5
_SKIPPED: Final = 7
_AGED_OUT: Final = 8

_NO_NAME: Final = ("name or service not known", "name resolution", "getaddrinfo", "nodename", "no address associated")
_NO_TCP: Final = ("connection to ", "multiple exceptions")
_PASSING: Final = ("internal", "unavailable", "try again", "timed out", "timeout", "maintenance", "restart")
_LIMIT: Final = ("limit", "too many")
_REPLAY: Final = ("start", "replay", "24 h", "aged out", "no longer retained")


def from_code(code: int, text: str, *, masked_key: str) -> Trouble:
    """Classify an error record.

    Parameters
    ----------
    code : databento_dbn.ErrorCode, 255 if the gateway gave none
    text : its text
    masked_key : key as it may be shown
    """
    reason = plain(text, REASON_CHARS).rstrip(".") or f"error {code}"
    meanings = {
        _AUTH_FAILED: Trouble(Fault.FATAL, _refused(masked_key, reason)),
        _KEY_DEACTIVATED: Trouble(Fault.FATAL, _refused(masked_key, reason)),
        _LIMIT_EXCEEDED: Trouble(Fault.REFUSED, _limit(reason)),
        _SYMBOL_FAILED: Trouble(Fault.SYMBOL, reason),
        _INVALID_SUBSCRIPTION: _invalid_subscription(reason),
        _SKIPPED: Trouble(Fault.SKIPPED, f"the gateway skipped records ({reason}): requesting them again"),
        _AGED_OUT: _aged_out(reason),
    }
    return meanings.get(code) or Trouble(Fault.RETRY, f"error at the gateway: {reason}")


def from_connecting(text: str, *, gateway: str, masked_key: str) -> Trouble:
    """Classify a failure to connect.

    Parameters
    ----------
    text : the client's message
    gateway : "host:port", for the user
    masked_key : key as it may be shown
    """
    reason = plain(text, REASON_CHARS).rstrip(".") or "no reason given"
    low = reason.lower()
    if any(word in low for word in _NO_NAME):
        trouble = Trouble(Fault.RETRY, f"cannot resolve the gateway's name {gateway}: is this machine online?")
    elif low.startswith("authentication with"):
        trouble = Trouble(Fault.RETRY, f"the gateway {gateway} did not answer the authentication in time")
    elif low.startswith(_NO_TCP):
        why = "refused" if "refused" in low or "errno 111" in low else reason
        trouble = Trouble(Fault.RETRY, f"no connection to the gateway {gateway}: {why}")
    elif any(word in low for word in _LIMIT):
        trouble = Trouble(Fault.REFUSED, _limit(reason))
    elif any(word in low for word in _PASSING):
        trouble = Trouble(Fault.RETRY, f"error at the gateway: {reason}")
    else:
        trouble = Trouble(Fault.REFUSED, _refused(masked_key, reason))
    return trouble


def _aged_out(reason: str) -> Trouble:
    if "definition" in reason.lower():
        return Trouble(Fault.NO_DEFINITIONS, f"no definitions: {reason}")
    return Trouble(Fault.AGED_OUT, f"the gateway does not replay that far back: {reason}")


def _invalid_subscription(reason: str) -> Trouble:
    if any(word in reason.lower() for word in ("definition", *_REPLAY)):
        return _aged_out(reason)
    return Trouble(Fault.FATAL, f"the gateway refused the request: {reason}")


def _refused(masked_key: str, reason: str) -> str:
    return f"the gateway refused the key {masked_key}: {reason}. Start again with a valid DATABENTO_API_KEY"


def _limit(reason: str) -> str:
    return f"too many connections with this account: {reason}. Close another program that uses it, then try again"
