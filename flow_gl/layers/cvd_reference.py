"""A reference point of CVD: a moment from which CVD is counted a second time, beside the session's.

The engine knows nothing of it. A point holds CVD as it was after an exact trade; CVD since then is the difference. It
is valid as long as CVD continues from there: until CVD restarts (a session's open, a chosen time) or the chart goes to
another contract.
"""

from dataclasses import dataclass

from flow_gl.store.market import MarketReader


@dataclass(frozen=True, slots=True)
class CvdReference:
    """A reference point.

    Attributes
    ----------
    at_ns : event time of the last trade before it
    cvd : CVD after that trade, contracts
    counted_from_ns : when the CVD that it belongs to started
    instrument_id : the contract
    """

    at_ns: int
    cvd: int
    counted_from_ns: int
    instrument_id: int

    @classmethod
    def at_newest_trade(cls, market: MarketReader) -> "CvdReference | None":
        """Return a reference at the newest trade of a frame; None before the session's first trade."""
        session = market.session
        if not session["trade_count"]:
            return None
        return cls(
            at_ns=int(session["last_ts"]),
            cvd=int(session["cvd"]),
            counted_from_ns=int(session["cvd_since"]),
            instrument_id=int(market.instrument["instrument_id"]),
        )

    def belongs_to(self, market: MarketReader) -> bool:
        """Whether CVD still runs on from this point: it did not restart, and the contract is the same."""
        same_start = self.counted_from_ns == int(market.session["cvd_since"])
        return same_start and self.instrument_id == int(market.instrument["instrument_id"])

    def is_reached(self, market: MarketReader) -> bool:
        """Whether the market has reached this point. A replay that starts again reaches it later."""
        return int(market.session["last_ts"]) >= self.at_ns

    def agrees_with(self, market: MarketReader) -> bool:
        """Whether CVD of the bucket at this point includes its value, so that a new engine counts the same trades."""
        bucket_id = self.at_ns // market.bucket_ns
        point = market.open_cvd(0)
        if point is None or int(point["id"]) != bucket_id:
            ring, head = market.store.cvd[0], market.heads[0]
            point = ring.row(ring.position_of(bucket_id, head)) if head else None
        return (
            point is not None and int(point["id"]) == bucket_id and int(point["low"]) <= self.cvd <= int(point["high"])
        )
