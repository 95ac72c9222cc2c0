"""Chooses which discs get their number, and where it is drawn.

Discs are served in the order of contracts, the largest first; of equal ones the older. A number is drawn in the middle
of its disc where no newer disc touches it, else on a part of the disc that is visible, else beside the disc in a place
that no disc and no other number touches. The largest twentieth of the discs in the pane always get theirs: if all of
these places are taken, it is drawn over smaller discs. No number crosses the ring of a large trade.

A number that has a place keeps it while the place is nearly free; a new place must be free by a margin. Numbers
therefore do not flicker where discs just touch. While only time passes, places are tested and searched only for
discs near the newest ones: nothing has changed around the others.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from flow_gl.gl.view import Rect
from flow_gl.layers.labels.count_boxes import (
    NO_RINGS,
    Boxes,
    Discs,
    Floats,
    Kind,
    Place,
    Rings,
    Rows,
    free_of_all,
    free_of_newer,
    free_of_rings,
)
from flow_gl.layers.labels.count_sides import (
    LEFT_WAYS,
    UP_WAYS,
    Sides,
    boxes_of,
    is_crossed,
    is_under,
    leader_of,
    meet,
    rows_of,
    sides_of,
)

RIM_PX: Final = 2.5
"""Least distance between a number inside a disc and its edge, at content scale 1."""
MARGIN_PX: Final = 1.5
"""A new place must be this much larger than the number, on each side."""
SLACK_PX: Final = 1.5
"""A number beside a disc keeps its place while it reaches out of the pane, or into another label, by no more."""
RING_PX: Final = 2.0
"""Least distance between a number and the middle of a ring's line, at content scale 1."""
GAP_PX: Final = 2.0
"""Least distance between two numbers beside their discs."""
ALWAYS_SHARE: Final = 20
"""One of this many discs always gets its number."""
MAX_ALWAYS: Final = 100
"""No more discs than this always get their number: a locked level shows any number of discs."""
MAX_COVERED: Final = 64
"""Discs whose middle is covered that may get a number on their visible part, the largest."""
MAX_BESIDE: Final = 32
"""Discs without room inside that may get a number beside them, the largest."""
MIN_BESIDE_PX: Final = 9.0
"""Smaller discs get no number beside them unless they always get theirs. Radius at content scale 1."""
MIN_BESIDE_SHARE: Final = 0.25
"""Nor do discs with fewer contracts than this share of the largest one in the pane."""
_KEEP_FACTOR: Final = 1.25
"""A disc that ranks behind one of the limits above by less than this keeps its number."""
INSIDE_SHARES: Final = (0.5, 1.0)
"""Distances from the middle, as shares of how far a number may move within its disc."""
LEADERS_PX: Final = (5.0, 14.0, 26.0)
"""Lengths of the leaders beyond the disc's edge, at content scale 1."""
LONG_LEADERS_PX: Final = (*LEADERS_PX, 40.0, 56.0, 74.0, 94.0, 116.0, 140.0, 166.0, 194.0, 224.0)
_INSIDE: Final = np.concatenate([share * LEFT_WAYS for share in INSIDE_SHARES])
"""Offsets in units of how far a number may move within its disc."""
_Test = Callable[[Discs, Boxes], NDArray[np.bool_]]
_NOWHERE: Final = -1
_MIDDLE: Final = Place(Kind.MIDDLE, 0.0, 0.0)


class _Before(NamedTuple):
    """The last place of each disc: kind (int64, `_NOWHERE` if it had none), dx, dy (float64, px)."""

    kind: NDArray[np.int64]
    dx: Floats
    dy: Floats


