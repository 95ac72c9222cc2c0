"""The contracts of discs as numbers: inside the disc, on its visible part, or beside it with a leader.

`layers.labels.count_places` chooses them from the rows in view, after a new bubble or a change of zoom, size or
threshold. While the chart pans, the shader moves the numbers with their bubbles. A choice takes several times as long
as the rest of a chart's frame, so its steps run in frames that follow each other. A trade in the open bubble that
affects no other number changes only that bubble's own, for a while.
"""

import math
import struct
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.event_kinds import EventKind
from flow_gl.gl.buffers import RowRing
from flow_gl.gl.fonts import FontAtlas
from flow_gl.gl.label_boxes import LabelBox
from flow_gl.gl.text import PLATE_PAD_X, use_text_program
from flow_gl.gl.view import Rect
from flow_gl.layers.base import Scene
from flow_gl.layers.chart import Chart
from flow_gl.layers.discs import radius_of, tick_size_of, volume_of
from flow_gl.layers.labels.count_boxes import (
    Boxes,
    Discs,
    Kind,
    Place,
    Rings,
    free_of_others,
    free_of_rings,
    met_by,
    touched_by,
)
from flow_gl.layers.labels.count_discs import count_text, discs_in, text_size
from flow_gl.layers.labels.count_places import MIN_BESIDE_PX, RIM_PX, RING_PX, SLACK_PX, NumberPlaces
from flow_gl.layers.labels.count_sides import rows_of
from flow_gl.layers.marks.large_trade import rings_in
from flow_gl.layers.marks.mark import Mark
from flow_gl.layers.rows.packing import FARTHEST, PARTS_PER_TICK

COUNT_ROW: Final = np.dtype([("place", "<i4", (4,)), ("box_px", "<f4", (4,)), ("cell", "<f4", (4,))])
"""One label, plate or leader: its bubble and its kind, its place relative to the bubble, its texels (count.vert)."""
_PACK: Final = struct.Struct("<4i8f").pack
_LABEL, _PLATE, _LEADER = range(3)
_TEXT_ALPHA: Final = 0.96
_BESIDE_ALPHA: Final = 0.85
_CROWDED_ALPHA: Final = 0.7
_ALONE_ALPHA: Final = 0.25
"""Opacity of the ground behind a number: beside its disc, inside it where other discs overlap it (together they are
nearly as light as the text), and inside it otherwise."""
_END: Final = object()
_MAX_ROWS: Final = 6000
"""With more bubbles in view than this, discs cannot be distinguished."""
_KEPT_S: Final = 1.5
"""A choice is made again after this time at the latest, while the open bubble's number follows its trades."""
_PANE_STEP_PX: Final = 8.0
"""The numbers are placed again once the price pane has moved up or down by this much, at content scale 1."""


class _Number(NamedTuple):
    """A number to draw: the bubble that it belongs to (bucket and price relative to the base), its text and place."""

    bucket: int
    price: int
    text: str
    size_px: float
    place: Place
    plate_alpha: float
    """Opacity of the ground behind it."""


class _Chosen(NamedTuple):
    """The numbers of a choice, and the newest disc of its view; all places are those of that view.

    Attributes
    ----------
    wall_s : when it was made
    boxes : of the numbers
    newest_id, price : the newest disc's bucket id and price (1e-9)
    x, y : its middle, px
    own : index of its number; None if it has none
    touched : the boxes that it touches, bool (numbers,)
    rings : around large trades
    """

    wall_s: float
    numbers: list[_Number]
    boxes: Boxes
    newest_id: int
    price: int
    x: float
    y: float
    own: int | None
    touched: NDArray[np.bool_]
    rings: Rings


