"""Runs all detectors of one instrument, and runs them again over the session when a parameter changes.

Events are in the order in which they became known: by the trade that completed them, then by time and kind.
That order does not depend on how trades are split into batches, nor on whether a trade or the clock ended something.

After a change the session's trades are read again from its open, in slices between batches (`recompute`), while the
detectors go on with the old parameters. Once it has caught up, the new events replace the session's old ones.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.event_kinds import EventKind
from flow_gl.core.schema import EVENT, MINUTE_LEVELS, ORDER_CVD
from flow_gl.core.sessions import Session
from flow_gl.core.settings import AggregationSettings
from flow_gl.core.units import MINUTE_NS
from flow_gl.engine.detectors.base import FOUND, NEVER, NONE, rules_of
from flow_gl.engine.detectors.run import DONE, PROFILE, ROOM, ROWS, RUN, STEP, detect_nb, pass_time_nb
from flow_gl.engine.detectors.state import DetectorState
from flow_gl.engine.detectors.trades import FEW, MAX_TRADES, SessionTrades
from flow_gl.engine.kernels.layout import WORDS

SLICE: Final = 1 << 16
"""Trades that are read again per turn of the engine, in one or two milliseconds; three million take 50 turns."""
_STEP: Final = WORDS * STEP
"""Words that are decoded and read at a time: few enough to stay in the processor's caches."""
_ZERO_CROSS: Final = int(EventKind.ZERO_CROSS)


class FoundRoom:
    """Space for the events and rows of lines of one kernel call, shared by all instruments."""

    def __init__(self) -> None:
        self.rows: NDArray[np.void] = np.zeros(8 * RUN, FOUND)
        self.minutes: NDArray[np.void] = np.zeros(STEP + 1, MINUTE_LEVELS)
        self.seconds: NDArray[np.void] = np.zeros(STEP + 1, ORDER_CVD)
        self.known: NDArray[np.int64] = np.zeros(0, np.int64)
        """Of the events that were taken last: index of the kept trade that made each known."""

    def grow(self) -> None:
        self.rows = np.zeros(2 * len(self.rows), FOUND)

    def taken(self, count: int) -> NDArray[np.void]:
        """Return the first `count` rows as EVENT, in the order in which they became known."""
        found = self.rows[:count]
        is_cross = found["kind"] == _ZERO_CROSS
        # What a trade ends was there before it; what it crosses comes after.
        order = np.lexsort((found["kind"], found["ts_event"], is_cross, found["known"]))
        self.known = found["known"][order].copy()
        # As raw bytes, because NumPy copies records field by field.
        raw = found.view(np.uint8).reshape(count, FOUND.itemsize)[order, : EVENT.itemsize]
        return np.ascontiguousarray(raw).view(EVENT).reshape(count)


def _joined(parts: list[NDArray[np.void]], dtype: np.dtype) -> NDArray[np.void]:
    """Return one array of all parts, copied as raw bytes."""
    raw = [part.view(f"V{dtype.itemsize}") for part in parts]
    return np.concatenate(raw).view(dtype) if raw else np.zeros(0, dtype)


