"""The sessions of a chart and where each is on the screen, to which its levels, name and profile belong.

Finished sessions come from their own table, the running session from the tables of the newest numbers.
"""

from dataclasses import dataclass
from typing import Final
from weakref import WeakKeyDictionary

import numpy as np

from flow_gl.gl.view import Rect
from flow_gl.layers.base import Scene, once
from flow_gl.layers.roll_places import contract_left
from flow_gl.store.market import MarketReader

_END: Final = 2**62
PROFILE_SHARE: Final = 0.36
"""Width of a finished session's profile, as a share of the session's visible part; at most today's width."""
_MIN_PX: Final = 14.0
"""Narrower profiles of finished sessions are left out, at content scale 1."""


@dataclass(frozen=True, slots=True)
class Session:
    """One session.

    Attributes
    ----------
    start_ns, end_ns : from its open (its first trade if the open is unknown or not in the calendar) to its close
    numbers : SESSION record
    levels : FINISHED_SESSION or, for the running session, PROFILE record: POC, VAH, VAL and the rows
    is_finished : False for the running session
    is_roll : it trades another contract than the previous one
    """

    start_ns: int
    end_ns: int
    numbers: np.void
    levels: np.void
    is_finished: bool
    is_roll: bool = False


_known: Final[WeakKeyDictionary[MarketReader, tuple[object, list[Session]]]] = WeakKeyDictionary()
"""The sessions of each reader, with the versions they were read at."""


def sessions_of(reader: MarketReader) -> list[Session]:
    """Return all sessions of a chart, oldest first; the current one is the last."""
    now = reader.session
    version = reader.sessions_version, int(now["first_ts"]), int(now["open_ts"]), int(now["partial"])
    known = _known.get(reader)
    if known is None or known[0] != version:
        known = _known[reader] = version, _sessions_of(reader)
    return known[1]


@once
def sessions_shown(scene: Scene) -> list[Session]:
    """Return all sessions of a scene's chart, oldest first; the current one is the last."""
    return sessions_of(scene.reader)


@once
def sessions_in_view(scene: Scene) -> list[tuple[Session, float, float]]:
    """Return the sessions in view, oldest first, with their ends: whole pixels in the price pane."""
    view, found = scene.price_view, []
    left_ns, right_ns = view.t_left_ns, min(view.t_right_ns, scene.until_ns)
    for session in sessions_shown(scene):
        if session.end_ns > left_ns and session.start_ns < right_ns:
            left, right = max(view.pixel_x(session.start_ns), view.rect.x), view.rect.right
            if session.is_finished:
                right = min(view.pixel_x(session.end_ns), right)
            else:
                left = max(left, contract_left(scene))
            if right > left:
                found.append((session, left, right))
    return found


@once
def current_left(scene: Scene) -> float:
    """Return the screen x from which the pane shows the running session; its right border if it is not in view."""
    rect = scene.price_view.rect
    newest = sessions_shown(scene)[-1]
    return max(contract_left(scene), min(max(scene.price_view.pixel_x(newest.start_ns), rect.x), rect.right))


@once
def current_profile(scene: Scene) -> Rect:
    """Return the part of the profile's place in which the running session is shown; it may have no width."""
    place = scene.profile_rect
    left = min(max(current_left(scene), place.x), place.right)
    return Rect(left, place.y, place.right - left, place.height)


def finished_profile(scene: Scene, left: float, right: float) -> Rect:
    """Return the place of a finished session's profile: the right end of the session from `left` to `right`, px."""
    width, view = min(PROFILE_SHARE * (right - left), scene.profile_rect.width), scene.price_view
    width = width if width >= _MIN_PX * view.scale else 0.0
    return Rect(right - width, view.rect.y, width, view.rect.height)


def _sessions_of(reader: MarketReader) -> list[Session]:
    now, found, instrument = reader.session, [], 0
    # The record in place may be overwritten by the next refresh, these copies are not.
    for row in reader.sessions.copy():
        numbers = row["numbers"]
        if numbers["first_ts"] == now["first_ts"]:
            continue
        is_roll, instrument = instrument not in (0, int(row["instrument_id"])), int(row["instrument_id"])
        end_ns = int(numbers["last_ts"])
        if numbers["close_ts"] and not numbers["unscheduled"]:
            end_ns = max(end_ns, int(numbers["close_ts"]))
        found.append(Session(_start_of(numbers), end_ns, numbers, row, is_finished=True, is_roll=is_roll))
    is_roll = instrument not in (0, int(reader.instrument["instrument_id"]))
    found.append(Session(_start_of(now), _END, now, reader.profile, is_finished=False, is_roll=is_roll))
    return found


def _start_of(numbers: np.void) -> int:
    is_open_known = numbers["open_ts"] and not numbers["partial"] and not numbers["unscheduled"]
    return int(numbers["open_ts"] if is_open_known else numbers["first_ts"])
