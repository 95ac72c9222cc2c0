"""A short summary of one instrument in the engine."""

from dataclasses import dataclass

from flow_gl.core.schema import TickSource


@dataclass(frozen=True, slots=True)
class Summary:
    """The identity and totals of one instrument."""

    instrument_id: int
    symbol: str
    """"" while unknown."""
    requested: str
    trades: int
    volume: int
    rejected: int
    rejections: dict[str, int]
    """Number of rejected records by reason (`core.market.rejections.REASONS`)."""
    late: int
    last_ts: int
    is_outright: bool
    """From its definition, else from its symbol; an instrument without a name counts as an outright."""
    tick_size: int
    tick_source: TickSource | None
    point_value: float | None

    @property
    def name(self) -> str:
        """The raw symbol, else the requested symbol, else the id."""
        return self.symbol or self.requested or str(self.instrument_id)
