"""From the records of a connection to the feed's items: names, trades each once, definitions, what the gateway says.

Trades are handed over only when their instrument has been named on the connection in use (`SymbolMappingMsg`); until
then they are kept. Each connection must bring every named instrument from where the ledger needs it; one that was
asked for too late (its symbol means another contract now) is said to be short, and a new one is made.
"""

from typing import TYPE_CHECKING, Final, cast

import numpy as np
from numpy.typing import NDArray

from flow_gl.feed.base import Definition, Item, Mapping, Trades
from flow_gl.feed.live_errors import Fault, Trouble, from_code
from flow_gl.feed.live_ledger import Ledger
from flow_gl.feed.live_wire import (
    RTYPE_DEFINITION,
    RTYPE_ERROR,
    RTYPE_MAPPING,
    DamagedStreamError,
    decode,
    definition_of,
    first_implausible,
    runs,
)

if TYPE_CHECKING:
    from databento_dbn import ErrorMsg, InstrumentDefMsg, SymbolMappingMsg, SystemMsg

HELD_ROWS: Final = 1 << 20
"""Most trades that wait for their symbol; more of them than this come only from a stream that is damaged."""
_HEARTBEAT: Final = 0
_SLOW_READER: Final = 2
_REPLAY_COMPLETED: Final = 3
_NEAR_NS: Final = 2_000_000_000
_NEAR_FOR_NS: Final = 5_000_000_000
"""A replay whose newest trades have been near to now for so long has caught up, whether the gateway says so or not."""
_SLOW_NS: Final = 60_000_000_000
"""A slow-reader warning is shown for so long."""
_PROOF_HEARTBEATS: Final = 2
"""So many heartbeats with no record between them: the replay is over."""


