"""Rereads the ranges of a chart when they have changed, at most as often as its job allows."""

from dataclasses import dataclass
from typing import Final

from flow_gl.core.jobs import Job
from flow_gl.core.settings import AggregationSettings
from flow_gl.layers.ranges.range_profile import RangeProfile, read_range
from flow_gl.store.market import MarketReader

RULES: Final = ("value_area", "value_area_step", "stacked_imbalance_contracts", "stacked_imbalance_ratio")
"""Settings that the numbers of a range depend on."""


@dataclass(frozen=True, slots=True)
class _Known:
    key: tuple[object, ...]
    found: RangeProfile


class RangeBook:
    """The ranges of a chart, by name.

    Parameters
    ----------
    job : decides when a range is reread
    """

    def __init__(self, job: Job) -> None:
        self._job: Final = job
        self._known: Final[dict[str, _Known]] = {}

    def read(
        self,
        name: str,
        reader: MarketReader,
        times_ns: tuple[int, int] | None,
        settings: AggregationSettings,
        *,
        is_urgent: bool = False,
    ) -> RangeProfile | None:
        """Return what traded in a range (start and end, ns); None if there is no range.

        Parameters
        ----------
        is_urgent : a new range is read in this frame
        """
        if times_ns is None:
            self._known.pop(name, None)
            return None
        start_ns, end_ns = times_ns
        # A range in the past does not change, except that its contract may roll.
        is_running = end_ns > int(reader.footprint["bucket"]) * reader.bucket_ns
        version = reader.footprint_version if is_running or not reader.footprint_version else -1
        rules = tuple(getattr(settings, rule) for rule in RULES)
        place = id(reader), start_ns, end_ns, rules
        key = place, version, reader.roll_total
        known = self._known.get(name)
        if known is None or known.key != key:
            is_new = known is None or (is_urgent and known.key[0] != place)
            if is_new:
                self._job.run_now("new range")
            if known is None or is_new or self._job.may_run("trades"):
                known = self._known[name] = _Known(key, read_range(reader, start_ns, end_ns, settings))
        return known.found