class Detection:
    """The detectors of one instrument under one set of parameters.

    Parameters
    ----------
    settings : the parameters
    room : space for events
    """

    def __init__(self, settings: AggregationSettings, room: FoundRoom) -> None:
        self.rules: Final = rules_of(settings)
        self.window_s: Final = settings.absorption_window_s
        self.state: Final = DetectorState()
        self.read = 0
        """Number of kept trades that have been read."""
        self.minutes: list[NDArray[np.void]] = []
        """Rows of lines that were not handed over yet: MINUTE_LEVELS, ..."""
        self.seconds: list[NDArray[np.void]] = []
        """... and ORDER_CVD."""
        self._room: Final = room

    def take_lines(self) -> tuple[NDArray[np.void], NDArray[np.void]]:
        """Return the new rows of lines: MINUTE_LEVELS and ORDER_CVD."""
        rows = _joined(self.minutes, MINUTE_LEVELS), _joined(self.seconds, ORDER_CVD)
        self.minutes.clear()
        self.seconds.clear()
        return rows

    def _take_lines(self) -> None:
        line = self.state.line[0]
        if line["minutes"]:
            self.minutes.append(_joined([self._room.minutes[: line["minutes"]]], MINUTE_LEVELS))
        if line["seconds"]:
            self.seconds.append(_joined([self._room.seconds[: line["seconds"]]], ORDER_CVD))
        line["minutes"] = line["seconds"] = 0

    def take(self, trades: SessionTrades, stop: int, tick_size: int) -> Iterator[NDArray[np.void]]:
        """Read trades up to index `stop`. Yields EVENT rows."""
        state, room = self.state, self._room
        while self.read < stop:
            end = min(stop, self.read + STEP)
            arrays = (*trades.arrays, self.read, end, *state.fixed, state.rows, state.profile)
            self.read, found, code = detect_nb(*(*arrays, room.minutes, room.seconds, self.rules, tick_size, room.rows))
            self._take_lines()
            if found:
                yield room.taken(found)
            elif code == ROOM:
                room.grow()
            if code == PROFILE:
                state.fit_profile()
            elif code == ROWS:
                state.make_room(int(trades.arrays[1][self.read]), self.read)

    def pass_time(self, trades: SessionTrades, now_ns: int, tick_size: int) -> Iterator[NDArray[np.void]]:
        """End the periods that are over at `now_ns`. Yields EVENT rows."""
        state, room = self.state, self._room
        arguments = (*trades.arrays[1:], trades.count, now_ns, *state.fixed)
        code = ROOM
        while code != DONE:
            found, code = pass_time_nb(
                *(*arguments, state.rows, state.profile, room.minutes, room.seconds, self.rules, tick_size, room.rows)
            )
            if code == ROOM:
                room.grow()
            elif code == PROFILE:
                state.fit_profile()
        self._take_lines()
        if found:
            yield room.taken(found)


