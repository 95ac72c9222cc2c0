"""The numbers of a chart's shapes: the measurements of rulers, and the trades since anchors.

One job updates all of them after trades have changed them.
"""

from dataclasses import dataclass
from typing import Final

from flow_gl.core.drawings import ANCHORED, Shape
from flow_gl.core.jobs import Job
from flow_gl.core.settings import AggregationSettings
from flow_gl.layers.drawings.anchored_vwap import AnchoredVwap, VwapSums, contract_end
from flow_gl.layers.ranges.book import RULES
from flow_gl.layers.ranges.range_profile import RangeProfile, read_range
from flow_gl.store.market import MarketReader

Figures = RangeProfile | AnchoredVwap
NO_FIGURES: Final[dict[str, Figures | None]] = {}


@dataclass(slots=True)
class _Known:
    """The numbers of a shape, and the key for which they were read."""

    place: tuple[object, ...]
    version: tuple[object, ...]
    found: Figures | None
    sums: VwapSums | None = None


class ShapeBook:
    """Numbers of shapes by their ids.

    Parameters
    ----------
    job : decides when they are updated
    """

    def __init__(self, job: Job) -> None:
        self._job: Final = job
        self._known: Final[dict[str, _Known]] = {}
        self._found = NO_FIGURES

    def read(
        self, shapes: tuple[Shape, ...], reader: MarketReader, settings: AggregationSettings
    ) -> dict[str, Figures | None]:
        """Return the numbers of rulers and anchored shapes; the same object while they are unchanged."""
        if not shapes:
            if self._known:
                self._known.clear()
                self._found = NO_FIGURES
            return self._found
        measured = [one for one in shapes if one.kind == "ruler" or one.kind in ANCHORED]
        places = {one.id: self._place(one, reader, settings) for one in measured}
        stale = [one for one in measured if self._is_stale(one, places[one.id], reader)]
        is_new = [one for one in stale if one.id not in self._known or self._known[one.id].place != places[one.id]]
        gone = self._known.keys() - places.keys()
        if is_new:
            self._job.run_now("new drawing")
        if (stale and (is_new or self._job.may_run("trades"))) or gone:
            for one in stale:
                self._known[one.id] = self._read(one, places[one.id], reader, settings)
            for shape_id in gone:
                del self._known[shape_id]
            self._found = {shape_id: known.found for shape_id, known in self._known.items()}
        return self._found

    @staticmethod
    def _place(shape: Shape, reader: MarketReader, settings: AggregationSettings) -> tuple[object, ...]:
        rules = tuple(getattr(settings, rule) for rule in RULES)
        times = shape.times_ns if shape.kind == "ruler" else shape.start.t_ns
        return shape.kind, times, id(reader), rules

    def _is_stale(self, shape: Shape, place: tuple[object, ...], reader: MarketReader) -> bool:
        known = self._known.get(shape.id)
        return known is None or known.place != place or known.version != self._version(shape, reader)

    @staticmethod
    def _version(shape: Shape, reader: MarketReader) -> tuple[object, ...]:
        """Return the key of the numbers: trades, while the shape's time is not over, and rolls."""
        end_ns = shape.times_ns[1] if shape.kind == "ruler" else contract_end(reader, shape.start.t_ns)
        is_running = end_ns > int(reader.footprint["bucket"]) * reader.bucket_ns
        is_known = bool(reader.footprint_version) and not is_running
        return -1 if is_known else reader.footprint_version, reader.roll_total

    def _read(
        self, shape: Shape, place: tuple[object, ...], reader: MarketReader, settings: AggregationSettings
    ) -> _Known:
        version, before = self._version(shape, reader), self._known.get(shape.id)
        if shape.kind == "anchored_vwap":
            is_same = before is not None and before.place == place and before.version[1] == version[1]
            sums = before.sums if before is not None and is_same else None
            sums = sums or VwapSums(reader, shape.start.t_ns)
            return _Known(place, version, sums.read(), sums)
        start_ns, end_ns = shape.times_ns
        if shape.kind == "anchored_profile":
            start_ns, end_ns = start_ns // reader.bucket_ns * reader.bucket_ns, contract_end(reader, start_ns)
        return _Known(place, version, read_range(reader, start_ns, end_ns, settings))