class NumberPlaces:
    """The places of a chart's numbers, and which discs have none.

    Attributes
    ----------
    places : by bucket id. No two boxes overlap
    """

    def __init__(self) -> None:
        self.places: dict[int, Place] = {}
        self._view: object = None
        self._failed: tuple[list[int], list[int]] = [], []
        """Bucket ids of discs for which no place was found: inside, beside."""
        self._newest = 0

    def steps(
        self,
        discs: Discs,
        pane: Rect,
        *,
        taken: Sequence[Rect],
        scale: float,
        view: object,
        rings: Rings = NO_RINGS,
    ) -> Iterator[None]:
        """Choose the numbers that are drawn, in steps that may run in several frames; `places` changes with the last.

        Parameters
        ----------
        pane : the price pane, in the coordinates of the discs; numbers beside a disc stay within it
        taken : boxes of other labels, which numbers beside a disc avoid
        scale : content scale
        view : everything that the distances between closed discs and rings, their sizes and the bucket ids depend on
        rings : rings that no number may cross, in the coordinates of the discs
        """
        is_same = view == self._view
        if len(discs.ids) == 0:
            self.places, self._view = {}, None
            return
        near = 2.0 * float(discs.radius.max() + discs.half_width.max()) + LEADERS_PX[-1] * scale
        newest_x = float(discs.x[max(0, int(np.searchsorted(discs.ids, self._newest)) - 1)])
        settled = int(np.searchsorted(discs.x, newest_x - near)) if is_same else 0
        before = _Before(np.full(len(discs.ids), _NOWHERE), np.zeros(len(discs.ids)), np.zeros(len(discs.ids)))
        was, at = rows_of(discs.ids, list(self.places))
        last = np.array(list(self.places.values()), np.float64).reshape(-1, 3)[was]
        before.kind[at], before.dx[at], before.dy[at] = last[:, 0], last[:, 1], last[:, 2]
        has_none = [np.zeros(len(discs.ids), np.bool_) for _ in self._failed]
        for mask, failed in zip(has_none, self._failed, strict=True):
            mask[rows_of(discs.ids, failed)[1]] = True
            mask[settled:] = False
        choice = _Choice(
            discs=discs,
            pane=pane,
            taken=taken,
            scale=scale,
            before=before,
            settled=settled,
            has_none=has_none,
            rings=rings,
        )
        choice.place_inside()
        yield
        choice.place_beside()
        ids = discs.ids
        self.places = {int(ids[at]): place for at, place in choice.placed.items()}
        self._failed = ids[choice.without_inside].tolist(), ids[choice.without_beside].tolist()
        self._view, self._newest = view, int(ids[-1])