class DetectorGroup:
    """All detectors of one instrument.

    Parameters
    ----------
    settings : the parameters
    room : space for events, shared by all instruments
    keeps_trades : keep the session's trades, so that parameters can change
    """

    def __init__(
        self, settings: AggregationSettings, *, room: FoundRoom | None = None, keeps_trades: bool = False
    ) -> None:
        self._room: Final = room or FoundRoom()
        self._trades: Final = SessionTrades(most=MAX_TRADES if keeps_trades else FEW)
        self._detection = Detection(settings, self._room)
        self._next: Detection | None = None
        self._found: list[NDArray[np.void]] = []
        self._tick_size = 0
        self._now_ns = -NEVER
        self._start_cvd = self._detection.state.cvd
        self._cvd_resets: list[int] = []
        self._taken_from = 0

    @property
    def known(self) -> NDArray[np.int64]:
        """For each event yielded last, the index among the trades taken last of the one that made it known; int64."""
        return self._room.known + (self._trades.dropped - self._taken_from)

    @property
    def can_change(self) -> bool:
        """Whether the session's trades are all kept."""
        return self._trades.is_whole

    @property
    def is_recomputing(self) -> bool:
        return self._next is not None

    def begin(self) -> Iterator[NDArray[np.void]]:
        """Yield the last events of the previous session, then reset all detectors for a new one."""
        if self._tick_size:
            yield from self.pass_time(NEVER)
        self._detection.state.begin()
        self._detection.read = 0
        self._trades.clear()
        self._now_ns = -NEVER
        self._cvd_resets.clear()
        self._start_cvd = self._detection.state.cvd

    def open(self, session: Session | None) -> None:
        """Learn the regular hours of the session that begins; None without a calendar."""
        hours = (NONE, NONE)
        if session is not None:
            hours = session.rth_open // MINUTE_NS, session.rth_close // MINUTE_NS
        self._detection.state.regular_minutes = hours

    def set_cvd(self, cvd: int = 0) -> None:
        """Set the CVD that the zero cross follows from the next trade on; it must arm again."""
        self._detection.state.set_cvd(cvd)
        if not self._trades.count:
            self._start_cvd = self._detection.state.cvd
        else:
            self._cvd_resets.append(self._trades.dropped + self._trades.count)

    def take(self, words: NDArray[np.int64], tick_size: int, row_ticks: int = 1) -> Iterator[NDArray[np.void]]:
        """Process trades of one session: int64 words of TRADE rows with prices on the grid of `tick_size` (1e-9 units).

        The instrument's own tick, in which the rules are given, is `row_ticks` times that. Yields EVENT rows.
        """
        self._learn(tick_size, row_ticks)
        trades, detection = self._trades, self._detection
        self._taken_from = trades.dropped + trades.count
        for start in range(0, len(words), _STEP):
            trades.take(words[start : start + _STEP], tick_size)
            yield from detection.take(trades, trades.count, tick_size)
            if trades.count > trades.most:
                gone = trades.drop(trades.count - detection.state.needed(detection.window_s))
                detection.state.move(gone)
                detection.read -= gone

    def pass_time(self, now_ns: int) -> Iterator[NDArray[np.void]]:
        """Advance the clock to `now_ns`. Yields EVENT rows."""
        self._now_ns = max(self._now_ns, now_ns)
        yield from self._detection.pass_time(self._trades, now_ns, self._tick_size)

    def configure(self, settings: AggregationSettings) -> None:
        """Begin to find the session's events under changed parameters; `recompute` continues."""
        if not (rules_of(settings) != self._current.rules).any():
            return
        self._next = Detection(settings, self._room)
        self._next.state.cvd = self._start_cvd
        self._next.state.regular_minutes = self._detection.state.regular_minutes
        self._next.state.read["row_ticks"] = self._detection.state.row_ticks
        self._found.clear()

    @property
    def _current(self) -> Detection:
        return self._next or self._detection

    def prices(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the times (ns) and prices (1e-9) of the session's trades that are kept."""
        ts, tick = (column[: self._trades.count] for column in self._trades.arrays[:2])
        return ts, tick.astype(np.int64) * self._tick_size

    def recompute(self, *, most: int = SLICE) -> NDArray[np.void] | None:
        """Read up to `most` of the session's trades under the changed parameters.

        Returns
        -------
        events : all of the session's events (EVENT) once they are complete, which replace those found before; else None
        """
        new = self._next
        if new is None:
            return None
        trades, end = self._trades, min(new.read + most, self._trades.count)
        for reset in self._cvd_resets:
            if new.read < reset <= end:
                self._found += new.take(trades, reset, self._tick_size)
                new.state.set_cvd(0)
        self._found += new.take(trades, end, self._tick_size)
        if end < trades.count:
            return None
        if self._now_ns != -NEVER:
            self._found += new.pass_time(trades, self._now_ns, self._tick_size)
        self._detection, self._next = new, None
        events = _joined(self._found, EVENT)
        self._found.clear()
        return events

    def take_lines(self) -> tuple[NDArray[np.void], NDArray[np.void]]:
        """Return the new rows of lines: MINUTE_LEVELS and ORDER_CVD. After `recompute`, those of the whole session."""
        return self._detection.take_lines()

    def _learn(self, tick_size: int, row_ticks: int) -> None:
        """Apply a changed tick size (1e-9 units), or a changed number of ticks in a row of the profile.

        A finer tick rescales the state. A coarser tick, possible only through a definition in mid-session, resets it.
        So does a tick so fine that earlier prices, which the profile has set aside, have no tick number.
        """
        before, self._tick_size = self._tick_size, tick_size
        states = [one.state for one in (self._detection, self._next) if one is not None]
        if before == tick_size and states[0].row_ticks == row_ticks:
            return
        height = (before or tick_size) * states[0].row_ticks
        is_same = before in (0, tick_size)
        if not is_same and before % tick_size == 0 and self._trades.fits(before // tick_size):
            self._trades.rescale(before // tick_size)
            for state in states:
                state.rescale(before // tick_size)
            is_same = True
        for state in states:
            state.set_rows(height, tick_size * row_ticks, row_ticks)
        if is_same:
            return
        self._detection.state.begin()
        self._detection.read = 0
        self._trades.clear()
        self._trades.dropped = 1
        self._next = None

    def keep(self) -> list[bytes]:
        """Return the state, the trades that are needed again, and how many were before them, for a checkpoint."""
        trades, state = self._trades, self._detection.state
        numbers = [self._tick_size, trades.dropped, *self._cvd_resets]
        return [
            state.keep(),
            trades.keep(),
            self._start_cvd.tobytes(),
            np.array(numbers, np.int64).tobytes(),
        ]

    def resume(self, kept: list[bytes]) -> None:
        """Restore what `keep` returned; behind it, more trades may follow in runs. Raises ValueError."""
        state, trades, cvd, numbers, *more = kept
        self._detection.state.resume(state)
        self._tick_size, dropped, *self._cvd_resets = np.frombuffer(numbers, np.int64).tolist()
        self._trades.resume([trades, *more], dropped=dropped)
        self._detection.read = self._trades.count
        self._start_cvd = np.frombuffer(cvd, np.int64)
