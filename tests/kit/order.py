"""The order of the tests on several workers: long ones first."""

from collections.abc import Sequence
from itertools import chain, islice
from typing import Any

LONG = ("slow", "window")
"""Markers of tests that take seconds."""


def long_first(items: Sequence[Any], workers: int) -> list[Any]:
    """Return tests in the order in which each worker begins with modules that have long tests.

    xdist gives each worker an equal part of the list, and a worker that has none left half of the end of another's
    part. A long test there would run alone at the end. Modules stay whole, because their fixtures are shared.
    """
    long = {item.path for item in items if any(item.get_closest_marker(name) for name in LONG)}
    modules = [[item for item in items if item.path == path] for path in dict.fromkeys(item.path for item in items)]
    modules = [module for module in modules if module[0].path in long]
    quick = iter([item for item in items if item.path not in long])
    found: list[Any] = []
    for worker in range(workers):
        size = (len(items) - len(found)) // (workers - worker)
        part = list(chain.from_iterable(modules[worker::workers]))
        found += [*part, *islice(quick, max(0, size - len(part)))]
    return [*found, *quick]