class _Choice:
    """One choice of numbers. Discs are named by their index; `ranked` is the largest first."""

    def __init__(
        self,
        *,
        discs: Discs,
        pane: Rect,
        taken: Sequence[Rect],
        scale: float,
        before: _Before,
        settled: int,
        has_none: list[NDArray[np.bool_]],
        rings: Rings,
    ) -> None:
        self.placed: dict[int, Place] = {}
        self.without_inside: list[int] = []
        self.without_beside: list[int] = []
        self._leaders: Final[list[Sides]] = []
        """Ends of the leaders that lie over other discs."""
        self._discs: Final = discs
        self._pane: Final = pane
        sides = [(box.x, box.y, box.right, box.bottom) for box in taken]
        self._taken: Final = np.array([*sides, (math.inf,) * 4]).T
        """Left, top, right and bottom of the other labels; float64 (4, labels)."""
        self._scale: Final = scale
        self._before: Final = before
        self._settled: Final = settled
        """Nothing has changed around the discs before this one."""
        self._has_none_inside, self._has_none_beside = has_none
        self._rings: Final = rings
        self._ranked: Final = np.argsort(-discs.volume, kind="stable")
        self._room: Final = discs.radius - np.hypot(discs.half_width, discs.half_height) - RIM_PX * scale
        """How far a number may move within its disc, px; negative where the disc is too small for it."""

    def place_inside(self) -> None:
        """Place the numbers that fit inside their discs.

        They cannot overlap: each lies within its disc, and no newer disc touches it.
        """
        rows = self._ranked[self._room[self._ranked] >= 0.0]
        if len(rows) == 0:
            return
        kind = self._before.kind[rows]
        is_free = (kind == Kind.MIDDLE) & (rows < self._settled)
        is_asked = (rows >= self._settled) | ((kind == _NOWHERE) & ~self._has_none_inside[rows])
        asked = rows[is_asked]
        nowhere, grown = np.zeros((len(asked), 1)), self._margin(kind[is_asked, np.newaxis] == Kind.MIDDLE)
        is_free[is_asked] = self._free(asked, nowhere, nowhere, grown, free_of_newer)[:, 0]
        self.placed = dict.fromkeys(rows[is_free].tolist(), _MIDDLE)
        covered = rows[~is_free]
        is_kept = self._keep(covered, Kind.INSIDE)
        covered = covered[:MAX_COVERED][~is_kept[:MAX_COVERED]]
        has_none = self._has_none_inside[covered]
        self.without_inside += covered[has_none].tolist()
        covered = covered[~has_none]
        if len(covered) == 0:
            return
        dx, dy = (self._room[covered, np.newaxis] * _INSIDE[:, axis] for axis in (0, 1))
        is_free = self._free(covered, dx, dy, self._margin(np.zeros((1, 1), np.bool_)), free_of_newer)
        first = is_free.argmax(axis=1).tolist()
        for row, (at, one) in enumerate(zip(covered.tolist(), first, strict=True)):
            if is_free[row, one]:
                self.placed[at] = Place(Kind.INSIDE, float(dx[row, one]), float(dy[row, one]))
            else:
                self.without_inside.append(at)

    def place_beside(self) -> None:
        """Place the numbers that belong beside their discs."""
        wanted, is_certain = self._wanted()
        if not wanted:
            return
        rows = np.array(wanted)
        is_kept = self._keep(rows, Kind.BESIDE)
        searched = rows[~is_kept & ~self._has_none_beside[rows]]
        if len(searched):
            dx, dy = self._offsets(searched, LEADERS_PX)
            is_free = self._free(searched, dx, dy, self._margin(np.zeros((1, 1), np.bool_)), free_of_all)
            is_free &= self._is_open(searched, dx, dy, MARGIN_PX * self._scale)
        row_of = {at: row for row, at in enumerate(searched.tolist())}
        gap, taken = GAP_PX * self._scale, list[Sides]()
        self._inside = boxes_of(
            self._discs, [(at, *one[1:]) for at, one in self.placed.items() if one.kind < Kind.BESIDE]
        )
        for at, is_its_certain in zip(wanted, is_certain, strict=True):
            place = self.placed.pop(at, None)
            if place is not None and self._is_taken(at, place, 0.0, taken):
                place = None
            row = row_of.get(at)
            if place is None and row is not None:
                found = (
                    Place(Kind.BESIDE, float(dx[row, one]), float(dy[row, one])) for one in np.flatnonzero(is_free[row])
                )
                place = next((one for one in found if not self._is_taken(at, one, gap, taken, self._leaders)), None)
            if place is None:
                self.without_beside.append(at)
                place = self._place_over(at, taken) if is_its_certain else None
            if place is None:
                continue
            self.placed[at] = place
            taken.append(self._sides(at, place, 0.0))
            if place.kind is Kind.OVER:
                self._leaders.append(self._leader(at, place))

    def _wanted(self) -> tuple[list[int], list[bool]]:
        """Return the discs that may get a number beside them, and which of them always get it, the largest first."""
        discs, pane, before = self._discs, self._pane, self._before
        is_in_pane = (discs.x >= pane.x) & (discs.x < pane.right) & (discs.y >= pane.y) & (discs.y < pane.bottom)
        ranked = self._ranked[is_in_pane[self._ranked]]
        always = min(-(-len(ranked) // ALWAYS_SHARE), MAX_ALWAYS)
        nearly_always = int(always * _KEEP_FACTOR) + 1
        is_large = discs.radius >= MIN_BESIDE_PX * self._scale
        least = MIN_BESIDE_SHARE * float(discs.volume[ranked[0]]) if len(ranked) else 0.0
        wanted: list[int] = []
        is_certain: list[bool] = []
        without = 0
        for rank, at in enumerate(ranked.tolist()):
            if at in self.placed:
                continue
            without += 1
            if rank >= nearly_always and without > _KEEP_FACTOR * MAX_BESIDE:
                break
            kind = before.kind[at]
            factor = 1.0 if kind == _NOWHERE else _KEEP_FACTOR
            may_stand = is_large[at] and without <= MAX_BESIDE * factor and discs.volume[at] >= least / factor
            certain = rank < always or (rank < nearly_always and kind == Kind.OVER)
            if certain or may_stand:
                wanted.append(at)
                is_certain.append(certain)
        return wanted, is_certain

    def _place_over(self, at: int, taken: list[Sides]) -> Place | None:
        """Find a place beside a disc that no number touches; None if numbers fill the pane.

        Its leader crosses no number if there is such a place.
        """
        before, rows = self._before, np.array([at])
        others = np.concatenate([np.array([*taken, (math.inf,) * 4]).T, self._inside], axis=1)
        if before.kind[at] == Kind.OVER:
            last = Place(Kind.OVER, float(before.dx[at]), float(before.dy[at]))
            is_open = self._is_open(rows, before.dx[[[at]]], before.dy[[[at]]], -SLACK_PX * self._scale)
            left, top, right, bottom = self._sides(at, last, 0.0)
            is_met = (left < others[2]) & (others[0] < right) & (top < others[3]) & (others[1] < bottom)
            if is_open[0, 0] and not is_met.any():
                return last
        dx, dy = self._offsets(rows, LONG_LEADERS_PX)
        x, y = (self._discs.x[at] + dx[0])[:, np.newaxis], (self._discs.y[at] + dy[0])[:, np.newaxis]
        half_width = self._discs.half_width[at] + GAP_PX * self._scale
        half_height = self._discs.half_height[at] + GAP_PX * self._scale
        is_met = (x - half_width < others[2]) & (others[0] < x + half_width)
        is_met &= (y - half_height < others[3]) & (others[1] < y + half_height)
        is_free = ~is_met.any(axis=1) & self._is_open(rows, dx, dy, 0.0)[0]
        places = [Place(Kind.OVER, float(dx[0, one]), float(dy[0, one])) for one in np.flatnonzero(is_free)]
        clear = (
            one
            for one in places
            if not is_crossed(self._leader(at, one), others) and not self._is_taken(at, one, 0.0, [], self._leaders)
        )
        return next(clear, places[0] if places else None)

    def _keep(self, rows: Rows, kind: Kind) -> NDArray[np.bool_]:
        """Place the numbers that can stay where they were. Returns which: bool (rows,)."""
        is_kept: NDArray[np.bool_] = self._before.kind[rows] == kind
        olds = rows[is_kept]
        if len(olds) == 0:
            return is_kept
        dx, dy = self._before.dx[olds, np.newaxis], self._before.dy[olds, np.newaxis]
        test = free_of_newer if kind is Kind.INSIDE else free_of_all
        stays = olds < self._settled
        if not stays.all():
            is_asked = ~stays
            asked = self._free(olds[is_asked], dx[is_asked], dy[is_asked], np.zeros((1, 1)), test)[:, 0]
            if kind is Kind.INSIDE:
                asked &= np.hypot(dx[is_asked, 0], dy[is_asked, 0]) <= self._room[olds[is_asked]] + self._scale
            stays[is_asked] = asked
        if kind is Kind.BESIDE:
            stays &= self._is_open(olds, dx, dy, -SLACK_PX * self._scale)[:, 0]
        offsets = np.concatenate([dx, dy], axis=1)[stays].tolist()
        self.placed.update((at, Place(kind, *one)) for at, one in zip(olds[stays].tolist(), offsets, strict=True))
        is_kept[is_kept] = stays
        return is_kept

    def _margin(self, is_kept: NDArray[np.bool_]) -> Floats:
        return np.where(is_kept, 0.0, MARGIN_PX * self._scale)

    def _free(self, rows: Rows, dx: Floats, dy: Floats, grown: Floats, test: _Test) -> NDArray[np.bool_]:
        """Return which places pass a test and cross no ring: bool (discs, places)."""
        boxes = self._boxes(rows, dx, dy, grown)
        found: NDArray[np.bool_] = test(self._discs, boxes) & free_of_rings(self._rings, boxes, RING_PX * self._scale)
        return found.reshape(dx.shape)

    def _boxes(self, rows: Rows, dx: Floats, dy: Floats, grown: Floats) -> Boxes:
        discs, own = self._discs, rows[:, np.newaxis]
        return Boxes(
            np.repeat(rows, dx.shape[1]),
            (discs.x[own] + dx).ravel(),
            (discs.y[own] + dy).ravel(),
            np.add(discs.half_width[own], grown, out=np.empty(dx.shape)).ravel(),
            np.add(discs.half_height[own], grown, out=np.empty(dx.shape)).ravel(),
        )

    def _offsets(self, rows: Rows, leaders_px: tuple[float, ...]) -> tuple[Floats, Floats]:
        """Return the places beside discs, the nearest first: float64 (discs, leaders * directions), px."""
        discs = self._discs
        reach = discs.radius[rows, np.newaxis] + self._scale * np.array(leaders_px)
        found = []
        for axis, half in ((0, discs.half_width), (1, discs.half_height)):
            unit = UP_WAYS[:, axis]
            places = reach[:, :, np.newaxis] * unit + half[rows, np.newaxis, np.newaxis] * np.sign(unit)
            found.append(places.reshape(len(rows), len(leaders_px) * len(unit)))
        return found[0], found[1]

    def _is_open(self, rows: Rows, dx: Floats, dy: Floats, grown: float) -> NDArray[np.bool_]:
        """Return which places lie in the pane and meet no other label or ring: bool (discs, places).

        Boxes are grown by some px on each side.
        """
        discs, pane, own = self._discs, self._pane, rows[:, np.newaxis]
        x, y = discs.x[own] + dx, discs.y[own] + dy
        wide, high = discs.half_width[own] + grown, discs.half_height[own] + grown
        is_open = (x - wide >= pane.x) & (x + wide <= pane.right) & (y - high >= pane.y) & (y + high <= pane.bottom)
        left, top, right, bottom = self._taken
        x, y, wide, high = x[..., np.newaxis], y[..., np.newaxis], wide[..., np.newaxis], high[..., np.newaxis]
        is_met = (x - wide < right) & (left < x + wide) & (y - high < bottom) & (top < y + high)
        boxes = self._boxes(rows, dx, dy, np.array([[grown]]))
        is_open &= free_of_rings(self._rings, boxes, RING_PX * self._scale).reshape(dx.shape)
        found: NDArray[np.bool_] = is_open & ~is_met.any(axis=2)
        return found

    def _sides(self, at: int, place: Place, gap: float) -> Sides:
        return sides_of(self._discs, at, place.dx, place.dy, gap)

    def _leader(self, at: int, place: Place) -> Sides:
        return leader_of(self._discs, at, place.dx, place.dy)

    def _is_taken(self, at: int, place: Place, gap: float, taken: list[Sides], leaders: Sequence[Sides] = ()) -> bool:
        """Return whether a number would meet a box, or lie on a leader."""
        box = self._sides(at, place, gap)
        if any(meet(box, other) for other in taken):
            return True
        return bool(leaders) and is_under(np.array(leaders).T, self._sides(at, place, 0.0))
