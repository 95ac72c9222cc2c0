"""When Python looks for garbage: not while a program starts, and afterwards not among what the start left.

Imports make hundreds of thousands of objects that stay; the collector looks through them again and again, a tenth of
a start's time, and finds nothing.
"""

import gc
from typing import Final

_YOUNG: Final = 100_000
"""Objects that come to be, less those that go, before the young ones are looked through; Python's own value is 700."""


def begin() -> None:
    """Have the collector run seldom: call it before anything is imported."""
    gc.set_threshold(_YOUNG, 20, 20)


def settle() -> None:
    """Take what the start left out of the collector's sight, so that each later run of it is a short one.

    It is not looked through a last time: that takes a tenth of a second and finds some hundred objects.
    """
    gc.freeze()
