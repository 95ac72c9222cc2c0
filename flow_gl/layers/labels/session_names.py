"""Names of sessions at their starts: trade date, special features of the session, delta and volume.

A session whose start lies left of the view is named at the view's left border, if another session is in view. A name is
below a notice that is in its place; where there is little room, it gets shorter.
"""

from datetime import date, time
from itertools import product
from typing import Final

from flow_gl.core.sessions import GLOBEX_CLOSE
from flow_gl.core.units import DAY_NS, SECOND_NS
from flow_gl.gl.text import Plate, TextStyle
from flow_gl.gl.view import Rect
from flow_gl.layers.base import Scene
from flow_gl.layers.cached_layer import CachedLayer
from flow_gl.layers.labels.layout import TIME
from flow_gl.layers.labels.ticks import local_ns
from flow_gl.layers.labels.words import contracts_text
from flow_gl.layers.sessions import Session, sessions_in_view

_LABEL_PX: Final = 13.0
_GAP_PX: Final = 8.0
"""Between the start of a session and its name, and between two names, at content scale 1."""
_ROWS: Final = 3
"""A name is at most this many rows lower where a notice covers the ones above."""


def session_names(session: Session, zone: str) -> list[str]:
    """Return a session's name, the longest one first: "Fri 28 Nov  early close 13:15", "Fri 28 Nov", "28 Nov".

    Empty without a calendar, where all trades are one session.
    """
    numbers = session.numbers
    number = int(numbers["trade_date"])
    if not number:
        return []
    day = date(number // 10_000, number // 100 % 100, number % 100)
    short = f"{day.day} {day:%b}"
    special = special_of(session, zone)
    return [*([f"{day:%a} {short}  {special}"] if special else []), f"{day:%a} {short}", short]


def special_of(session: Session, zone: str) -> str:
    """Return the special feature of a session: a roll, an early close, unscheduled, partial; "" for an ordinary one."""
    numbers, found = session.numbers, []
    if session.is_roll:
        found.append("roll")
    if numbers["unscheduled"]:
        found.append("unscheduled")
    elif numbers["close_ts"]:
        close = _clock(int(numbers["close_ts"]), zone)
        if close != GLOBEX_CLOSE:
            found.append(f"early close {close:%H:%M}")
    if numbers["partial"]:
        found.append(f"partial, from {_clock(int(numbers['first_ts']), zone):%H:%M}")
    return ", ".join(found)


def _clock(t_ns: int, zone: str) -> time:
    minutes = local_ns(t_ns, zone) % DAY_NS // (60 * SECOND_NS)
    return time(minutes // 60, minutes % 60)


class SessionNamesLayer(CachedLayer):
    """Adds labels at the top of the price pane."""

    avoids = True
    follows = TIME

    def key(self, scene: Scene) -> tuple[object, ...]:
        view = scene.price_view
        named = []
        for session, left, right in self._named(scene):
            numbers = session.numbers
            sums = tuple(int(numbers[side]) for side in ("buy", "sell", "unsided")) if self._has_sums(scene) else ()
            named.append((int(numbers["trade_date"]), session.is_finished, left, right, sums))
        return named, view.rect, view.scale, scene.style.palette

    def _has_sums(self, scene: Scene) -> bool:
        """Return whether delta and volume are shown; the header says those of a session that is alone in view."""
        return len(sessions_in_view(scene)) > 1

    def _named(self, scene: Scene) -> list[tuple[Session, float, float]]:
        if "sessions" not in scene.style.is_visible or not self._chart.has_trades:
            return []
        seen = sessions_in_view(scene)
        return [one for one in seen if len(seen) > 1 or one[1] > scene.price_view.rect.x]

    def build(self, scene: Scene) -> None:
        has_sums = self._has_sums(scene)
        for session, left, right in self._named(scene):
            self._add_name(scene, session, left, right, has_sums=has_sums)

    def _add_name(self, scene: Scene, session: Session, left: float, right: float, *, has_sums: bool) -> None:
        chart, rect, scale, palette = self._chart, scene.price_view.rect, scene.price_view.scale, scene.style.palette
        size, gap = _LABEL_PX * scale, _GAP_PX * scale
        plate = Plate(palette.ground)
        x, y = round(left + gap + 0.5 * size), 0
        for text, row in product(session_names(session, scene.zone), range(_ROWS)):
            width, y = chart.batches.text.width(text, size, is_bold=True) + size, round(rect.y + (1.4 + 2 * row) * size)
            if left + 2 * gap + width <= right and chart.batches.take(
                Rect(left + gap, y - size, width, 2 * size), rect
            ):
                is_doubtful = bool(session.numbers["partial"] or session.numbers["unscheduled"])
                color = palette.attention if is_doubtful else palette.text
                chart.batches.text.add(text, x, y, TextStyle(size, color, is_bold=True), plate=plate)
                break
        else:
            return
        if has_sums:
            self._add_sums(scene, session, (x, round(y + 1.9 * size)), right - gap)

    def _add_sums(self, scene: Scene, session: Session, at: tuple[int, int], right: float) -> None:
        chart, scale, palette, numbers = self._chart, scene.price_view.scale, scene.style.palette, session.numbers
        size, (x, y) = (_LABEL_PX - 1) * scale, at
        buy, sell, unsided = (int(numbers[side]) for side in ("buy", "sell", "unsided"))
        sign = "+" if buy > sell else ""
        text = f"delta {sign}{contracts_text(buy - sell)}  volume {contracts_text(buy + sell + unsided)}"
        for shown in (text, f"{sign}{contracts_text(buy - sell)}"):
            width = chart.batches.text.width(shown, size) + size
            box = Rect(x - 0.5 * size, y - 0.8 * size, width, 1.6 * size)
            if box.right <= right and chart.batches.take(box, scene.price_view.rect):
                color = palette.buy if buy > sell else palette.sell if sell > buy else palette.quiet
                plate = Plate(palette.ground)
                chart.batches.text.add(shown, x, y, TextStyle(size, color), plate=plate)
                return
