"""From the kernels' scratch to a sink: rows, events and silences that are finished."""

from flow_gl.core.schema import LEVELS
from flow_gl.engine.gaps import GapLog
from flow_gl.engine.kernels.layout import Scratch
from flow_gl.engine.sinks import Sink


def hand_on(scratch: Scratch, sink: Sink | None, gaps: GapLog, *, least: int = 1) -> None:
    """Hand on what the kernels have finished, and empty the scratch.

    Parameters
    ----------
    scratch : what is finished
    sink : None: rows and events are dropped
    gaps : takes the silences
    least : coarser levels are handed on only from this many rows on. In a long run of trades most calls to the sink
        would otherwise carry a few rows of a coarse level.
    """
    counts = scratch.counts.tolist()
    if not any(counts):
        return
    for start, end in scratch.silences[: counts[LEVELS + 1]].tolist():
        gaps.silence(start, end)
    for level in range(LEVELS):
        count = counts[level]
        if count >= least or (count and level == 0):
            if sink is not None:
                sink.bubbles(level, scratch.bubbles[level, :count], scratch.cvd[level, :count])
            scratch.counts[level] = 0
    if sink is not None and counts[LEVELS]:
        sink.events(scratch.events[: counts[LEVELS]])
    scratch.counts[LEVELS:] = 0
