"""An instrument's identity: its raw symbol, the requested symbol, and its definition."""

from typing import Final

from flow_gl.core.items import Definition
from flow_gl.core.market.instrument import builtin, is_outright_symbol
from flow_gl.core.schema import TickSource
from flow_gl.engine.grid import Grid


class Identity:
    """The names and definition of one instrument.

    Attributes
    ----------
    instrument_id : the id in the trade records
    symbol : the raw symbol; "" if unknown
    requested : the first name under which it was requested; "" if none
    defined_outright : whether its definition says that it is an outright; None without a definition
    point_value : from its definition or the built-in table; None if unknown
    """

    def __init__(self, instrument_id: int, grid: Grid) -> None:
        self.instrument_id: Final = instrument_id
        self.symbol = ""
        self.requested = ""
        self.defined_outright: bool | None = None
        self.point_value: float | None = None
        self._grid: Final = grid

    @property
    def is_outright(self) -> bool:
        """Decided by its definition, else by its symbol; an instrument without a name counts as an outright."""
        if self.defined_outright is not None:
            return self.defined_outright
        return not self.symbol or is_outright_symbol(self.symbol)

    def name(self, symbol: str, requested: str) -> None:
        """Set the names, and look up the tick size and point value in the built-in table."""
        self.symbol = symbol or self.symbol
        self.requested = self.requested or requested
        # A chart that asked by id knows no root; a name that the feed gives the same instrument does.
        known = builtin(self.symbol) if self.symbol else builtin(requested) or builtin(self.requested)
        if known is not None:
            self._grid.learn(known.tick_size, TickSource.TABLE)
            if self.point_value is None:
                self.point_value = known.point_value

    def define(self, definition: Definition) -> None:
        """Apply a definition record."""
        self.symbol = definition.symbol or self.symbol
        self.defined_outright = definition.is_outright
        if definition.point_value is not None:
            self.point_value = definition.point_value
        self._grid.learn(definition.tick_size, TickSource.DEFINITION)

    def learn(self, other: "Identity") -> None:
        """Copy what another market of the same instrument knows, except for the requested name."""
        self.symbol = other.symbol or self.symbol
        self.defined_outright, self.point_value = other.defined_outright, other.point_value
        source = other._grid.source
        if source is not None and source is not TickSource.OBSERVED:
            self._grid.learn(other._grid.tick_size, source)
