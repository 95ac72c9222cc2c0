"""Deferrable work of a frame, as seen by the code that does it.

`view.frame_scheduler` decides when such work runs. Layers and overlays lie below it: they receive a `Jobs`, add a named
job for each kind of work, and request the job in every frame in which there is work.
"""

from typing import NamedTuple, Protocol


class JobRate(NamedTuple):
    """The number of a job's runs in the last second, and their causes."""

    name: str
    cause: str
    per_second: int


class Job(Protocol):
    """One kind of work of one owner (a chart, a panel)."""

    def may_run(self, cause: str, *, is_early: bool = False) -> bool:
        """Return whether the work may be done in this frame. If so, do it now: the job counts as having run.

        Parameters
        ----------
        cause : why there is work, for the performance panel
        is_early : request the job before its period is over
        """

    def run_now(self, cause: str) -> None:
        """Report that the work is done in this frame in any case. Other jobs then wait if they can."""

    def ran_with_another(self) -> None:
        """Report that the work is done together with another job's, which has been reported itself."""


class Jobs(Protocol):
    """Adds jobs, and lists those that ran."""

    @property
    def may_defer(self) -> bool:
        """Whether work may be left to a later frame. It may not where none follows soon, and for a saved picture."""

    def add(self, name: str) -> Job:
        """Return a new job with the timing that is set for `name`. Raises KeyError for an unknown name."""

    def recent(self) -> list[JobRate]:
        """Return the frames and jobs of the last second with their causes, the most frequent first."""