class Intake:
    """What has come down the connections, one at a time.

    Parameters
    ----------
    symbols : requested symbols
    is_parent : each stands for many instruments
    masked_key : key as it may be shown
    """

    def __init__(self, symbols: tuple[str, ...], *, is_parent: bool, masked_key: str) -> None:
        self.ledger: Final = Ledger()
        self.known_until = 0
        """Event time up to which everything has been handed over, ns; 0 for none yet."""
        self.first_ts = 0
        """`ts_event` of the first trade of the connection in use, repeated or not, ns; 0 for none yet."""
        self.newest_ts = 0
        """`ts_event` of its newest trade so far, likewise."""
        self.ahead_ns = 0
        """How far this machine's clock was seen to be behind the capture's, ns."""
        self.not_found: Final[dict[str, str]] = {}
        """Symbols that the gateway does not know, with its words."""
        self._slow_until = 0
        self.wanted_from: int | None = None
        """From where a connection that was short should have been asked for, ns."""
        self._symbols: Final = symbols
        self._is_parent: Final = is_parent
        self._masked_key: Final = masked_key
        self._start: int | None = None
        self._origin = self._floor = 0
        self._near_since = 0
        self._is_replayed = False
        self._replays_left = 0
        self._silent_heartbeats = 0
        self._instruments: set[int] = set()  # named on the connection in use
        self._requested: dict[str, int] = {}
        self._changes: Final[set[tuple[str, int, int]]] = set()  # of names in mid-stream, that were acted on
        self._known: Final[dict[str, set[int]]] = {}  # as last named, on whatever connection
        self._held: dict[int, list[NDArray[np.void]]] = {}
        self._held_rows = 0
        self._told: dict[int | str, Mapping] = {}
        self._definitions: dict[int, Definition] = {}

    @property
    def held(self) -> int:
        """Trades that wait for their symbol."""
        return self._held_rows

    @property
    def is_replayed(self) -> bool:
        """The replay is over; what comes now is live."""
        return self._is_replayed

    @property
    def is_slow(self) -> bool:
        """The gateway has lately said that it is read too slowly. Nothing is lost by that."""
        return self.known_until < self._slow_until

    def need_from(self) -> int | None:
        """From which `ts_event` a new connection must replay, ns, as far as the instruments are known.

        None where a requested symbol has not been named yet, or an instrument not been received: from the origin.
        """
        if any(symbol not in self._known and symbol not in self.not_found for symbol in self._symbols):
            return None
        needs = [self.ledger.need_from(instrument_id) for known in self._known.values() for instrument_id in known]
        wanted = [need for need in needs if need is not None]
        return min(wanted, default=None) if len(wanted) == len(needs) else None

    def begin(self, *, start: int | None, origin: int, floor: int, replays: int) -> None:
        """A new connection is in use.

        Parameters
        ----------
        start : from which `ts_event` it was asked to replay; None for not at all
        origin : from where instruments are wanted that have not been received yet, ns
        floor : from where a replay can be had at all, ns
        replays : subscriptions that are replayed, trades among them
        """
        self.ledger.take_over()
        self._start, self._origin, self._floor = start, origin, floor
        self._is_replayed = start is None
        self._replays_left = replays
        self._silent_heartbeats = 0
        self.first_ts = 0
        self.newest_ts = 0
        self._near_since = 0
        self.wanted_from = None
        self._instruments = set()
        self._requested = {}
        self._held = {}
        self._held_rows = 0

    def take(self, chunks: list[bytes], wall_ns: int, out: list[Item]) -> Trouble | None:
        """Turn records into items.

        Parameters
        ----------
        chunks : whole records, in order
        wall_ns : now
        out : items are appended to it

        Returns
        -------
        What ends the connection: nothing after it was taken. None where all is well.

        Raises
        ------
        DamagedStreamError : the stream cannot be trusted from a record on; what came before it is in `out`
        """
        for run in runs(chunks):
            if isinstance(run, bytes):
                try:
                    trouble = self._take_other(run, out)
                except DamagedStreamError:
                    raise
                except Exception as error:  # fields are decoded as they are asked for, with errors of many kinds
                    raise DamagedStreamError(f"a record of kind {run[1]} holds what it cannot: {error}") from None
                if trouble:
                    return trouble
            else:
                self._take_trades(run, wall_ns, out)
        return None

    def _take_trades(self, rows: NDArray[np.void], wall_ns: int, out: list[Item]) -> None:
        end = first_implausible(rows, wall_ns)
        good = rows[:end]
        if end:
            self._note_progress(good, wall_ns)
            strange = set(np.unique(good["instrument_id"]).tolist()) - self._instruments
            for instrument_id in strange:
                is_its = good["instrument_id"] == instrument_id
                self._hold(instrument_id, good[is_its])
                good = good[~is_its]
            self._hand_over(good, out)
        if end < len(rows):
            row = rows[end]
            said = f"side {row['side']}, action {row['action']}, ts_event {row['ts_event']}, ts_recv {row['ts_recv']}"
            raise DamagedStreamError(f"a trade that cannot be: {said}")

    def _note_progress(self, rows: NDArray[np.void], wall_ns: int) -> None:
        self._silent_heartbeats = 0
        self.first_ts = self.first_ts or int(rows["ts_event"][0])
        self.newest_ts = max(self.newest_ts, int(rows["ts_event"].max()))
        if self._is_replayed:
            self.ahead_ns = max(self.ahead_ns, int(rows["ts_recv"].max()) - wall_ns)
        elif self.newest_ts >= wall_ns - _NEAR_NS:
            self._near_since = self._near_since or wall_ns
            self._is_replayed = wall_ns - self._near_since >= _NEAR_FOR_NS

    def _hand_over(self, rows: NDArray[np.void], out: list[Item]) -> None:
        new = self.ledger.admit(rows) if len(rows) else rows
        if len(new):
            out.append(Trades(new))
            self.known_until = max(self.known_until, self.ledger.newest_ts)

    def _hold(self, instrument_id: int, rows: NDArray[np.void]) -> None:
        self._held.setdefault(instrument_id, []).append(rows)
        self._held_rows += len(rows)
        if self._held_rows > HELD_ROWS:
            raise DamagedStreamError(f"{self._held_rows:,} trades of instruments that were never named")

    def _take_other(self, chunk: bytes, out: list[Item]) -> Trouble | None:
        record = decode(chunk)
        kind = chunk[1]
        if kind == RTYPE_MAPPING:
            return self._take_mapping(cast("SymbolMappingMsg", record), out)
        if kind == RTYPE_ERROR:
            return self._take_error(cast("ErrorMsg", record))
        if kind == RTYPE_DEFINITION:
            definition = definition_of(cast("InstrumentDefMsg", record))
            if self._definitions.get(definition.instrument_id) != definition:
                self._definitions[definition.instrument_id] = definition
                out.append(definition)
            return None
        self._take_system(cast("SystemMsg", record))
        return None

    def _take_mapping(self, record: "SymbolMappingMsg", out: list[Item]) -> Trouble | None:
        instrument_id, requested = record.instrument_id, record.stype_in_symbol
        change = (requested, self._requested.get(requested, instrument_id), instrument_id)
        is_change = change[1] != instrument_id and not self._is_parent and self.first_ts > 0
        if is_change and change not in self._changes:  # the same change again: the gateway's names are not of one time
            self._changes.add(change)
            self.wanted_from = self._origin
            return Trouble(Fault.RENEW, f"{requested} is {record.stype_out_symbol} from now on")
        need = self.ledger.need_from(instrument_id)
        need = max(self._origin if need is None else need, self._floor)
        if self._start is not None and self._start > need:
            self.wanted_from = need
            return Trouble(Fault.RENEW, f"{requested} is {record.stype_out_symbol} now: its session is being replayed")
        self.ledger.cover(instrument_id, self._origin)
        self._requested[requested] = instrument_id
        self._instruments.add(instrument_id)
        if self._is_parent:
            self._known.setdefault(requested, set()).add(instrument_id)
        else:
            self._known[requested] = {instrument_id}
        self.not_found.pop(requested, None)
        mapping = Mapping(instrument_id, record.stype_out_symbol, requested, _signed(record.ts_event))
        key = instrument_id if self._is_parent else requested
        told = self._told.get(key)
        if told is None or (told.instrument_id, told.symbol) != (mapping.instrument_id, mapping.symbol):
            self._told[key] = mapping
            out.append(mapping)
        for rows in self._held.pop(instrument_id, []):
            self._held_rows -= len(rows)
            self._hand_over(rows, out)
        return None

    def _take_error(self, record: "ErrorMsg") -> Trouble | None:
        trouble = from_code(_code(record.code), record.err, masked_key=self._masked_key)
        if trouble.fault is not Fault.SYMBOL:
            return trouble
        named = [symbol for symbol in self._symbols if symbol in record.err]
        for symbol in named or [record.err]:
            self.not_found[symbol] = record.err
        return None

    def _take_system(self, record: "SystemMsg") -> None:
        code, text = _code(record.code), record.msg.lower()
        if code == _HEARTBEAT or record.is_heartbeat():
            self._silent_heartbeats += 1
            if self._silent_heartbeats >= _PROOF_HEARTBEATS:
                self._is_replayed = True
            if self._is_replayed:
                self.known_until = max(self.known_until, _signed(record.ts_event))
        elif code == _SLOW_READER:
            self._slow_until = _signed(record.ts_event) + _SLOW_NS
        elif code == _REPLAY_COMPLETED:
            self._replays_left -= 1
            self._is_replayed = self._is_replayed or "trade" in text or self._replays_left <= 0


def _code(code: object) -> int:
    """A code as the record gives it (an enum, an int, or None where it is unknown) as a number."""
    return 255 if code is None else int(cast(int, code))


def _signed(ts: int) -> int:
    return ts if ts < 1 << 63 else 0
