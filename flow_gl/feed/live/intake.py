"""Convert a connection's records to feed items: names, trades (each once), definitions; and track the gateway's state.

Impossible times are rejected (`gateway_clock`, `time_checks`): they are counted and end the connection. Trades are
handed over only after their instrument was named on the current connection (`SymbolMappingMsg`); until then they are
held. Each connection must bring every named instrument from where the ledger needs it. If one was requested too late
(its symbol now means another contract), the connection is too short and is replaced by a new one.
"""

from collections.abc import Set
from typing import TYPE_CHECKING, Final, cast

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.items import Definition, Item, Mapping, Trades
from flow_gl.core.outside import name, plain
from flow_gl.core.schema import UNDEF_TS
from flow_gl.core.units import MINUTE_NS, SECOND_NS
from flow_gl.dbn.damage import DamageError
from flow_gl.dbn.layout import DEFINITION_KIND, ERROR_KIND, MAPPING_KIND, SYSTEM_KIND
from flow_gl.feed.live.errors import Fault, Trouble, from_code
from flow_gl.feed.live.gateway_clock import GatewayClock, Hold
from flow_gl.feed.live.held_trades import HeldTrades
from flow_gl.feed.live.ledger import Ledger
from flow_gl.feed.live.time_checks import TimeChecks
from flow_gl.feed.live.wire import (
    HEARTBEAT,
    REPLAY_COMPLETED,
    SLOW_READER,
    chunks_of,
    code_of,
    damaged,
    decode,
    definition_of,
    first_implausible,
    runs,
    signed,
    text_of,
)

if TYPE_CHECKING:
    from databento_dbn import ErrorMsg, InstrumentDefMsg, SymbolMappingMsg, SystemMsg

MAX_NAMES: Final = 10_000
"""Most names and definitions of instruments accepted per run; each costs the engine 45 kB."""
MAX_NOT_FOUND: Final = 100
"""Most symbols remembered as not found, besides the requested ones."""
_NEAR_NS: Final = 2 * SECOND_NS
_NEAR_FOR_NS: Final = 5 * SECOND_NS
"""A replay whose newest trades have been close to now for this long has caught up, whatever the gateway reports."""
_SLOW_NS: Final = MINUTE_NS
"""How long a slow-reader warning is shown."""
_PROOF_HEARTBEATS: Final = 2
"""After this many heartbeats without a record between them, the replay is over."""


