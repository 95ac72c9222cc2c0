"""The request to the gateway, and checks of the user's input for it."""

from dataclasses import dataclass
from typing import Final

from flow_gl.core.errors import FeedError

DEFAULT_PORT: Final = 13000


@dataclass(frozen=True, slots=True)
class Subscription:
    """One request of a session."""

    schema: str
    symbols: tuple[str, ...]
    stype_in: str
    start: int | None
    """Replay from this `ts_event` on, ns; 0 for everything available; None for live data only."""


@dataclass(frozen=True, slots=True)
class Request:
    """Everything that a connection needs, except the key. The last subscription is that of the trades."""

    dataset: str
    subscriptions: tuple[Subscription, ...]
    gateway: str | None = None
    """None: the dataset's own."""
    port: int = DEFAULT_PORT
    heartbeat_s: int = 5
    compression: str = "none"

    @property
    def trades_from(self) -> int | None:
        """Start of the trades' replay, as `Subscription.start`."""
        return self.subscriptions[-1].start

    @property
    def replays(self) -> int:
        """Number of subscriptions that begin with a replay."""
        return sum(subscription.start is not None for subscription in self.subscriptions)

    @property
    def where(self) -> str:
        """The gateway as host:port."""
        host = self.gateway or f"{self.dataset.lower().replace('.', '-')}.lsg.databento.com"
        return f"{host}:{self.port}"


def checked_key(api_key: str | None) -> str:
    """Return the key without surrounding blanks. Raises FeedError if it is missing or malformed."""
    key = (api_key or "").strip()
    if not key:
        raise FeedError("no Databento API key: set DATABENTO_API_KEY in the environment or in .env, or pass --api-key")
    if not key.isascii() or not key.isprintable() or " " in key:
        raise FeedError(
            "the Databento API key contains a space or a character that is not allowed in a key: copy it again"
        )
    return key


def checked_symbols(symbols: tuple[str, ...]) -> tuple[str, ...]:
    """Return each symbol once, in order. Raises FeedError if there are none or one is empty."""
    kept = tuple(dict.fromkeys(symbol.strip() for symbol in symbols))
    if not kept or not all(kept):
        raise FeedError(f"symbols: expected at least one, none of them empty, got {list(symbols)}")
    return kept
