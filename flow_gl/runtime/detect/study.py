"""Detect the events of files under sets of parameters: plan, take cached results, run the rest, combine everything."""

import hashlib
from collections.abc import Callable, Generator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import msgspec

from flow_gl.core.errors import DataError
from flow_gl.core.sessions import SessionCalendar
from flow_gl.core.settings import DETECTION, AggregationSettings
from flow_gl.core.system.folders import cache_dir
from flow_gl.core.system.platform.processes import usable_cores
from flow_gl.engine.export_selection import unique_names
from flow_gl.engine.summary import Summary
from flow_gl.feed.files.scan import scan
from flow_gl.runtime.detect.continuity import Verdict, check
from flow_gl.runtime.detect.found import RangeFound, SessionFound, decode
from flow_gl.runtime.detect.instrument_filter import InstrumentFilter
from flow_gl.runtime.detect.plan import SessionRange, joined, plan
from flow_gl.runtime.detect.pools import Task, run_cluster, run_local
from flow_gl.runtime.file_summaries import CachedParts, hashed, program
from flow_gl.services.replay_cache.file_cache import FileCache, identity

FOLDER: Final = "detect"
_SUFFIX: Final = ".events"


@dataclass(frozen=True, slots=True)
class Options:
    """Options for running a study; no result depends on them."""

    workers: int = 0
    """Most worker processes; 0 for one per core."""
    scheduler: str = ""
    """Address of a Dask scheduler; "" to run on this machine."""
    is_cached: bool = True
    """Cache results in the user's cache folder, and reuse them."""


@dataclass(slots=True)
class MarketEvents:
    """One instrument's sessions under one set of parameters, in order of time."""

    instrument_id: int
    symbol: str
    requested: str
    sessions: list[SessionFound] = field(default_factory=list)
    name: str = ""
    """The name in exported tables: unique, unless there is no raw symbol."""

    @property
    def volume(self) -> int:
        return sum(one.volume for one in self.sessions)

    @property
    def names(self) -> set[str]:
        """The names by which it can be requested, in upper case, and its id."""
        return {one.upper() for one in (self.name, self.symbol, self.requested, str(self.instrument_id)) if one}


@dataclass(frozen=True, slots=True)
class Study:
    """The results."""

    sets: tuple[tuple[MarketEvents, ...], ...]
    """By set of parameters: the instruments, by descending volume, then by id."""
    messages: tuple[str, ...]
    """One line for each damaged place and each omission."""
    damage: tuple[str, ...]
    """Those of the lines that report damage."""
    ranges: int
    """Ranges of sessions, and those of them that were cached."""
    cached: int

    @property
    def trades(self) -> int:
        """Trades of all sessions, counted once."""
        return sum(session.trades for market in self.sets[0] for session in market.sessions)

    def of(self, symbol: str) -> "Study":
        """Return the part of one instrument: its contract, its id, or the symbol that was requested.

        Raises
        ------
        DataError
            No such instrument trades.
        """
        sets = tuple(tuple(one for one in markets if symbol.upper() in one.names) for markets in self.sets)
        if not sets[0]:
            names = ", ".join(market.name for market in self.sets[0])
            raise DataError(f"{symbol} is not among the instruments; there is {names}")
        return replace(self, sets=sets)


