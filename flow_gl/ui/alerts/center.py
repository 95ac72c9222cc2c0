"""The actions of alerts: log, badge, sound, desktop notification.

The engine writes the alerts of each chart into a log in shared memory; `look` reads the new ones, once per frame and
also while the picture is paused. Where a rule may sound, a thread reads them too, every few milliseconds, so that a
sound does not wait for a frame; one lock guards both. Alerts of the past are not sounded: those that were there when
the view attached, those of a catch-up or of a gap that was filled, and those of a replay faster than `LOUD_SPEED`. One
line says how many fired. The feed's state is watched here too, because it is not a market number.
"""

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from flow_gl.core.alerts import Condition, EngineRule
from flow_gl.core.clock import SYSTEM, Clock
from flow_gl.core.commands import SetAlerts
from flow_gl.core.schema import FeedState
from flow_gl.core.units import SECOND_NS
from flow_gl.store.market import MarketReader
from flow_gl.ui.alerts import tones
from flow_gl.ui.alerts.badge import Badge
from flow_gl.ui.alerts.entries import Entry, text_of
from flow_gl.ui.alerts.feed_name import feed_state
from flow_gl.ui.alerts.notify import Notifier
from flow_gl.ui.alerts.rule_file import KeptRules
from flow_gl.ui.alerts.rules import FEED_WORDS, FeedName, Rule, RuleBook
from flow_gl.ui.alerts.seeks import PASSED, Seeks
from flow_gl.ui.alerts.silent import SilentAlerts
from flow_gl.ui.alerts.sound import Sounder, Voice
from flow_gl.ui.alerts.templates import DEFAULT_RULES
from flow_gl.ui.link import Link

LOUD_SPEED: Final = 10.0
"""Fastest replay whose alerts sound."""
STALE_NS: Final = 5_000_000_000
"""An alert this much older than the feed's now belongs to the past (times the replay's speed where that is above 1)."""
MAX_ENTRIES: Final = 500
MAX_A_SECOND: Final = 5
"""Sounds, and desktop notifications, that are begun within a second."""
FAST: Final = "in a fast replay"
LISTEN_S: Final = 0.005
"""How often the thread looks for alerts."""
_CATCHING_UP: Final = frozenset({FeedState.STARTING, FeedState.CONNECTING, FeedState.CATCHING_UP})


@dataclass(slots=True)
class _Chart:
    """The reader's place in one chart's log of alerts."""

    market: MarketReader
    position: int = 0
    is_first: bool = True
    badge: Badge | None = None


class Now(NamedTuple):
    """A frame, as alerts see it: wall time, event time at the live edge (ns), and whether the user muted alerts."""

    wall_ns: int
    event_ns: int
    is_muted: bool
    stale_ns: int = 0
    """Event time before which an alert belongs to the past."""


@dataclass(frozen=True, slots=True)
class Place:
    """The chart on which an alert fired: index and name."""

    chart: int
    name: str


FEED: Final = Place(-1, "feed")