class CountsLayer:
    """Draws the counts at the current level of detail."""

    def __init__(self, chart: Chart) -> None:
        self._chart: Final = chart
        self._key: tuple[object, ...] = ()
        self._rows_key: tuple[object, ...] = ()
        """What the last choice was made for, besides the open bubble."""
        self._shown_open: tuple[int, ...] = ()
        """The open bubble whose number is shown."""
        self._start = 0
        """Position of the first bubble of the last choice."""
        self._count = 0
        self._places: Final = NumberPlaces()
        self._taken: list[Rect] = []
        """Boxes of other labels at the last choice."""
        self._has_followed = False
        """The open bubble's number has changed since then."""
        self._ringed: Sequence[Mark] = ()
        """Large trades, whose rings no number may cross."""
        self._steps: Iterator[None] | None = None
        """The rest of a choice that earlier frames began."""
        self._chosen: _Chosen | None = None
        """The last choice; None if the view has changed since."""
        self._job: Final = chart.jobs.add("counts")

    def setup(self) -> None:
        self._program = self._chart.resources.shaders.program("count", "text")
        self._rows = RowRing(COUNT_ROW, self._chart.counters, is_overlay=True)

    def update(self, scene: Scene) -> None:
        chart, style, view = self._chart, scene.style, scene.price_view
        rows = chart.rows.series.current
        if not {"counts", "bubbles"} <= style.is_visible or rows.stop - rows.start > _MAX_ROWS:
            self._count = 0
            self._key, self._steps = (), None
            return
        is_collecting = chart.batches.text.boxes is not None
        key = rows.base, view.scale, style, scene.hidden_before_ns, chart.resources.atlas.generation, is_collecting
        step = round(view.y_top / view.y_per_px / (_PANE_STEP_PX * view.scale))
        zoom = view.ns_per_px, view.folded, view.y_per_px, step, chart.shown.reference
        self._ringed = scene.marks.of(EventKind.LARGE_TRADE)
        if rows.start < self._start or self._chosen is None or scene.wall_s - self._chosen.wall_s >= _KEPT_S:
            self._start = rows.start  # bubbles that leave the view are no hurry
        rows_key, open_key = (self._start, rows.stop, *zoom, self._ringed), self._open_key(scene)
        if key != self._key:
            self._job.run_now("view")
            self._key, self._rows_key, self._shown_open, self._steps = key, rows_key, open_key, None
            for _ in self._find(scene):
                pass
            return
        while self._steps is not None or not self._is_shown(scene, rows_key, open_key):
            if not self._job.may_run("trades", is_early=self._steps is not None):
                return
            if self._steps is None:
                is_same_view, self._rows_key, self._shown_open = rows_key == self._rows_key, rows_key, open_key
                if is_same_view and self._follow_open(scene):
                    return
                self._steps = self._find(scene)
            if next(self._steps, _END) is _END:
                self._steps = None

    def _is_shown(self, scene: Scene, rows_key: tuple[object, ...], open_key: tuple[int, ...]) -> bool:
        """Return whether the numbers are those of these rows and labels; in a saved picture, of a choice from them."""
        if self._has_followed and not self._may_follow(scene):
            return False
        return rows_key == self._rows_key and open_key == self._shown_open and not self._have_labels_moved

    @property
    def _have_labels_moved(self) -> bool:
        """Whether other labels have moved since the last choice by more than its numbers may reach into them."""
        placed, taken = self._chart.batches.placed, self._taken
        if not self._chart.is_layout_due or placed == taken:
            return False
        return len(placed) != len(taken) or any(
            max(abs(a.x - b.x), abs(a.y - b.y), abs(a.right - b.right), abs(a.bottom - b.bottom)) > SLACK_PX
            for a, b in zip(placed, taken, strict=True)
        )

    def _open_key(self, scene: Scene) -> tuple[int, ...]:
        bubble = scene.reader.open_bubble(self._chart.rows.series.current.lod)
        if bubble is None:
            return ()
        return int(bubble["buy"]), int(bubble["sell"]), int(bubble["price"])

    def _may_follow(self, scene: Scene) -> bool:
        """Return whether the last choice is still good enough while the open bubble's own number follows its trades."""
        last = self._chosen
        return last is not None and self._chart.jobs.may_defer and 0.0 <= scene.wall_s - last.wall_s < _KEPT_S

    def _follow_open(self, scene: Scene) -> bool:
        """Change only the open bubble's number, if its last trades can affect no other one. Returns whether they did.

        It must be in the middle of its disc, or the disc too small for a number.
        """
        chart, view, last = self._chart, scene.price_view, self._chosen
        bubble = scene.reader.open_bubble(chart.rows.series.current.lod)
        if last is None or bubble is None or int(bubble["id"]) != last.newest_id:
            return False
        if not self._may_follow(scene) or self._have_labels_moved:
            return False
        volume = volume_of(bubble)
        radius = radius_of(volume, chart.shown.reference, scene.style, view.scale)
        size, half_width, half_height = text_size(volume, radius, view.scale)
        has_room = radius - math.hypot(half_width, half_height) >= RIM_PX * view.scale
        is_small = radius < MIN_BESIDE_PX * view.scale
        price = int(bubble["price"])
        y = last.y - (price - last.price) / tick_size_of(scene) / view.y_per_px
        touched = touched_by(last.boxes, last.x, y, radius)
        if last.own is None:
            self._has_followed = is_small and not has_room and not (touched & ~last.touched).any()
            return self._has_followed
        touched[last.own] = last.touched[last.own]
        own = last.numbers[last.own]
        box = Boxes(last.boxes.owner[:1], *(np.array([one]) for one in (last.x, y, half_width, half_height)))
        is_free = own.place.kind is Kind.MIDDLE and has_room and not (touched & ~last.touched).any()
        is_free = is_free and bool(free_of_rings(last.rings, box, RING_PX * view.scale)[0])
        is_met = met_by(last.boxes, box)
        is_met[last.own] = False
        is_free = is_free and not is_met.any()
        if not is_free or not _are_legible(box, view.rect, self._taken)[0]:
            return False
        its_price = price - chart.rows.series.current.base.price
        last.numbers[last.own] = own._replace(price=its_price, text=count_text(volume), size_px=float(size))
        self._upload(last.numbers, view.scale)
        self._has_followed = True
        return True

    def _find(self, scene: Scene) -> Iterator[None]:
        """Choose the numbers and bring them to the GPU, in steps."""
        self._chosen, self._has_followed = None, False
        chart, view = self._chart, scene.price_view
        base = chart.rows.series.current.base
        discs, price, size = discs_in(scene, chart.shown.reference)
        chart.counters.rows_copied += len(price)
        of_view = (
            base.bucket_ns,
            view.ns_per_px,
            view.folded,
            view.y_per_px,
            view.scale,
            scene.style,
            chart.shown.reference,
            id(scene.reader),
            self._ringed,
        )
        rings = rings_in(scene, self._ringed, chart.shown.reference_goal)
        self._taken = list(chart.batches.placed)
        yield
        yield from self._places.steps(discs, view.rect, taken=self._taken, scale=view.scale, view=of_view, rings=rings)
        yield
        places = self._places.places
        at = rows_of(discs.ids, list(places))[1]
        offsets = np.array(list(places.values()), np.float64).reshape(-1, 3)
        boxes = Boxes(
            at,
            discs.x[at] + offsets[:, 1],
            discs.y[at] + offsets[:, 2],
            discs.half_width[at],
            discs.half_height[at],
        )
        is_legible = _are_legible(boxes, view.rect, self._taken)
        if not is_legible.all():
            boxes = boxes.select(is_legible)
            places = {one: place for (one, place), shown in zip(places.items(), is_legible, strict=True) if shown}
        at = boxes.owner
        columns = price[at].tolist(), discs.volume[at].tolist(), size[at].tolist(), _plate_alphas(discs, boxes, places)
        numbers = [
            _Number(base.index(one), its_price - base.price, count_text(volume), its_size, place, alpha)
            for (one, place), its_price, volume, its_size, alpha in zip(places.items(), *columns, strict=True)
        ]
        if chart.batches.text.boxes is not None:
            look = scene.style.palette.text, _TEXT_ALPHA, view.rect
            rects = [
                Rect(x - wide, y - high, 2 * wide, 2 * high) for x, y, wide, high in np.stack(boxes[1:]).T.tolist()
            ]
            texts = zip(numbers, rects, strict=True)
            chart.batches.text.boxes.extend(LabelBox(number.text, box, *look) for number, box in texts)
        self._upload(numbers, view.scale)
        newest = len(discs.ids) - 1
        if newest >= 0:
            x, y = float(discs.x[newest]), float(discs.y[newest])
            own = np.flatnonzero(at == newest).tolist()
            self._chosen = _Chosen(
                wall_s=scene.wall_s,
                numbers=numbers,
                boxes=boxes,
                newest_id=int(discs.ids[newest]),
                price=int(price[newest]),
                x=x,
                y=y,
                own=own[0] if own else None,
                touched=touched_by(boxes, x, y, float(discs.radius[newest])),
                rings=rings,
            )

    def _upload(self, numbers: list[_Number], scale: float) -> None:
        tick_size, atlas = self._chart.rows.series.current.base.tick_size, self._chart.resources.atlas
        leaders, plates, labels = bytearray(), bytearray(), bytearray()
        for number in numbers:
            tick, rest = divmod(number.price, tick_size)
            anchor = number.bucket, min(max(tick, -FARTHEST), FARTHEST), int(rest * (PARTS_PER_TICK / tick_size))
            labels += _label(anchor, number, atlas)
            plates += _plate(anchor, number, atlas)
            if number.place.kind >= Kind.BESIDE:
                leaders += _leader(anchor, number, scale)
        packed = np.frombuffer(leaders + plates + labels, COUNT_ROW)
        self._count = len(packed)
        if self._count:
            self._rows.reserve(self._count)
            self._rows.write(0, packed)

    def draw(self, scene: Scene) -> None:
        if self._count and "counts" in scene.style.is_visible:
            use_text_program(self._program)
            self._chart.rows.use_block(0)
            self._chart.resources.row_drawing.quads(self._rows.texture, 0, self._count, self._chart.counters)

    def release(self) -> None:
        self._rows.release()