class StudyRun:
    """A study that runs.

    Attributes
    ----------
    done, count : ranges that are complete, and their number
    """

    def __init__(
        self,
        paths: Sequence[Path],
        sets: Sequence[AggregationSettings],
        options: Options,
        *,
        symbol: str = "",
        on_share: Callable[[float], None] | None = None,
    ) -> None:
        """Prepare a study.

        Parameters
        ----------
        paths : files in any order
        sets : the sets of parameters, at least one
        symbol : read and return one instrument only: its contract, its id, or the symbol that was requested
        on_share : called with the share that is done, 0..1
        """
        self._paths: Final = [path.absolute() for path in paths]
        self._sets: Final = tuple(sets)
        self._options: Final = options
        self._symbol: Final = symbol
        self._instruments: InstrumentFilter | None = None
        self._on_share: Final = on_share or (lambda _share: None)
        self._cache: Final = FileCache(own=cache_dir() / FOLDER)
        self._held: Final[dict[str, RangeFound]] = {}
        self._new: Final[set[str]] = set()
        """Names of the results that were not cached."""
        self.done = self.count = 0

    def run(self) -> Study:
        """Run it.

        Raises
        ------
        DataError : a file cannot be read, files overlap, or none holds a trade, or none of the symbol
        FlowError : a worker ended, or the scheduler cannot be reached
        UsageError : the cluster's packages are missing
        """
        if not self._symbol:
            return self._study()
        self._instruments = InstrumentFilter.of(self._symbol, self._paths)
        if not self._instruments.is_named:
            self._check_traded()
        with suppress(DataError):
            return self._study().of(self._symbol)
        self._check_traded()
        # No name has this symbol. It may be the name of an instrument in exported tables, which needs all of them.
        self._instruments = None
        return self._study().of(self._symbol)

    def _check_traded(self) -> None:
        """Check that the symbol trades, by reading the files once without detecting anything. Raises DataError."""
        # In exported tables, an id or a day may follow the name: NQZ5#101, NQZ5#101@2025-12-19.
        name = self._symbol.partition("@")[0].partition("#")[0]
        scan(self._paths, cache=self._part_cache, on_progress=self._on_share).choose(name)

    @property
    def _part_cache(self) -> CachedParts | None:
        return CachedParts(FileCache()) if self._options.is_cached else None

    def _study(self) -> Study:
        ranges = plan(
            self._paths,
            calendar=SessionCalendar(),
            cache=self._part_cache,
            # With CVD that never resets, each session depends on all earlier ones.
            is_one=any(settings.cvd_reset != "session" for settings in self._sets),
        )
        found = self._results(ranges)
        while (again := _corrected(ranges, [sets[0] for sets in found])) != ranges:
            ranges = again
            found = self._results(ranges)
        messages = dict.fromkeys(line for sets in found for line in sets[0].messages)
        damage = dict.fromkeys(line for sets in found for line in sets[0].damage)
        by_set = tuple(_markets([sets[number] for sets in found]) for number in range(len(self._sets)))
        if not by_set[0]:
            raise DataError("; ".join(messages) or f"{self._paths[0]}: there is no trade")
        cached = sum(self._new.isdisjoint(self._keys(one)) for one in ranges)
        return Study(by_set, tuple(messages), tuple(damage), len(ranges), cached)

    def _results(self, ranges: Sequence[SessionRange]) -> list[list[RangeFound]]:
        """Return what each range gave, by set."""
        keys = [self._keys(session_range) for session_range in ranges]
        for names, session_range in zip(keys, ranges, strict=True):
            for name in names if self._options.is_cached else ():
                self._take_cached(name, session_range.paths[0])
        missing = [
            (
                session_range,
                [(name, one) for name, one in zip(names, self._sets, strict=True) if name not in self._held],
            )
            for session_range, names in zip(ranges, keys, strict=True)
        ]
        missing = [(session_range, sets) for session_range, sets in missing if sets]
        self.count, self.done = len(ranges), len(ranges) - len(missing)
        nbytes = sum(session_range.nbytes for session_range in ranges)
        work = _Work(missing, self._instruments, workers=self._workers, nbytes=nbytes, on_share=self._on_share)
        with closing(self._run(work)) as results:
            for at, data in results:
                for name, one in zip(work.names[at], data, strict=True):
                    self._keep(name, work.tasks[at].session_range.paths[0], one)
                work.end(at)
                self.done = self.count - work.waiting
        return [[self._held[name] for name in names] for names in keys]

    @property
    def _workers(self) -> int:
        if self._options.workers:
            return self._options.workers
        return usable_cores()

    def _run(self, work: "_Work") -> Generator[tuple[int, list[bytes]]]:
        if self._options.scheduler and work.tasks:
            yield from run_cluster(work.tasks, scheduler=self._options.scheduler)
        elif work.tasks:
            yield from run_local(work.tasks, workers=self._workers, on_share=work.reach)

    def _keys(self, session_range: SessionRange) -> list[str]:
        """Return the cache key of a range's results under each set."""
        try:
            files = [identity(path) for path in session_range.paths]
        except OSError as error:
            raise DataError(f"{error.filename}: it cannot be read ({error.strerror})") from None
        place = [
            session_range.first_ns,
            session_range.until_ns,
            session_range.shared_index,
            [path.name for path, _ in session_range.known],
            session_range.ticks,
        ]
        if self._instruments:
            place.append([self._instruments.symbol, sorted(self._instruments.ids)])
        base = hashed(program(), *files, msgspec.json.encode(place).decode())
        return [hashed(base, _text(settings)) + _SUFFIX for settings in self._sets]

    def _take_cached(self, name: str, source: Path) -> None:
        digest, _, data = (self._cache.get(source, name) or b"").partition(b"\n")
        found = decode(data) if digest == _digest(data) else None
        if found is not None:
            self._held[name] = found

    def _keep(self, name: str, source: Path, data: bytes) -> None:
        found = decode(data)
        assert found is not None, "a worker returns what `found.encode` made"
        self._held[name] = found
        self._new.add(name)
        if self._options.is_cached:
            self._cache.put(source, name, _digest(data) + b"\n" + data)


