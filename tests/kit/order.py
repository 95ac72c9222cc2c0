"""The order of the tests on several workers: tests that wait beside tests that compute."""

from collections.abc import Sequence
from itertools import chain, islice
from typing import Any

LONG = ("slow", "window")
"""Markers of tests that take seconds."""
STARTERS = ("subprocess", "EngineLink", "GatewayProcess")
"""A module that has one of these names starts programs and waits for them."""
FIRST = "test_contracts.py"
"""The module that may begin before the kernels are compiled, and whose types take a minute to check the first time."""


def long_first(items: Sequence[Any], workers: int) -> list[Any]:
    """Return tests in the order in which one worker of three begins with quick modules, and the others with long ones.

    A long test mostly waits: for a start, an election, a window. Long tests alone would leave the cores idle half of
    the time, and quick ones alone would wait for a core: so both run side by side.

    xdist gives each worker an equal part of the list, and a worker that has none left half of the end of another's
    part. A long test there would run alone at the end: so each part ends with quick ones. Modules stay whole, because
    their fixtures are shared.
    """
    modules: dict[str, list[Any]] = {}
    for item in items:
        modules.setdefault(str(item.path), []).append(item)
    long = sorted(filter(_is_long, modules.values()), key=lambda module: not needs_no_kernels(module[0]))
    quick = iter([item for module in modules.values() if not _is_long(module) for item in module])
    with_long = workers - workers // 3
    found: list[Any] = []
    for worker in range(workers):
        size = (len(items) - len(found)) // (workers - worker)
        part = list(chain.from_iterable(long[worker::with_long])) if worker < with_long else []
        found += [*part, *islice(quick, max(0, size - len(part)))]
    return [*found, *quick]


def needs_no_kernels(item: Any) -> bool:
    """Return whether a test may begin before the kernels are compiled."""
    return str(item.path).endswith(FIRST)


def _is_long(module: Sequence[Any]) -> bool:
    names = vars(module[0].module)
    return any(name in names for name in STARTERS) or any(
        item.get_closest_marker(mark) for item in module for mark in LONG
    )
