"""The range of prices and sizes that a chart accepts, shared by the engine's sums, the view's buffers and messages.

A trade within the range is charted, or marked at the edge if an automatic scale excludes it. A trade beyond it is
rejected, counted and reported. Nothing else may narrow the range: everything computed from a trade (ticks, sums, rows
on the GPU) has room for all of it.
"""

from typing import Final

MAX_PRICE: Final = 1 << 56
"""Prices (1e-9) are below this in amount: 72 million points."""
MAX_SIZE: Final = (1 << 32) - 1
"""Contracts of one trade: all that a record can say."""
MAX_TICK: Final = 1 << 29
"""Tick numbers (price / tick size) are below this in amount."""
MAX_ROWS: Final = 1 << 22
"""Ticks between the lowest and the highest price of a session's profile."""
FINEST_PART: Final = 100
"""A price off a known tick makes the grid finer, down to this part of the tick: 0.01 becomes 0.0001."""
