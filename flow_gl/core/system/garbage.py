"""Tuning of Python's garbage collector: rarely during startup, and afterwards without the objects made by it.

Imports create hundreds of thousands of permanent objects. The collector would scan them repeatedly, which takes a
tenth of the startup time and frees nothing.
"""

import gc
from typing import Final

_YOUNG: Final = 100_000
"""Allocations minus deallocations before the youngest generation is collected; Python's default is 700."""


def begin() -> None:
    """Make collections rare. Call this before anything is imported."""
    gc.set_threshold(_YOUNG, 20, 20)


def settle() -> None:
    """Exclude all present objects from later collections, so that those are short.

    No last collection is made: it takes a tenth of a second and finds only some hundred objects.
    """
    gc.freeze()
