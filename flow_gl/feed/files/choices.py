"""The possible charts of a set of files: their instruments, and the names that refer to them.

An instrument is an id for as long as its raw symbol stays the same. A continuous symbol means several instruments over
time, several names may mean the same instrument, and a raw symbol's id may change. A `Choice` says which instruments a
name means in these files, and how a reader of the files follows it.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from flow_gl.core.items import Definition
from flow_gl.core.market.instrument import is_outright_symbol, is_parent_symbol, is_spread_symbol
from flow_gl.core.market.names import Name
from flow_gl.feed.files.definition_dates import dated, defined_at
from flow_gl.feed.files.file_part import FilePart, Traded


@dataclass(frozen=True, slots=True)
class InstrumentSummary:
    """One instrument in a set of files."""

    instrument_id: int
    symbol: str = ""
    """Raw symbol; "" if no file gives it."""
    names: tuple[str, ...] = ()
    """Requested symbols that meant it at some time."""
    trades: int = 0
    volume: int = 0
    """Contracts of trades with a price and a size."""
    first_ts: int = 0
    """`ts_event` of its first trade, ns; 0 if it has none."""
    last_ts: int = 0
    definition: Definition | None = None

    @property
    def requested(self) -> str:
        """The first requested symbol that meant it; "" if there is none."""
        return self.names[0] if self.names else ""

    @property
    def name(self) -> str:
        """The raw symbol, else the requested symbol, else the id."""
        return self.symbol or self.requested or str(self.instrument_id)

    @property
    def is_outright(self) -> bool:
        """By the definition, else by the symbol; an unnamed instrument counts as an outright."""
        if self.definition:
            return self.definition.is_outright
        return is_outright_symbol(self.symbol) or not self.symbol

    @property
    def rank(self) -> int:
        """Order of preference: 0 a named outright, 1 an unnamed instrument, 2 a share or option, 3 a spread."""
        if self.is_outright:
            return 0 if self.name != str(self.instrument_id) else 1
        return 3 if is_spread_symbol(self.symbol) else 2


@dataclass(frozen=True, slots=True)
class Choice:
    """A possible chart: all instruments that a name refers to in a set of files."""

    name: str
    instruments: tuple[InstrumentSummary, ...]
    """Those that trade, in order of time."""
    trades: int
    volume: int
    only_id: int = 0
    """Follow the name only among instruments of this id; 0: of any."""
    pinned: int = 0
    """Follow this id instead of the name, because no mapping gives the name; 0: follow the name."""
    unnamed: int = 0
    """The first instrument's id if its first trades come before any name of it; 0 otherwise."""

    @property
    def instrument(self) -> InstrumentSummary:
        """The last instrument."""
        return self.instruments[-1]

    @property
    def instrument_id(self) -> int:
        return self.instrument.instrument_id

    @property
    def symbol(self) -> str:
        """The last instrument's raw symbol, else the name."""
        return self.instrument.symbol or self.name

    @property
    def definition(self) -> Definition | None:
        return self.instrument.definition

    @property
    def rank(self) -> int:
        """The highest rank among its instruments."""
        return max(one.rank for one in self.instruments)

    def follow(self) -> Name:
        """Return the `Name` that follows this choice through the files' mappings."""
        return Name(str(self.pinned)) if self.pinned else Name(self.name, only_id=self.only_id)


@dataclass(slots=True)
class _Meaning:
    """Totals of a name while files are summed up."""

    trades: int = 0
    volume: int = 0
    at: list[int] = field(default_factory=list)
    """Indices of the instruments."""


