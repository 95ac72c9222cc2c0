"""The client's side: decodes the packed form, and keeps the positions to resume from.

There is no socket: bytes go in, messages and rows come out. If rows are missing before the received ones, ProtocolError
is raised, so rows are never skipped silently. The client then reconnects and sends its positions.
"""

from dataclasses import dataclass, replace
from typing import Any, Final

from msgspec import structs

from flow_gl.protocol import frames
from flow_gl.protocol.errors import ProtocolError
from flow_gl.protocol.frames import Rows
from flow_gl.protocol.kinds import APPENDED, FORMS, PER_LEVEL, Kind, Part
from flow_gl.protocol.messages import (
    VERSION,
    Connected,
    Instrument,
    Position,
    ServerMessage,
    Status,
    Subscribe,
    decode_server,
)


@dataclass(frozen=True, slots=True)
class _Held:
    """The rows received of one stream: [first, next)."""

    epoch: int
    revision: int
    first: int
    next: int


class Receiver:
    """The state of one client over all its connections.

    Attributes
    ----------
    instruments : instruments of the newest `Connected`
    """

    def __init__(self) -> None:
        self.instruments: tuple[Instrument, ...] = ()
        self._numbers: Final[dict[str, Any]] = {}
        self._held: Final[dict[tuple[str, Kind, int], _Held]] = {}

    def text(self, data: str | bytes) -> ServerMessage:
        """Decode a text message. Raises ProtocolError, also for a server with another protocol version.

        A `Status` has all numbers that are known, not only those that have changed.
        """
        message = decode_server(data)
        if isinstance(message, Connected):
            if message.version != VERSION:
                older = "this program" if message.version > VERSION else "the server"
                raise ProtocolError(
                    f"the server speaks protocol {message.version}, this program {VERSION}: update {older}"
                )
            self.instruments = message.instruments
        elif isinstance(message, Status):
            self._numbers.update(message.numbers)
            return structs.replace(message, numbers=dict(self._numbers))
        return message

    def binary(self, data: bytes) -> Rows:
        """Decode a packed frame. Raises ProtocolError, also if rows are missing before it."""
        block = frames.decode(data)
        if block.symbol >= len(self.instruments):
            raise ProtocolError(f"rows of instrument {block.symbol}, of {len(self.instruments)}")
        if block.kind in APPENDED:
            self._place(self.instruments[block.symbol].symbol, block)
        return block

    def _place(self, symbol: str, block: Rows) -> None:
        key = symbol, block.kind, block.level
        held = self._held.get(key)
        if block.part is Part.NEWEST:
            self._held[key] = _Held(block.epoch, block.revision, block.sequence, block.next)
            return
        joins = held is not None and (held.epoch, held.revision) == (block.epoch, block.revision)
        if held is not None and joins and block.part is Part.HISTORY and block.next == held.first:
            self._held[key] = replace(held, first=block.sequence)
        elif held is not None and joins and block.part is not Part.HISTORY and block.sequence == held.next:
            self._held[key] = replace(held, next=block.next)
        else:
            raise ProtocolError(
                f"{FORMS[block.kind].name} of {symbol}: rows {block.sequence} to {block.next} do not join {held}"
            )

    def resume(self, request: Subscribe) -> Subscribe:
        """Return a subscription with the positions of all received rows, so that the server sends only missing rows."""
        positions = tuple(
            Position(FORMS[kind].name, held.epoch, held.first, held.next, held.revision)
            for (symbol, kind, level), held in self._held.items()
            if symbol == request.symbol and (kind not in PER_LEVEL or level == request.level)
        )
        return Subscribe(
            symbol=request.symbol,
            level=request.level,
            span_s=request.span_s,
            kinds=request.kinds,
            positions=positions,
        )

    def forget(self, symbol: str, level: int) -> None:
        """Forget the positions of a symbol and level, after an `Unsubscribe`."""
        for key in [one for one in self._held if one[0] == symbol and one[2] == level]:
            del self._held[key]