class Intake:
    """Takes the records of one connection after another.

    Parameters
    ----------
    symbols : requested symbols
    is_parent : each symbol denotes many instruments
    masked_key : the key as it may be shown
    """

    def __init__(self, symbols: tuple[str, ...], *, is_parent: bool, masked_key: str) -> None:
        self.ledger: Final = Ledger()
        self.known_until = 0
        """Event time up to which everything has been handed over, ns; 0 before the first trade."""
        self.first_ts = 0
        """`ts_event` of the current connection's first trade, repeated or not, ns; 0 before it."""
        self.newest_ts = 0
        """Newest `ts_event` of the current connection, repeated or not, ns; 0 before the first trade."""
        self.time: Final = GatewayClock()
        self.time_checks: Final = TimeChecks(self.time)
        self.not_found: Final[dict[str, str]] = {}
        """Symbols that the gateway does not know, with its message."""
        self._slow_until = self._wall_ns = 0
        self._named = self._symbol_errors = 0
        self._hold: Hold | None = None
        self.wanted_from: int | None = None
        """Time from which a connection that was too short should have been requested, ns."""
        self.symbols = symbols
        self.elsewhere: Set[int] = frozenset()
        """Instruments that another connection delivers until `absorb`; taken here too, they would come twice."""
        self._left: Final[set[int]] = set()  # those of them that the current connection also delivers
        self._is_parent: Final = is_parent
        self._masked_key: Final = masked_key
        self._start: int | None = None
        self._origin = self._earliest_ns = 0
        self._near_since = 0
        self._is_replayed = False
        self._replays_left = 0
        self._silent_heartbeats = 0
        self._instruments: set[int] = set()  # named on the current connection
        self._requested: dict[str, int] = {}
        self._changes: Final[set[tuple[str, int, int]]] = set()  # changes of names within the stream that were acted on
        self._known: Final[dict[str, set[int]]] = {}  # as last named, on any connection
        self._held = HeldTrades()
        self._mapped: dict[int | str, Mapping] = {}
        self._definitions: dict[int, Definition] = {}

    @property
    def is_in_doubt(self) -> bool:
        """Whether records are held back until those that follow show if the first one's time is right."""
        return self._hold is not None

    @property
    def is_full(self) -> bool:
        """Whether no more records may be taken before those held back are decided on."""
        return self._hold is not None and self._hold.is_full

    @property
    def instruments(self) -> Set[int]:
        """The instruments that were named on the current connection."""
        return self._instruments

    @property
    def known_symbols(self) -> Set[str]:
        """The requested symbols that were named on any connection."""
        return self._known.keys()

    @property
    def held(self) -> int:
        """Number of trades held until their symbol is known."""
        return self._held.count

    @property
    def is_replayed(self) -> bool:
        """The replay is over; what comes now is live."""
        return self._is_replayed

    @property
    def is_slow(self) -> bool:
        """Whether the gateway recently reported a slow reader. Nothing is lost by that."""
        return self._wall_ns < self._slow_until

    def need_from(self) -> int | None:
        """Return the `ts_event` from which a new connection must replay, ns.

        None (replay from the origin) if a requested symbol has not been named yet or an instrument not been received.
        """
        if any(symbol not in self._known and symbol not in self.not_found for symbol in self.symbols):
            return None
        needs = [self.ledger.need_from(instrument_id) for known in self._known.values() for instrument_id in known]
        wanted = [need for need in needs if need is not None]
        return min(wanted, default=None) if len(wanted) == len(needs) else None

    def absorb(self, other: "Intake", symbols: tuple[str, ...], instruments: Set[int]) -> None:
        """Take over symbols and their instruments from a separate connection. Call it before `begin`."""
        self.symbols += symbols
        self._known.update((symbol, set(other._known[symbol])) for symbol in symbols)
        self._mapped.update((symbol, other._mapped[symbol]) for symbol in symbols)
        self._definitions.update((one, other._definitions[one]) for one in instruments if one in other._definitions)
        self._named += other._named
        self.ledger.absorb(other.ledger, instruments)

    def meant_by(self, symbols: Set[str]) -> set[int]:
        """Return the instruments to which requested symbols were last mapped."""
        return {one for symbol in symbols for one in self._known.get(symbol, ())}

    def leave(self, symbol: str) -> Ledger:
        """Stop taking a symbol and its instrument, which another connection delivers until `absorb`.

        Returns
        -------
        The ledger of the instrument's delivered trades
        """
        instruments = self.meant_by({symbol})
        self.symbols = tuple(one for one in self.symbols if one != symbol)
        self._known.pop(symbol, None)
        self._mapped.pop(symbol, None)
        self._requested.pop(symbol, None)
        self._left.update(instruments)
        self._instruments -= instruments
        return self.ledger.split_off(instruments)

    def begin(self, *, start: int | None, origin: int, earliest_ns: int, replays: int) -> None:
        """Start taking the records of a new connection.

        Parameters
        ----------
        start : `ts_event` from which its replay was requested, ns; None for no replay
        origin : time from which instruments are wanted that were not received before, ns
        earliest_ns : earliest time from which the gateway can replay, ns
        replays : number of subscriptions with a replay, including trades
        """
        self.ledger.take_over()
        self.time_checks.begin()
        self._hold = None
        self._symbol_errors = 0
        self._start, self._origin, self._earliest_ns = start, origin, earliest_ns
        self._is_replayed = start is None
        self._replays_left = replays
        self.first_ts = self.newest_ts = self._near_since = self._silent_heartbeats = 0
        self.wanted_from = None
        self._instruments = set()
        self._left.clear()
        self._requested = {}
        self._held = HeldTrades()

    def take(self, chunks: list[bytes], wall_ns: int, out: list[Item], now_ns: int | None = None) -> Trouble | None:
        """Convert records to items.

        Parameters
        ----------
        chunks : complete records, in order; empty if only time has passed
        wall_ns : now, ns since the epoch
        out : receives the items
        now_ns : monotonic time, ns; None: same as `wall_ns`

        Returns
        -------
        The error that ends the connection, after which nothing was taken; None if there is none

        Raises
        ------
        DamageError : the stream cannot be trusted from some record on; the items before it are in `out`
        """
        now_ns = wall_ns if now_ns is None else now_ns
        self._wall_ns = wall_ns
        hold = self._hold
        if hold is not None:
            hold.add(chunks)
            if hold.is_refuted(now_ns):
                self._hold = None
                return self.time_checks.refuse(hold, wall_ns, now_ns)
            if not hold.is_borne_out(now_ns):
                return None
            self._hold, chunks = None, hold.chunks
            self.time.accept(hold.reached, wall_ns)
        coming = runs(chunks)
        for run in coming:
            if isinstance(run, bytes):
                try:
                    doubtful = self._doubt_message(run, wall_ns, now_ns, out)
                except DamageError:
                    raise
                except Exception as error:  # fields are decoded lazily, with many kinds of errors
                    raise damaged(f"a record of kind {run[1]} has an invalid value: {error}") from None
            else:
                doubtful = self._doubt_trades(run, wall_ns, out)
            if isinstance(doubtful, Trouble):
                return doubtful
            if doubtful:
                self._hold = Hold(self.time_checks.claimed, now_ns)
                self._hold.add(doubtful + chunks_of(coming))
                return None
        return None

    def _doubt_message(self, chunk: bytes, wall_ns: int, now_ns: int, out: list[Item]) -> Trouble | list[bytes]:
        """Take a record other than a trade. Returns the error that ends the connection, or the record to hold back."""
        is_believed = True
        if chunk[1] == SYSTEM_KIND:
            judged = self.time_checks.judge(chunk, self.newest_ts, wall_ns, now_ns)
            if not isinstance(judged, bool):
                return judged
            is_believed = judged
        return self._take_other(chunk, out, is_believed=is_believed) or []

    def _doubt_trades(self, rows: NDArray[np.void], wall_ns: int, out: list[Item]) -> Trouble | list[bytes]:
        """Take trades up to the first doubtful time. Returns the error that ends the connection, or the rest."""
        is_undated = rows["ts_event"] == UNDEF_TS
        if is_undated.any():
            rows, undated = rows[~is_undated], rows[is_undated]
            undated = self.time_checks.first_seen(undated[np.isin(undated["instrument_id"], list(self._instruments))])
            if len(undated):
                out.append(Trades(undated))  # the engine rejects and counts them, each once
        rows, rest, trouble = self.time_checks.sift(rows, wall_ns)
        self._take_trades(rows, wall_ns, out)
        return trouble or [row.tobytes() for row in rest]

    def _take_trades(self, rows: NDArray[np.void], wall_ns: int, out: list[Item]) -> None:
        end = first_implausible(rows, wall_ns)
        good = rows[:end]
        if end:
            self._note_progress(good, wall_ns)
            strange = set(np.unique(good["instrument_id"]).tolist()) - self._instruments
            for instrument_id in strange:
                is_its = good["instrument_id"] == instrument_id
                if instrument_id not in self._left:
                    self._held.add(instrument_id, good[is_its])
                good = good[~is_its]
            self._hand_over(good, out)
        if end < len(rows):
            row = rows[end]
            fields = f"side {row['side']}, action {row['action']}, ts_event {row['ts_event']}, ts_recv {row['ts_recv']}"
            raise damaged(f"an impossible trade: {fields}")

    def _note_progress(self, rows: NDArray[np.void], wall_ns: int) -> None:
        self._silent_heartbeats = 0
        self.first_ts = self.first_ts or int(rows["ts_event"][0])
        self.newest_ts = max(self.newest_ts, int(rows["ts_event"].max()))
        if self._is_replayed:
            self.time.note_live(int(rows["ts_event"].max()), wall_ns)
        elif self.newest_ts >= wall_ns + self.time.offset_ns - _NEAR_NS:
            self._near_since = self._near_since or wall_ns
            self._is_replayed = wall_ns - self._near_since >= _NEAR_FOR_NS

    def _hand_over(self, rows: NDArray[np.void], out: list[Item]) -> None:
        new = self.ledger.admit(rows) if len(rows) else rows
        if len(new):
            out.append(Trades(new))
            self.known_until = max(self.known_until, self.ledger.newest_ts)

    def _take_other(self, chunk: bytes, out: list[Item], *, is_believed: bool) -> Trouble | None:
        record = decode(chunk)
        kind = chunk[1]
        if kind == MAPPING_KIND:
            return self._take_mapping(cast("SymbolMappingMsg", record), out)
        if kind == ERROR_KIND:
            return self._take_error(cast("ErrorMsg", record))
        if kind == DEFINITION_KIND:
            definition = definition_of(cast("InstrumentDefMsg", record))
            if self._definitions.get(definition.instrument_id) != definition:
                self._count_name()
                self._definitions[definition.instrument_id] = definition
                out.append(definition)
            return None
        self._take_system(cast("SystemMsg", record), is_believed=is_believed)
        return None

    def _count_name(self) -> None:
        self._named += 1
        if self._named > MAX_NAMES:
            raise damaged(f"more than {MAX_NAMES:,} names and definitions of instruments arrived")

    def _take_mapping(self, record: "SymbolMappingMsg", out: list[Item]) -> Trouble | None:
        instrument_id, requested = record.instrument_id, name(text_of(record, "stype_in_symbol"))
        symbol = name(text_of(record, "stype_out_symbol")) or str(instrument_id)
        change = (requested, self._requested.get(requested, instrument_id), instrument_id)
        is_change = change[1] != instrument_id and not self._is_parent and self.first_ts > 0
        if is_change and change not in self._changes:  # repeated: the gateway's names are inconsistent
            self._changes.add(change)
            self.wanted_from = self._origin
            return Trouble(Fault.RENEW, f"{requested} is {symbol} from now on")
        if instrument_id in self.elsewhere:
            return Trouble(Fault.RETRY, f"{requested} is {symbol} now, which is just being added")
        need = self.ledger.need_from(instrument_id)
        need = max(self._origin if need is None else need, self._earliest_ns)
        if self._start is not None and self._start > need:
            self.wanted_from = need
            return Trouble(Fault.RENEW, f"{requested} is {symbol} now: its session is being replayed")
        mapping = Mapping(instrument_id, symbol, requested, self._plausible(record.ts_event))
        key = instrument_id if self._is_parent else requested
        before = self._mapped.get(key)
        is_news = before is None or (before.instrument_id, before.symbol) != (mapping.instrument_id, mapping.symbol)
        if is_news:
            self._count_name()
        self.ledger.cover(instrument_id, self._origin, is_replayed=self._start is not None)
        self._requested[requested] = instrument_id
        self._instruments.add(instrument_id)
        if self._is_parent:
            self._known.setdefault(requested, set()).add(instrument_id)
        else:
            self._known[requested] = {instrument_id}
        self.not_found.pop(requested, None)
        if is_news:
            self._mapped[key] = mapping
            out.append(mapping)
        for rows in self._held.take(instrument_id):
            self._hand_over(rows, out)
        return None

    def _take_error(self, record: "ErrorMsg") -> Trouble | None:
        words = text_of(record, "err")
        trouble = from_code(code_of(record.code), words, masked_key=self._masked_key)
        if trouble.fault is not Fault.SYMBOL:
            return trouble
        reason = plain(words)
        named = [symbol for symbol in self.symbols if symbol in words]
        for symbol in named or [reason]:
            if symbol in self.symbols or len(self.not_found) < MAX_NOT_FOUND:
                self.not_found[symbol] = reason
        self._symbol_errors += 1
        if self._symbol_errors > MAX_NOT_FOUND + len(self.symbols):
            raise damaged(f"{self._symbol_errors} times a symbol was not found")
        return None

    def _take_system(self, record: "SystemMsg", *, is_believed: bool) -> None:
        code, text = code_of(record.code), text_of(record, "msg").lower()
        if code == HEARTBEAT or record.is_heartbeat():
            self._silent_heartbeats += 1
            if self._silent_heartbeats >= _PROOF_HEARTBEATS:
                self._is_replayed = True
            if self._is_replayed and is_believed:
                stated = signed(record.ts_event)
                self.known_until = max(self.known_until, self.time.vouched(stated, self._wall_ns))
                self.time.note_message(stated, self._wall_ns)
        elif code == SLOW_READER:
            self._slow_until = self._wall_ns + _SLOW_NS
        elif code == REPLAY_COMPLETED:
            self._replays_left -= 1
            self._is_replayed = self._is_replayed or "trade" in text or self._replays_left <= 0

    def _plausible(self, ts: int) -> int:
        """Return a mapping's time, or 0 if it is impossible."""
        ts = signed(ts)
        return 0 if self.time.is_impossible(ts, self._wall_ns) else ts