class Found:
    """The instruments in files, and what names mean there."""

    def __init__(self, parts: Sequence[FilePart]) -> None:
        self._all: list[InstrumentSummary] = []
        self._current: dict[int, int] = {}
        self._means: dict[str, _Meaning] = {}
        self._mapped: set[str] = set()
        """Raw symbols given by a mapping, not only by a definition."""
        self._unnamed: set[tuple[int, int]] = set()
        """Ids with the time of their first trade (ns) in periods without a raw symbol."""
        sources = [part for part in parts if part.is_definitions]
        definitions = dated(
            [one for part in sources for one in part.definitions], [one for part in sources for one in part.mappings]
        )
        of_trades = [named.definition for part in parts if not part.is_definitions for named in part.named]
        definitions += [one for one in of_trades if one is not None]
        definitions.sort(key=lambda one: one.ts_event)
        for part in parts:
            self._mapped.update(named.symbol for named in part.named if named.definition is None)
            self._unnamed.update((one.instrument_id, one.first_ts) for one in part.traded if not one.symbol)
            for traded in sorted(part.traded, key=lambda one: one.first_ts):
                self._add(traded, definitions)
        for part in parts:
            for named in part.named:
                self._add_silent(named.instrument_id, named.symbol, named.requested)
        for at, one in enumerate(self._all):
            of_it = [it for it in definitions if (it.instrument_id, it.symbol) == (one.instrument_id, one.symbol)]
            self._all[at] = replace(one, definition=of_it[-1] if of_it else None)

    def instruments(self) -> tuple[InstrumentSummary, ...]:
        """Return all instruments by descending volume, then ascending id; named ones without trades come last."""
        return tuple(sorted(self._all, key=lambda one: (-one.volume, -one.trades, one.instrument_id, one.symbol)))

    def of_name(self, name: str) -> Choice | None:
        """Return the choice for a requested symbol; None if no instrument of it trades. Case is ignored."""
        wanted = name.upper()
        known = next((known for known in self._means if known.upper() == wanted), None)
        if known is None:
            return None
        meaning = self._means[known]
        if is_parent_symbol(known):
            children = [self._all[at] for at in meaning.at if self._all[at].is_outright]
            return self.of_instrument(min(children, key=_rank)) if children else None
        return Choice(known, tuple(self._all[at] for at in meaning.at), meaning.trades, meaning.volume)

    def of_symbol(self, symbol: str) -> Choice | None:
        """Return the choice for a raw symbol: all instruments of that name, of any id; None if none of them trades."""
        named = [one for one in self._all if one.symbol and one.symbol.upper() == symbol.upper() and one.trades]
        if not named:
            return None
        named.sort(key=lambda one: one.first_ts)
        known = named[0].symbol
        is_followed = known in self._mapped or len(self._of_id(named[0].instrument_id)) > 1
        pinned = 0 if is_followed else named[0].instrument_id
        trades, volume = (sum(getattr(one, count) for one in named) for count in ("trades", "volume"))
        unnamed = named[0].instrument_id if (named[0].instrument_id, named[0].first_ts) in self._unnamed else 0
        return Choice(known, tuple(named), trades, volume, pinned=pinned, unnamed=unnamed)

    def of_instrument(self, one: InstrumentSummary, name: str = "") -> Choice:
        """Return the choice of a single instrument."""
        is_followed = bool(one.symbol) and len(self._of_id(one.instrument_id)) > 1
        label = one.symbol if is_followed else name or one.name
        only_id, pinned = (one.instrument_id, 0) if is_followed else (0, one.instrument_id)
        return Choice(label, (one,), one.trades, one.volume, only_id, pinned)

    def of_id(self, text: str) -> Choice | None:
        """Return the instrument of an id, the one with the most volume if there are several; None if none trades."""
        ours = [one for one in self._all if str(one.instrument_id) == text and one.trades]
        return self.of_instrument(min(ours, key=_rank), name=min(ours, key=_rank).symbol or text) if ours else None

    def _of_id(self, instrument_id: int) -> list[InstrumentSummary]:
        """Return the instruments of an id that trade; several if the id was reused."""
        return [one for one in self._all if one.instrument_id == instrument_id and one.trades]

    def is_named(self, symbol: str) -> bool:
        """Whether any file names it, with or without trades."""
        wanted = symbol.upper()
        return any(
            wanted in (one.symbol.upper(), str(one.instrument_id), *(name.upper() for name in one.names))
            for one in self._all
        )

    def choices(self) -> list[Choice]:
        """Return everything that can be charted without asking for a name, by descending volume, then ascending id."""
        found: list[Choice] = []
        covered: set[int] = set()
        for name, meaning in self._means.items():
            choice = None if is_parent_symbol(name) else self.of_name(name)
            if choice is not None:
                found.append(choice)
                covered.update(meaning.at)
        rest = [one for at, one in enumerate(self._all) if at not in covered and one.trades]
        for symbol in dict.fromkeys(one.symbol for one in rest if one.symbol):
            choice = self.of_symbol(symbol)
            found += [choice] if choice else []
        found += [self.of_instrument(one) for one in rest if not one.symbol]
        return sorted(found, key=lambda one: (-one.volume, min(it.instrument_id for it in one.instruments)))

    def _add(self, traded: Traded, definitions: Iterable[Definition]) -> None:
        instrument_id = traded.instrument_id
        symbol = traded.symbol or _defined(definitions, traded)
        at = self._current.get(instrument_id)
        if at is None or (symbol and self._all[at].symbol and symbol != self._all[at].symbol):
            at = self._current[instrument_id] = len(self._all)
            self._all.append(InstrumentSummary(instrument_id))
        known = self._all[at]
        names = (*known.names, *(name for name in traded.requested if name not in known.names))
        self._all[at] = replace(
            known,
            symbol=known.symbol or symbol,
            names=names,
            trades=known.trades + traded.trades,
            volume=known.volume + traded.volume,
            first_ts=known.first_ts or traded.first_ts,
            last_ts=traded.last_ts,
        )
        for name in traded.requested:
            meaning = self._means.setdefault(name, _Meaning())
            meaning.trades += traded.trades
            meaning.volume += traded.volume
            if at not in meaning.at:
                meaning.at.append(at)

    def _add_silent(self, instrument_id: int, symbol: str, requested: str) -> None:
        for at, one in enumerate(self._all):
            if one.instrument_id == instrument_id and (not symbol or one.symbol in ("", symbol)):
                if requested and requested not in one.names and not one.trades:
                    self._all[at] = replace(one, names=(*one.names, requested))
                return
        self._all.append(InstrumentSummary(instrument_id, symbol, (requested,) if requested else ()))


def unique(choices: Iterable[Choice]) -> Iterator[Choice]:
    """Yield choices without duplicates: several names may mean the same instrument."""
    seen = set()
    for choice in choices:
        key = tuple((one.instrument_id, one.symbol) for one in choice.instruments), choice.trades
        if key not in seen:
            seen.add(key)
            yield choice


def _rank(one: InstrumentSummary) -> tuple[int, int]:
    return -one.volume, one.instrument_id


def _defined(definitions: Iterable[Definition], traded: Traded) -> str:
    """Return the raw symbol of the definition valid at an instrument's first trade, else of its first definition."""
    one = defined_at((one for one in definitions if one.instrument_id == traded.instrument_id), traded.first_ts)
    return one.symbol if one else ""
