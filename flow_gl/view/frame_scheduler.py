"""Decides when deferrable work runs, and how long the view keeps drawing without a pause.

Deferrable work is a named job. A job runs at most once per period, and at most one job runs per frame; of the jobs
that were put off, the one that has waited longest goes first in the next frame. A job that has waited for its longest
delay runs whether or not another one does. If no frame follows soon, nothing is put off.

The scheduler also knows why the picture is being drawn: input, a running market or a fading note keep frames coming
for a while. After that the program may rest.

The clock is the caller's, passed to `begin_frame`.
"""

import math
from collections import Counter, deque
from dataclasses import dataclass
from typing import Final

from flow_gl.core.jobs import JobRate

_RECENT_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Timing:
    """The period of a job, and its maximum delay."""

    period_s: float
    """Shortest time between two runs."""
    delay_s: float
    """Longest wait after that. A job with delay 0 is cheap: it waits a frame at most, for one of its own name, and no
    other job waits for it."""


JOBS: Final = {
    # What the layers of a chart bring to the GPU. Panning and zooming move it in every frame.
    "labels": Timing(period_s=0.2, delay_s=0.05),
    # Passing time hardly moves what spans the chart: usually a new profile brings it along by then.
    "levels": Timing(period_s=0.25, delay_s=0.05),
    "profile": Timing(period_s=0.05, delay_s=0.1),
    "counts": Timing(period_s=0.1, delay_s=0.1),
    # What the automatic axes are fitted to; the axes glide in every frame.
    "visible range": Timing(period_s=0.05, delay_s=0.0),
    # How much room the numbers at the price axis need.
    "axis width": Timing(period_s=0.05, delay_s=0.0),
    # What traded in the marked range and in view.
    "ranges": Timing(period_s=0.1, delay_s=0.1),
    # What rulers measured, and what has traded since anchors.
    "drawings": Timing(period_s=0.1, delay_s=0.1),
    # What "hide the smallest 50 %" is in contracts.
    "size floor": Timing(period_s=2.0, delay_s=0.5),
    # Dear ImGui's windows and texts. Numbers that change faster than this cannot be read.
    "overlays": Timing(period_s=0.05, delay_s=0.1),
    "header": Timing(period_s=0.1, delay_s=0.1),
    "panel": Timing(period_s=0.2, delay_s=0.15),
}
"""Every job there is."""

AWAKE_S: Final = {
    "input": 1.0,  # eased axes come to rest; a tooltip appears; a held key begins to repeat
    "market": 0.35,  # longer than any job's period and delay but the size floor's
    "note": 0.35,
    "links": 0.35,  # linked charts of another window move
}
"""For how long after each cause frames are drawn without a pause."""

SOON_S: Final = 0.05
"""Work may be left to the next frame only if frames are no farther apart than this."""


class ScheduledJob:
    """A job of a `FrameScheduler`; see `core.jobs.Job`."""

    __slots__ = ("_asked_s", "_name", "_ran_s", "_scheduler", "_timing")

    def __init__(self, scheduler: "FrameScheduler", name: str, timing: Timing) -> None:
        self._scheduler: Final = scheduler
        self._name: Final = name
        self._timing: Final = timing
        self._ran_s = -math.inf
        self._asked_s = math.inf
        """When the job was first requested after its period; infinite while it is not."""

    @property
    def asked_s(self) -> float:
        return self._asked_s

    def may_run(self, cause: str, *, is_early: bool = False) -> bool:
        scheduler = self._scheduler
        if scheduler.may_defer:
            now_s = scheduler.now_s
            if now_s - self._ran_s < self._timing.period_s and not is_early:
                return False
            if self._timing.delay_s == 0.0 and self._asked_s == math.inf and scheduler.has_run_cheap(self._name):
                self._asked_s = now_s  # all charts have such jobs, which would else stay in step with each other
                return False
            self._asked_s = min(self._asked_s, now_s)
            is_overdue = self._ran_s == -math.inf or now_s - self._asked_s >= self._timing.delay_s
            if not is_overdue and not scheduler.is_free_for(self):
                return False
        self.run_now(cause)
        return True

    def run_now(self, cause: str) -> None:
        self._ran_s, self._asked_s = self._scheduler.now_s, math.inf
        self._scheduler.has_run(self._name, cause, is_long=self._timing.delay_s > 0.0)

    def ran_with_another(self) -> None:
        self._ran_s, self._asked_s = self._scheduler.now_s, math.inf
        self._scheduler.forget(self)