def _are_legible(boxes: Boxes, pane: Rect, taken: Sequence[Rect]) -> NDArray[np.bool_]:
    """Return which numbers are neither cut by the pane's border nor behind another label: bool (numbers,)."""
    left, right = boxes.x - boxes.half_width, boxes.x + boxes.half_width
    top, bottom = boxes.y - boxes.half_height, boxes.y + boxes.half_height
    is_inside = (left >= pane.x) & (right <= pane.right) & (top >= pane.y) & (bottom <= pane.bottom)
    others = np.array([(box.x, box.y, box.right, box.bottom) for box in taken]).reshape(-1, 4).T[:, :, np.newaxis]
    is_behind = (left < others[2]) & (others[0] < right) & (top < others[3]) & (others[1] < bottom)
    return np.asarray(is_inside & ~is_behind.any(axis=0))


def _plate_alphas(discs: Discs, boxes: Boxes, places: dict[int, Place]) -> list[float]:
    """Return the opacity of the plate of each number."""
    is_inside = np.array([place.kind < Kind.BESIDE for place in places.values()], np.bool_)
    alphas = np.full(len(places), _BESIDE_ALPHA)
    inside = boxes.select(is_inside)
    alphas[is_inside] = np.where(free_of_others(discs, inside), _ALONE_ALPHA, _CROWDED_ALPHA)
    found: list[float] = alphas.tolist()
    return found


