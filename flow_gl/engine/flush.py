"""Flush finished rows and silences from the kernels' scratch buffers to a sink."""

from flow_gl.core.schema import MAX_LODS
from flow_gl.engine.gaps import GapLog
from flow_gl.engine.kernels.layout import Scratch
from flow_gl.engine.sinks import Sink


def flush(scratch: Scratch, sink: Sink | None, gaps: GapLog, *, least: int = 1) -> None:
    """Pass the kernels' results on and empty the scratch buffers.

    Parameters
    ----------
    scratch : the buffers that hold the results
    sink : receives rows; with None, they are dropped
    gaps : receives the silences
    least : rows of coarser lods are passed on only if there are at least this many. In a long run of trades, most calls
        to the sink would otherwise carry only a few rows of a coarse lod
    """
    counts = scratch.counts.tolist()
    if not any(counts):
        return
    for start, end in scratch.silences[: counts[MAX_LODS]].tolist():
        gaps.silence(start, end)
    for lod in range(MAX_LODS):
        count = counts[lod]
        if count >= least or (count and lod == 0):
            if sink is not None:
                sink.bubbles(lod, scratch.bubbles[lod, :count], scratch.cvd[lod, :count])
            scratch.counts[lod] = 0
    scratch.counts[MAX_LODS:] = 0