class FrameScheduler:
    """The jobs of one view.

    Attributes
    ----------
    now_s : time of the frame, seconds of a steady clock
    may_defer : work may be left to a later frame; before the first `begin_frame` it may not
    """

    def __init__(self) -> None:
        self.now_s = 0.0
        self.may_defer = False
        self._is_taken = False
        self._cheap: Final[set[str]] = set()
        """Names of the jobs without a delay that have run in this frame."""
        self._first: ScheduledJob | None = None
        """The job that goes first in this frame."""
        self._waiting: ScheduledJob | None = None
        """The job put off in this frame that has waited longest."""
        self._awake_until_s: Final = dict.fromkeys(AWAKE_S, -math.inf)
        self._runs: deque[tuple[float, tuple[str, str]]] = deque()
        """Frames and jobs of the last second: when they ran, name and cause."""

    def add(self, name: str) -> ScheduledJob:
        """Return a new job with the timing of `JOBS`. Raises KeyError for an unknown name."""
        return ScheduledJob(self, name, JOBS[name])

    def begin_frame(self, now_s: float, *, may_defer: bool = True) -> None:
        """Start a frame.

        Parameters
        ----------
        now_s : seconds of a steady clock
        may_defer : another frame follows soon; otherwise every requested job runs
        """
        self.now_s, self.may_defer = now_s, may_defer
        self._is_taken = False
        self._cheap.clear()
        runs = self._runs
        while runs and runs[0][0] <= now_s - _RECENT_S:
            runs.popleft()
        cause = "at rest"
        for awake_cause, until_s in self._awake_until_s.items():
            if now_s < until_s:
                cause = awake_cause
                break
        self._note("frame", cause)
        self._first, self._waiting = self._waiting, None

    def is_free_for(self, job: ScheduledJob) -> bool:
        """Return whether the job may run in this frame: none has run and none has waited longer. Otherwise defer it."""
        if not self._is_taken and (self._first is None or self._first is job):
            return True
        if self._waiting is None or job.asked_s < self._waiting.asked_s:
            self._waiting = job
        return False

    def forget(self, job: ScheduledJob) -> None:
        """Let no other job wait for a job whose work is done."""
        if self._waiting is job:
            self._waiting = None
        if self._first is job:
            self._first = None

    def has_run_cheap(self, name: str) -> bool:
        """Return whether a job of this name, without a delay, has run in this frame."""
        return name in self._cheap

    def has_run(self, name: str, cause: str, *, is_long: bool) -> None:
        """Note that a job ran. If it takes long, no other one runs in this frame unless it is overdue."""
        if is_long:
            self._is_taken = True
        else:
            self._cheap.add(name)
        self._note(name, cause)

    def _note(self, name: str, cause: str) -> None:
        self._runs.append((self.now_s, (name, cause)))

    def recent(self) -> list[JobRate]:
        """Frames and jobs of the last second with their causes, the most frequent first."""
        counts = Counter(run for _, run in self._runs)
        return [JobRate(name, cause, count) for (name, cause), count in counts.most_common()]

    def stay_awake(self, cause: str, now_s: float) -> None:
        """Draw frames without a pause for the time that `AWAKE_S` gives to `cause`."""
        self._awake_until_s[cause] = now_s + AWAKE_S[cause]

    def awake_for(self, now_s: float) -> list[str]:
        """Return the causes that keep frames coming; empty once the program may rest."""
        return [cause for cause in AWAKE_S if self.is_awake_for(cause, now_s)]

    def is_awake_for(self, cause: str, now_s: float) -> bool:
        """Whether a cause keeps frames coming."""
        return now_s < self._awake_until_s[cause]
