"""The bubbles and CVD points of one chart on the GPU, at one level of detail or, during a blend, two.

All layers that draw market rows use them. After a change of lod, the rows of the old lod are kept for a moment so
that the picture blends instead of flashing; their buffers are reused for the next change.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.schema import GAP
from flow_gl.gl.counters import FrameCounters
from flow_gl.layers.base import Scene
from flow_gl.layers.discs import tick_size_of
from flow_gl.layers.rows.hit import END_OF_TIME, visible_ids
from flow_gl.layers.rows.mirror import Mirror
from flow_gl.layers.rows.packing import (
    BUBBLE_ROW,
    CVD_ROW,
    Base,
    first_change_ns,
    pack_bubble,
    pack_bubbles,
    pack_cvd,
    pack_point,
)
from flow_gl.store.market import MarketStore

BLEND_S: Final = 0.15
NO_INDEX: Final = -(2**31)
_MAX_PRICE: Final = 1 << 61
"""Largest price of a base, such that the distance to any price fits an int64."""


class LodRows:
    """The rows of one level of detail on the GPU, and which of them are in view.

    Attributes
    ----------
    start, stop : positions in view, half-open; the open row is the last if `open_index` is not NO_INDEX
    open_index, last_index : bucket index of the open and of the newest row in view; NO_INDEX if there is none
    """

    def __init__(self, counters: FrameCounters) -> None:
        self.bubbles: Final = Mirror(BUBBLE_ROW, pack_bubbles, pack_bubble, counters)
        self.cvd: Final = Mirror(CVD_ROW, pack_cvd, pack_point, counters)
        self.lod = -1
        self.base = Base(0, 0, 1, 1)
        self.start = self.stop = 0
        self.open_index = self.last_index = NO_INDEX
        self._open_id = 0
        self._wanted = 0, 0
        """Positions of the closed rows to show."""
        self._shown: tuple[int, int, int, int, int, bool] | None = None
        """The key of the last complete `_sync`."""
        self._still: tuple[object, ...] | None = None
        """The key of the last update, if it left nothing for the next one."""
        self._breaks_version = (-1, -1)
        self._breaks: NDArray[np.void] = np.zeros(0, GAP)
        """The gaps and rolls that the rows on the GPU were packed with."""

    def restart(self, lod: int, base: Base) -> None:
        self.lod, self.base = lod, base
        self.start = self.stop = 0
        self.open_index = self.last_index = NO_INDEX
        self.bubbles.restart()
        self.cvd.restart()
        self._shown = self._still = None
        self._breaks_version = (-1, -1)
        self._breaks = np.zeros(0, GAP)

    def update(self, scene: Scene) -> None:
        """Upload new rows and find those in view."""
        reader = scene.reader
        bubbles, gaps = reader.store.bubbles[self.lod], reader.breaks
        first, last = visible_ids(scene)
        still = first, last, reader.changes, id(reader), scene.until_ns, scene.hidden_before_ns
        if still == self._still:
            return
        self._still = None
        if reader.breaks_version != self._breaks_version:
            self._apply_breaks(scene, gaps)
        is_paused = scene.until_ns < END_OF_TIME
        shown = first, last, reader.heads[self.lod], bubbles.oldest, scene.until_ns, scene.hidden_before_ns <= 0
        if shown != self._shown:
            # Most frames bring no closed row and show no other bucket: then the rows on the GPU are left alone.
            self._shown = shown if self._sync(scene, first, last) else None
        if not (is_paused and self.bubbles.has_open and self.cvd.has_open):
            # In a pause the reader stays as it was, but a new lod begins without an open row.
            self._put_open(scene, gaps)
        start, stop = self._wanted
        gpu = self.bubbles.rows
        self.start, self.stop = max(start, gpu.lo, self.cvd.rows.lo), min(stop, gpu.hi)
        self.open_index = NO_INDEX
        if self.bubbles.has_open and self.cvd.has_open and stop == gpu.hi and first <= self._open_id <= last:
            self.open_index = self.base.index(self._open_id)
            self.stop += 1
        self.last_index = self.open_index
        if self.open_index == NO_INDEX and self.stop > self.start:
            newest = bubbles.row(self.stop - 1)
            if newest is not None:
                self.last_index = self.base.index(int(newest["id"]))
        if self._shown is not None:
            self._still = still

    def _apply_breaks(self, scene: Scene, gaps: NDArray[np.void]) -> None:
        """Upload again the rows after the first changed gap: their lines may have to break.

        Rows reach the store before the gaps between them are published.
        """
        reader = scene.reader
        self._breaks_version = reader.breaks_version
        changed_ns = first_change_ns(self._breaks, gaps)
        self._breaks = gaps.copy()
        if changed_ns is None:
            return
        bubbles, head = reader.store.bubbles[self.lod], reader.heads[self.lod]
        position = bubbles.position_of(changed_ns // self.base.bucket_ns, head)
        self.bubbles.forget_from(position)
        self.cvd.forget_from(position)
        self._shown = None

    def _sync(self, scene: Scene, first: int, last: int) -> bool:
        """Find the positions of the buckets [first, last] and upload their rows. Returns whether all history is up."""
        reader = scene.reader
        bubbles, cvd = reader.store.bubbles[self.lod], reader.store.cvd[self.lod]
        head, gaps = reader.heads[self.lod], reader.breaks
        if scene.until_ns < END_OF_TIME:
            # The bubble that was open at the pause stays as it was: only buckets that had closed are shown.
            head = min(head, bubbles.position_of(scene.until_ns // self.base.bucket_ns, head))
        start = bubbles.position_of(first, head)
        if start > 0 and scene.hidden_before_ns <= 0:
            start -= 1  # for the line that enters from the left
        self._wanted = wanted = start, max(start, bubbles.position_of(last + 1, head))
        is_done = self.bubbles.sync(bubbles, head, wanted, self.base, gaps)
        return self.cvd.sync(cvd, head, wanted, self.base, gaps) and is_done

    def _put_open(self, scene: Scene, gaps: NDArray[np.void]) -> None:
        reader = scene.reader
        bubble, point = reader.open_bubble(self.lod), reader.open_cvd(self.lod)
        is_synced = self.bubbles.rows.hi == reader.heads[self.lod] == self.cvd.rows.hi
        if bubble is None or point is None or not is_synced:
            bubble = point = None
        rings = reader.store
        self.bubbles.put_open(bubble, rings.bubbles[self.lod], self.base, gaps)
        self.cvd.put_open(point, rings.cvd[self.lod], self.base, gaps)
        if bubble is not None:
            self._open_id = int(bubble["id"])

    def release(self) -> None:
        self.bubbles.release()
        self.cvd.release()


class Series:
    """Rows at the current lod, and at the lod that fades out after a change."""

    def __init__(self, counters: FrameCounters) -> None:
        self._all: Final = (LodRows(counters), LodRows(counters))
        self.current = self._all[0]
        self.leaving: LodRows | None = None
        self.blend = 1.0
        """Opacity of the current lod; the leaving lod has the rest."""
        self._store: MarketStore | None = None
        self._tick_size = 0
        self._blend_from_s = 0.0

    def update(self, scene: Scene) -> None:
        tick_size = tick_size_of(scene)
        if scene.reader.store is not self._store or tick_size != self._tick_size:
            self._store, self._tick_size = scene.reader.store, tick_size
            self.leaving = None
            self.current.restart(scene.lod, self._base(scene))
        elif scene.lod != self.current.lod:
            if self.current.stop > self.current.start:
                self.leaving, self._blend_from_s = self.current, scene.wall_s
            self.current = self._all[1] if self.current is self._all[0] else self._all[0]
            if self.leaving is self.current:
                self.leaving = None
            self.current.restart(scene.lod, self._base(scene))
        elif not self.current.base.reaches(*_middle(scene)):
            self.leaving = None
            self.current.restart(scene.lod, self._base(scene))
        self.current.update(scene)
        if self.leaving is not None:
            self.blend = min(1.0, max(0.0, (scene.wall_s - self._blend_from_s) / BLEND_S))
            if self.blend >= 1.0:
                self.leaving = None
        else:
            self.blend = 1.0

    def _base(self, scene: Scene) -> Base:
        """Return a base in the middle of the view."""
        tick_size = tick_size_of(scene)
        bucket_id, tick = _middle(scene)
        most = _MAX_PRICE // tick_size
        return Base(bucket_id, min(max(tick, -most), most) * tick_size, tick_size, scene.reader.widths_ns[scene.lod])

    def release(self) -> None:
        for rows in self._all:
            rows.release()


def _middle(scene: Scene) -> tuple[int, int]:
    """Return bucket and tick in the middle of the price pane."""
    view = scene.price_view
    middle_ns = view.time_at(view.rect.x + 0.5 * view.rect.width)
    return middle_ns // scene.reader.widths_ns[scene.lod], round(view.y_top - 0.5 * view.rect.height * view.y_per_px)
