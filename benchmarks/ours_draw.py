"""Our side of `benchmarks.peers`: the program's complete chart over the peers' own walk of bubbles.

`python -m benchmarks.ours_draw N FRAMES` prints the frame times as JSON. The walk's bubbles go through the pipeline
as trades; the session's reference is the walk's largest disc, so radii are the peers'.
"""

import gc
import json
import sys
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers_draw import HEIGHT, WARM_UP, WIDTH, Walk
from flow_gl.bench.rig import Rig, opened
from flow_gl.bench.tape import START_NS, TICK
from flow_gl.core.schema import TRADE, Side
from flow_gl.core.units import SECOND_NS
from flow_gl.gl.capture import read_picture, write_png

_LOCKED_UP_TO: Final = 5_000
_PRICE_TICKS: Final = 100_000


class WalkTape:
    """The walk as trades, one a second: a `SecondTape` of the peers' bubbles."""

    def __init__(self, walk: Walk) -> None:
        self._walk: Final = walk
        self._at = 0
        self.second = START_NS // SECOND_NS

    def take(self, seconds: int) -> NDArray[np.void]:
        """Return the trades of the next seconds (dtype TRADE)."""
        part = slice(self._at, self._at + seconds)
        rows = np.zeros(seconds, TRADE)
        rows["length"], rows["publisher_id"], rows["instrument_id"] = 12, 1, 1
        rows["action"], rows["flags"] = ord("T"), 128
        rows["ts_event"] = (self.second + np.arange(seconds)) * SECOND_NS + SECOND_NS // 2
        rows["ts_recv"] = rows["ts_event"] + 150_000
        rows["price"] = (_PRICE_TICKS + np.rint(self._walk.y[part]).astype(np.int64)) * TICK
        rows["size"] = self._walk.volume[part]
        rows["side"] = np.where(self._walk.is_buy[part], int(Side.BUY), int(Side.SELL))
        self._at += seconds
        self.second += seconds
        return rows


def main() -> None:
    n, frames = int(sys.argv[1]), int(sys.argv[2])
    walk = Walk(n, frames + 1000)
    is_locked = n <= _LOCKED_UP_TO
    with opened(WIDTH, HEIGHT, is_headless=True) as (surface, gui):
        rig = Rig(surface, gui, history=n, tapes=[WalkTape(walk)])
        rig.state.open_panels = set()
        rig.show(span_s=n / 0.92, charts=1, is_corner=False, locked_lod=0 if is_locked else None)
        gc.collect()
        gc.freeze()
        gc.disable()
        costs = [rig.frame() for _ in range(frames + WARM_UP)][WARM_UP:]
        if len(sys.argv) > 3:
            surface.begin()
            write_png(Path(sys.argv[3]), read_picture(WIDTH, HEIGHT))
        rig.release()
    times = {"wall_ms": [cost.finished for cost in costs], "cpu_ms": [cost.finished_cpu for cost in costs]}
    sys.stdout.write(json.dumps(times) + "\n")


if __name__ == "__main__":
    main()
