"""The state of the feed, as alert rules name it."""

from typing import Final

from flow_gl.core.schema import FeedState
from flow_gl.ui.alerts.rules import FeedName
from flow_gl.ui.link import Link, LinkState

_LOST: Final = frozenset({FeedState.RECONNECTING, FeedState.FAILED})


def feed_state(link: Link) -> FeedName | None:
    """Return the feed's state as rules name it; None while it starts or in a replay."""
    if link.state in (LinkState.RESTARTING, LinkState.FAILED):
        return "lost"
    if link.engine is None:
        return None
    state = int(link.engine.status["state"])
    if state in _LOST:
        return "lost"
    return "live" if state == FeedState.LIVE else "closed" if state == FeedState.CLOSED else None