class _Work:
    """The tasks of a study, and how far they are.

    Parameters
    ----------
    missing : ranges, each with the sets of parameters that are missing, and the names of their results
    instruments : the instruments to read; None for all
    workers : number of processes. Where there are fewer ranges, their sets are divided among the processes
    nbytes : size of all ranges
    on_share : called with the share that is done
    """

    def __init__(
        self,
        missing: Sequence[tuple[SessionRange, list[tuple[str, AggregationSettings]]]],
        instruments: InstrumentFilter | None,
        *,
        workers: int,
        nbytes: int,
        on_share: Callable[[float], None],
    ) -> None:
        self.tasks: Final[list[Task]] = []
        self.names: Final[list[list[str]]] = []
        """The name of each task's results, by set."""
        parts = -(-workers // max(len(missing), 1))
        for session_range, sets in missing:
            step = -(-len(sets) // parts)
            for chunk in (sets[at : at + step] for at in range(0, len(sets), step)):
                self.tasks.append(Task(session_range, tuple(settings for _, settings in chunk), instruments))
                self.names.append([name for name, _ in chunk])
        self._on_share: Final = on_share
        self._left: Final = {at: self._size(at) for at in range(len(self.tasks))}
        self._total: Final = max(nbytes, sum(self._left.values()), 1)
        self.reach(0.0)

    @property
    def waiting(self) -> int:
        """Number of ranges with a task that has not ended."""
        return len({self.tasks[at].session_range for at in self._left})

    def end(self, at: int) -> None:
        """Note that a task has ended."""
        del self._left[at]
        self.reach(0.0)

    def reach(self, share: float) -> None:
        """Report the share that is done, if `share` of the first waiting task is."""
        current = self._left[min(self._left)] * share if self._left else 0.0
        self._on_share(1.0 - (sum(self._left.values()) - current) / self._total)

    def _size(self, at: int) -> float:
        session_range = self.tasks[at].session_range
        return session_range.nbytes / sum(task.session_range is session_range for task in self.tasks)


def _corrected(ranges: list[SessionRange], found: Sequence[RangeFound]) -> list[SessionRange]:
    """Return the same ranges if each was right to be read alone; otherwise those to read instead."""
    checked = check(ranges, found)
    bad = [at for at, one in enumerate(checked) if one.verdict is not Verdict.SAME]
    # With the ticks of earlier files, a range is read once more; if it still fails, together with the one before it.
    fresh = [at for at in bad if checked[at].verdict is Verdict.TICK and not ranges[at].ticks and checked[at].ticks]
    if fresh:
        return [replace(one, ticks=checked[at].ticks) if at in fresh else one for at, one in enumerate(ranges)]
    if bad:
        return [*ranges[: bad[0] - 1], joined(*ranges[bad[0] - 1 : bad[0] + 1]), *ranges[bad[0] + 1 :]]
    return ranges


def _markets(found: Sequence[RangeFound]) -> tuple[MarketEvents, ...]:
    """Put the instruments of all ranges together, in the order of exported tables."""
    markets: dict[tuple[int, str, int], MarketEvents] = {}
    for session_range in found:
        again: dict[tuple[int, str], int] = {}
        for one in session_range.markets:
            key = one.instrument_id, one.symbol
            again[key] = again.get(key, -1) + 1
            market = markets.setdefault((*key, again[key]), MarketEvents(*key, one.requested))
            market.sessions.extend(one.sessions)
    ordered = sorted(markets.values(), key=lambda one: (-one.volume, one.instrument_id, one.sessions[-1].last_ts))
    for market, name in zip(ordered, unique_names([_summary(one) for one in ordered]), strict=True):
        market.name = name if market.symbol else market.requested or str(market.instrument_id)
    return tuple(ordered)


def _summary(one: MarketEvents) -> Summary:
    last_ts = max(session.last_ts for session in one.sessions)
    trades = sum(session.trades for session in one.sessions)
    return Summary(
        *(one.instrument_id, one.symbol, one.requested, trades, one.volume, 0, {}, 0, last_ts, True, 0, None, None)
    )


def _text(settings: AggregationSettings) -> str:
    """Return the settings on which events depend, as text."""
    values = msgspec.to_builtins(settings)
    return msgspec.json.encode({name: values[name] for name in DETECTION}).decode()


def _digest(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=16).hexdigest().encode()
