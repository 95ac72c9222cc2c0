"""Positions of grid lines, as pure functions of a pane's view. Lines and labels use the same ticks.

Price steps are 1, 2 or 5 times a power of ten if that is a multiple of the instrument's tick, and the tick times a
power of two below. Time steps divide a clock evenly and count from midnight in the exchange's time zone.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from flow_gl.core.folds import FoldedTime
from flow_gl.core.units import DAY_NS, HOUR_NS, MINUTE_NS, SECOND_NS

TIME_STEPS_NS: Final = (
    *(n * SECOND_NS // 10 for n in (1, 2, 5)),
    *(n * SECOND_NS for n in (1, 2, 5, 10, 15, 30)),
    *(n * MINUTE_NS for n in (1, 2, 5, 10, 15, 30)),
    *(n * HOUR_NS for n in (1, 2, 4, 8)),
    *(n * DAY_NS for n in (1, 2, 7, 14, 28)),
)


@lru_cache(maxsize=1024)
def _offset_ns(zone: str, hour: int) -> int:
    offset = datetime.fromtimestamp(hour * 3600, UTC).astimezone(ZoneInfo(zone)).utcoffset()
    return int(offset.total_seconds()) * SECOND_NS if offset else 0


def local_ns(t_ns: int, zone: str) -> int:
    """Return the wall-clock time of a zone as if it were UTC, ns since the epoch."""
    return t_ns + _offset_ns(zone, t_ns // HOUR_NS)


@lru_cache(maxsize=64)
def zone_name(zone: str, hour: int) -> str:
    """Return the abbreviation (EST, EDT) that applies at an hour since the epoch."""
    return datetime.fromtimestamp(hour * 3600, UTC).astimezone(ZoneInfo(zone)).tzname() or zone


@lru_cache(maxsize=8)
def time_step(ns_per_px: float, min_px: float) -> int:
    """Return the smallest clock step (ns) whose ticks are at least `min_px` apart."""
    least = ns_per_px * min_px
    return next((step for step in TIME_STEPS_NS if step >= least), TIME_STEPS_NS[-1])


def time_ticks(t_left_ns: int, t_right_ns: int, step_ns: int, zone: str) -> list[int]:
    """Return times (ns, UTC) within [left, right] at multiples of the step in the zone's clock, oldest first.

    Across a daylight-saving change, ticks stay on whole hours of the wall clock. An hour that the clock skips has no
    tick.
    """
    first = local_ns(t_left_ns, zone) // step_ns * step_ns
    ticks: list[int] = []
    local = first
    while True:
        t_ns = local - _offset_ns(zone, (local - _offset_ns(zone, local // HOUR_NS)) // HOUR_NS)
        if t_ns > t_right_ns:
            return ticks
        is_on_clock = local_ns(t_ns, zone) == local
        if is_on_clock and t_ns >= t_left_ns and (not ticks or t_ns > ticks[-1]):
            ticks.append(t_ns)
        local += step_ns


def folded_time_ticks(
    t_left_ns: int, t_right_ns: int, step_ns: int, zone: str, *, folded: FoldedTime, least_ns: int
) -> list[int]:
    """Return what `time_ticks` returns, without ticks in folds.

    Steps of less than a day also get a tick at the end of each fold that ends on a whole minute, where a session opens,
    unless midnight is nearer to it than `least_ns` on the axis; other ticks that near to it are left out.
    """
    seen = folded.within(t_left_ns, t_right_ns + 1)
    if not seen:
        return time_ticks(t_left_ns, t_right_ns, step_ns, zone)
    on_clock: list[int] = []
    begin = t_left_ns
    for at in seen:
        on_clock += time_ticks(begin, min(folded.starts[at] - 1, t_right_ns), step_ns, zone)
        begin = max(begin, folded.ends[at])
    on_clock += time_ticks(begin, t_right_ns, step_ns, zone)
    if step_ns >= DAY_NS:
        return on_clock

    def is_far_from(t_ns: int, others: list[int]) -> bool:
        return all(abs(folded.between(t_ns, other)) >= least_ns for other in others)

    ends = [folded.ends[at] for at in seen]
    midnights = [t_ns for t_ns in on_clock if local_ns(t_ns, zone) % DAY_NS == 0]
    opens = [t_ns for t_ns in ends if t_left_ns <= t_ns <= t_right_ns and t_ns % MINUTE_NS == 0]
    opens = [t_ns for t_ns in opens if is_far_from(t_ns, midnights)]
    return sorted({*opens, *(t_ns for t_ns in on_clock if is_far_from(t_ns, opens))})


def needs_date(t_left_ns: int, t_right_ns: int, now_ns: int, zone: str) -> bool:
    """Return whether the times of a view are ambiguous without a date.

    They are if the view spans more than a day, or begins on another day than now.
    """
    is_long = t_right_ns - t_left_ns > DAY_NS
    return is_long or local_ns(t_right_ns, zone) // DAY_NS < local_ns(now_ns, zone) // DAY_NS


def time_labels(times_ns: list[int], step_ns: int, zone: str, *, is_dated: bool) -> list[tuple[str, bool]]:
    """Return the label of each time tick, oldest first, and whether it begins a day.

    Midnight is labelled with its date. If `is_dated`, so is the first tick of each day, beside its time.
    """
    labels, before = [], -1
    for t_ns in times_ns:
        text, is_day = time_label(t_ns, step_ns, zone)
        day = local_ns(t_ns, zone) // DAY_NS
        if is_dated and not is_day and day != before:
            text, is_day = f"{date_text(t_ns, zone)} {text}", before >= 0
        labels.append((text, is_day))
        before = day
    return labels


def date_text(t_ns: int, zone: str) -> str:
    """Return the date of a time: 28 Nov."""
    day = datetime.fromtimestamp(local_ns(t_ns, zone) // SECOND_NS, UTC)
    return f"{day.day} {day:%b}"


def time_label(t_ns: int, step_ns: int, zone: str) -> tuple[str, bool]:
    """Return the label of a time tick, and whether it begins a day."""
    return _time_label(local_ns(t_ns, zone), step_ns)


@lru_cache(maxsize=4096)
def _time_label(local: int, step_ns: int) -> tuple[str, bool]:
    of_day = local % DAY_NS
    if of_day == 0:
        day = datetime.fromtimestamp(local // SECOND_NS, UTC)
        return f"{day.day} {day:%b}", True
    hours, rest = divmod(of_day // SECOND_NS, 3600)
    minutes, seconds = divmod(rest, 60)
    if step_ns >= MINUTE_NS:
        return f"{hours:02d}:{minutes:02d}", False
    if step_ns >= SECOND_NS:
        return f"{hours:02d}:{minutes:02d}:{seconds:02d}", False
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}.{of_day % SECOND_NS * 10 // SECOND_NS}", False


def clock_text(t_ns: int, zone: str, *, is_dated: bool = False) -> str:
    """Return the time of day to the second, for the crosshair, with weekday and date on request."""
    local = local_ns(t_ns, zone)
    of_day = local % DAY_NS // SECOND_NS
    clock = f"{of_day // 3600:02d}:{of_day // 60 % 60:02d}:{of_day % 60:02d}"
    return (
        f"{datetime.fromtimestamp(local // SECOND_NS, UTC):%a} {date_text(t_ns, zone)}  {clock}" if is_dated else clock
    )


def _one_two_five(first: int) -> Iterator[int]:
    scale = 1
    while True:
        for factor in (1, 2, 5):
            if factor * scale >= first:
                yield factor * scale
        scale *= 10


_MAX_STEP: Final = 10**18
"""A billion points, more than the distance between any two prices."""


@lru_cache(maxsize=256)
def _price_steps(tick_size: int) -> tuple[int, ...]:
    steps: list[int] = []
    decimal = []
    for step in _one_two_five(tick_size):
        if step % tick_size == 0:
            decimal.append(step)
        if step > _MAX_STEP:
            break
    doubled = tick_size
    while doubled < (decimal[0] if decimal else _MAX_STEP):
        steps.append(doubled)
        doubled *= 2
    return (*steps, *decimal)


def price_step(tick_size: int, ticks_per_px: float, min_px: float) -> int:
    """Return the smallest price step (1e-9, a multiple of the tick) whose lines are at least `min_px` apart."""
    least = ticks_per_px * min_px * tick_size
    steps = _price_steps(tick_size)
    return next((step for step in steps if step >= least), steps[-1])


def price_ticks(low: int, high: int, step: int) -> range:
    """Return the multiples of `step` within [low, high] (1e-9), lowest first."""
    return range(-(-low // step) * step, high + 1, step)


def value_step(per_px: float, min_px: float) -> int:
    """Return the smallest 1-2-5 step of contracts whose lines are at least `min_px` apart."""
    least = per_px * min_px
    return next(step for step in _one_two_five(1) if step >= least)


def value_ticks(low: float, high: float, step: int) -> range:
    """Return the multiples of `step` within [low, high], lowest first."""
    return range(-int(-low // step) * step, int(high // 1) + 1, step)
