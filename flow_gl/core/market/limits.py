"""The range of prices and sizes that a chart accepts, shared by the engine's sums, the view's buffers and messages.

A trade within the range is charted, or marked at the edge if an automatic scale excludes it. A trade beyond it is
rejected, counted and reported. Nothing else may narrow the range: everything computed from a trade (ticks, sums, rows
on the GPU) has room for all of it.
"""

from typing import Final

MAX_PRICE: Final = 1 << 56
"""Prices (1e-9 units) have a smaller absolute value than this: 72 million points."""
MAX_SIZE: Final = (1 << 32) - 1
"""Maximum contracts of one trade: the largest value of the record's field."""
MAX_TICK: Final = 1 << 29
"""Tick numbers (price / tick size) have a smaller absolute value than this."""
MAX_ROWS: Final = 1 << 22
"""Maximum range of a session's profile, in ticks."""
FINEST_PART: Final = 100
"""A price off a known tick makes the grid finer, at most by this factor: a tick of 0.01 becomes 0.0001."""