class AlertCenter:
    """Carries out the alerts of all charts.

    Parameters
    ----------
    rules : None: the default ones, whose changes are not kept
    sounder, notifier : None: no sound, no notifications (without a window)
    is_heard_elsewhere : another window of the program makes the sounds
    """

    def __init__(
        self,
        rules: KeptRules | None = None,
        *,
        sounder: Sounder | None = None,
        notifier: Notifier | None = None,
        is_heard_elsewhere: bool = False,
        clock: Clock = SYSTEM,
    ) -> None:
        rules = rules or KeptRules(RuleBook(DEFAULT_RULES))
        self.book: Final = rules.book
        self.warning: Final = rules.warning
        """The problem of the rules' file, one line; "" if there is none."""
        self.sounder: Final = sounder
        self.notifier: Final = notifier
        self.entries: Final[deque[Entry]] = deque(maxlen=MAX_ENTRIES)
        """Newest last."""
        self._is_heard_elsewhere: Final = is_heard_elsewhere
        self._kept: Final = rules
        self._charts: list[_Chart] = []
        self._newest: dict[str, int] = {}
        """Event time of the newest alert in the log, by the chart's name: a new engine finds earlier ones again."""
        self._silent: Final = SilentAlerts()
        self._notes: list[str] = []
        self._generation = 0
        self._seeks: Final = Seeks()
        self._clock: Final = clock
        self._lock: Final = threading.Lock()
        self._thread: threading.Thread | None = None
        self._is_closed = threading.Event()
        self._last: tuple[Now, str, float] | None = None
        """The last frame, why nothing may sound in it, and the event time that passes per wall time."""
        self._begun: Final[deque[int]] = deque(maxlen=MAX_A_SECOND)
        self._notified: Final[deque[int]] = deque(maxlen=MAX_A_SECOND)
        self._feed: FeedName | None = None
        self._feed_fired: Final[dict[int, int]] = {}
        self._version = self.book.version
        self._started_with: Final[tuple[EngineRule, ...]] = self.book.for_engine()
        """Every engine is started with these rules."""

    @property
    def problem(self) -> str:
        """Why an action that a rule requests cannot be carried out, a few words; "" if nothing is known to fail."""
        return self.problem_sign and f"{self.problem_sign}: {self._sound_problem or self._notifier_problem}"

    @property
    def problem_sign(self) -> str:
        """The same in two words, for the header."""
        return "no sound" if self._sound_problem else "no notifications" if self._notifier_problem else ""

    @property
    def _sound_problem(self) -> str:
        return self.sounder.problem if self.sounder is not None and self.book.wants_sound else ""

    @property
    def _notifier_problem(self) -> str:
        return self.notifier.problem if self.notifier is not None else ""

    def has_news(self, markets: Sequence[MarketReader]) -> bool:
        """Return whether there are alerts that `look` has not read."""
        known = self._charts
        return any(at < len(known) and known[at].position != one.store.alerts.head for at, one in enumerate(markets))

    def expect_seek(self) -> None:
        """Note that a seek is being sent to the engine: what it passes over is silent."""
        self._seeks.expect(self._clock.wall_ns())
        with self._lock:
            self._last = None  # the thread waits for the next frame

    def look(self, link: Link, now: Now) -> list[str]:
        """Carry out the alerts since the last call, and send changed rules. Returns lines for the user."""
        if self.sounder is not None and self.book.wants_sound:
            self.sounder.volume = self.book.volume
            self.sounder.prepare()
            self._start_listening()
        with self._lock:
            return self._look(link, now)

    def listen(self) -> None:
        """Carry out the alerts since the last call, of the charts that the last frame knew. Called by the thread."""
        if not self._lock.acquire(blocking=False):
            return
        try:
            if self._last is None:
                return
            frame, why, rate = self._last
            passed_ns = self._clock.wall_ns() - frame.wall_ns
            now = frame._replace(wall_ns=frame.wall_ns + passed_ns, event_ns=frame.event_ns + int(rate * passed_ns))
            for index, chart in enumerate(self._charts):
                market = chart.market
                self._read(chart, Place(index, market.symbol or market.requested), why, now)
        finally:
            self._lock.release()

    def _start_listening(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._listen, name="alerts", daemon=True)
            self._thread.start()

    def _listen(self) -> None:
        while not self._is_closed.wait(LISTEN_S):
            self.listen()

    def _look(self, link: Link, now: Now) -> list[str]:
        if link.generation != self._generation or self.book.version != self._version:
            self._follow_rules(link)
        self._follow_seeks(link)
        rate = 0.0 if link.engine is None else float(link.engine.status["rate"])
        why, now = self._why_silent(link), Now(*now[:3], self._stale_before(link, now, rate))
        self._last = now, why, rate
        charts = self._charts
        for index, market in enumerate(link.markets):
            if index == len(charts):
                charts.append(_Chart(market))
            chart = charts[index]
            if chart.market is not market:
                chart = charts[index] = _Chart(market)
            if chart.is_first or market.store.alerts.head != chart.position:
                self._read(chart, Place(index, market.symbol or market.requested), why, now)
        self._watch_feed(link, now)
        notes, self._notes = [*self._notes, *self._silent.take_line(now.wall_ns)], []
        return notes

    def badge(self, index: int, now: Now) -> Badge | None:
        """Return the alert that a chart's header shows now; None if there is none."""
        badge = self._charts[index].badge if index < len(self._charts) else None
        return badge if badge is not None and badge.is_shown(now.wall_ns, now.event_ns) else None

    def test(self, rule: Rule, now: Now) -> None:
        """Perform a rule's actions as a test; a note reports the result."""
        done = []
        if "sound" in rule.do:
            voice = self._sound(Condition[rule.when.upper()], 0, 1, now)
            where = "sounds are played by the main window" if self._is_heard_elsewhere else "no sound without a window"
            problem = self.sounder.problem if self.sounder is not None else where
            done.append("sound" if voice is not None else problem or "the sound device is not ready")
        if "notify" in rule.do and self.notifier is not None:
            self.notifier.send(f"Test: {rule.name}", rule.sentence)
            done.append("desktop notification")
        done += [word for word in ("flash", "log") if word in rule.do]
        if "flash" in rule.do:
            for chart in self._charts:
                chart.badge = Badge(f"test: {rule.name}", now.event_ns, 1, now.wall_ns, is_new=True)
        self._notes.append(f"test of {rule.name}: {', '.join(done) or 'it does nothing'}")

    def close(self) -> None:
        """End the thread, sounds and notifications."""
        self._is_closed.set()
        if self._thread is not None:
            self._thread.join(1.0)
        if self.sounder is not None:
            self.sounder.close()
        if self.notifier is not None:
            self.notifier.close()

    def _follow_rules(self, link: Link) -> None:
        """Send changed rules to the engine and save them; a new engine also receives all earlier changes."""
        if link.generation != self._generation:
            self._generation = link.generation
            self._charts.clear()
            if self.book.for_engine() != self._started_with:
                self._send_rules(link)
        if self.book.version == self._version:
            return
        self._version = self.book.version
        self._send_rules(link)
        if problem := self._kept.save():
            self._notes.append(problem)

    def _send_rules(self, link: Link) -> None:
        if link.owns_engine:
            link.send(SetAlerts(self.book.for_engine()))

    def _follow_seeks(self, link: Link) -> None:
        """After a seek, forget the alerts behind the instant: a replay that comes there fires them again."""
        if link.engine is None or not self._seeks.follow(link.engine.status):
            return
        kept = [entry for entry in self.entries if entry.ts_event <= self._seeks.to_ns]
        if len(kept) < len(self.entries):
            self.entries.clear()
            self.entries.extend(kept)
        for name, newest in self._newest.items():
            self._newest[name] = min(newest, self._seeks.to_ns)

    def _why_silent(self, link: Link) -> str:
        """Return why no alert may sound now, in words that follow "fired"; "" if they may."""
        if link.engine is None:
            return "while catching up"
        status = link.engine.status
        state = int(status["state"])
        if state in _CATCHING_UP:
            return "while catching up"
        if self._seeks.is_awaited(self._clock.wall_ns()):
            return PASSED
        if state in (FeedState.REPLAY, FeedState.DEMO) and float(status["speed"]) > LOUD_SPEED:
            return FAST
        return ""

    def _stale_before(self, link: Link, now: Now, rate: float) -> int:
        """Return the event time (ns) before which an alert belongs to the past; `rate` is event time per wall time."""
        if link.engine is None or not now.event_ns:
            return 0
        return max(now.event_ns - int(STALE_NS * max(1.0, rate)), self._seeks.to_ns + 1)

    def _read(self, chart: _Chart, place: Place, why: str, now: Now) -> None:
        """Carry out the new alerts of a chart; `why` says why none of them may sound."""
        log = chart.market.store.alerts
        head = log.head
        if head == chart.position:
            chart.is_first = False
            return
        _, rows = log.read(max(chart.position, log.oldest), head)
        chart.position = head
        newest = self._newest.get(place.name, 0)
        if chart.is_first:
            why = why or "before now"
            rows = rows[rows["ts_event"] > newest]
        chart.is_first = False
        for row in rows:
            ts = int(row["ts_event"])
            newest = max(newest, ts)
            rule = self.book.get(int(row["rule"]))
            if rule is not None:
                past = why or ("while catching up" if ts < now.stale_ns else "")
                self._carry_out(chart, place, rule, row, past, now)
        self._newest[place.name] = newest

    def _carry_out(  # noqa: PLR0917  # what fired where, and when
        self, chart: _Chart, place: Place, rule: Rule, row: np.void, past: str, now: Now
    ) -> None:
        text, direction = text_of(row, chart.market.tick_size), int(row["direction"])
        ts = int(row["ts_event"])
        entry = Entry(place.chart, place.name, rule.name, text, ts, int(row["price"]), direction)
        if "flash" in rule.do:
            chart.badge = Badge(rule.name, ts, direction, now.wall_ns, is_new=not past or past == FAST)
        if "log" in rule.do:
            self.entries.append(entry)
        if past:
            entry.silence = "past" if "sound" in rule.do else ""
            if not self._is_heard_elsewhere:
                self._silent.add(past, now.wall_ns)
            return
        if "sound" in rule.do:
            self._sound_for(entry, int(row["condition"]), int(row["detail"]), now)
        if "notify" in rule.do:
            self._notify(f"{place.name}: {rule.name}", text, now)

    def _sound_for(self, entry: Entry, condition: int, detail: int, now: Now) -> None:
        """Play an alert's sound, and note in its entry why it is silent."""
        entry.voice = self._sound(condition, detail, entry.direction, now)
        if entry.voice is None:
            entry.silence = "muted" if now.is_muted else "" if self._is_heard_elsewhere else "no sound"

    def _sound(self, condition: int, detail: int, direction: int, now: Now) -> Voice | None:
        """Play a sound; None if it cannot be heard now."""
        if self.sounder is None or now.is_muted or not _may_begin(self._begun, now.wall_ns):
            return None
        return self.sounder.play(tones.sound(condition, detail, direction))

    def _notify(self, title: str, text: str, now: Now) -> None:
        if self.notifier is not None and not now.is_muted and _may_begin(self._notified, now.wall_ns):
            self.notifier.send(title, text)

    def _watch_feed(self, link: Link, now: Now) -> None:
        """Fire the rules on the feed's state."""
        state = feed_state(link)
        before, self._feed = self._feed, state or self._feed
        if state is None or before is None or state == before:
            return
        for number, rule in self.book.items():
            if not rule.on or rule.when != "feed" or rule.state not in ("any", state):
                continue
            if now.wall_ns - self._feed_fired.get(number, -(2**62)) < rule.cool_down_s * 1e9:
                continue
            self._feed_fired[number] = now.wall_ns
            direction = 1 if state == "live" else -1
            text = FEED_WORDS[state]
            entry = Entry(FEED.chart, FEED.name, rule.name, text, now.event_ns or now.wall_ns, 0, direction)
            if "log" in rule.do:
                self.entries.append(entry)
            if "flash" in rule.do:
                for chart in self._charts:
                    chart.badge = Badge(rule.name, now.event_ns, direction, now.wall_ns, is_new=True)
            if "sound" in rule.do:
                self._sound_for(entry, Condition.FEED, 0, now)
            if "notify" in rule.do:
                self._notify(rule.name, text, now)


def _may_begin(begun: deque[int], wall_ns: int) -> bool:
    """Return whether one more may begin, and note it: `MAX_A_SECOND` at most within a second."""
    if len(begun) == MAX_A_SECOND and wall_ns - begun[0] < SECOND_NS:
        return False
    begun.append(wall_ns)
    return True
