"""Results of functions of arrays, kept by their contents: many tests make the same market."""

from collections.abc import Callable, Hashable
from functools import wraps
from typing import Any, TypeVar, cast

import numpy as np

Function = TypeVar("Function", bound=Callable[..., Any])

MOST = 256
"""Results kept of each function."""


def kept(function: Function) -> Function:
    """Compute a pure function's result once; each call returns copies of its arrays."""
    results: dict[Hashable, Any] = {}

    @wraps(function)
    def run(*arguments: Any) -> Any:
        key = tuple(one.tobytes() if isinstance(one, np.ndarray) else one for one in arguments)
        if key not in results:
            if len(results) >= MOST:
                results.clear()
            results[key] = function(*arguments)
        found = results[key]
        return tuple(one.copy() for one in found) if isinstance(found, tuple) else found.copy()

    return cast(Function, run)