_Anchor = tuple[int, int, int]
"""Bucket, tick and 1/1024 ticks of a bubble, relative to the base."""


def _label(anchor: _Anchor, number: _Number, atlas: FontAtlas) -> bytes:
    cell, place = atlas.cell(number.text, number.size_px), number.place
    left, top = place.dx + cell.left - 0.5 * cell.advance, place.dy + 0.5 * cell.cap_height - cell.top
    return _PACK(*anchor, _LABEL, left, top, cell.width, cell.height, cell.u, cell.v, 0.0, 0.0)


def _plate(anchor: _Anchor, number: _Number, atlas: FontAtlas) -> bytes:
    cell, place, size = atlas.cell(number.text, number.size_px), number.place, number.size_px
    width, height = cell.advance + size * PLATE_PAD_X, cell.cap_height + size * PLATE_PAD_X
    left, top = place.dx - 0.5 * width, place.dy - 0.5 * height
    radius = 0.5 * height if place.kind <= Kind.INSIDE else 0.25 * size
    return _PACK(*anchor, _PLATE, left, top, width, height, width, height, radius, number.plate_alpha)


def _leader(anchor: _Anchor, number: _Number, scale: float) -> bytes:
    """A line from the middle of the disc to that of the number; the number's plate covers its end."""
    return _PACK(*anchor, _LEADER, 0.0, 0.0, number.place.dx, number.place.dy, 0.0, 0.0, 0.5 * scale, 2.0 * scale)
