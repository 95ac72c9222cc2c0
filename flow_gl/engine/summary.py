"""A short summary of one instrument in the engine."""

from dataclasses import dataclass

from flow_gl.core.schema import TickSource


@dataclass(frozen=True, slots=True)
class Summary:
    """An instrument at a glance."""

    instrument_id: int
    symbol: str
    """"" while unknown."""
    requested: str
    trades: int
    volume: int
    rejected: int
    rejections: dict[str, int]
    """Records that are not charted, by reason (`core.market.rejections.REASONS`)."""
    late: int
    last_ts: int
    is_outright: bool
    """By its definition, else by its symbol; an unnamed one counts as one."""
    tick_size: int
    tick_source: TickSource | None
    point_value: float | None

    @property
    def name(self) -> str:
        """The raw symbol, else the name asked for, else the id."""
        return self.symbol or self.requested or str(self.instrument_id)
