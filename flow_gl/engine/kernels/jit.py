"""Compiling kernels: with Numba, without the interpreter lock, once per machine.

A kernel is a plain function over arrays whose name ends in `_nb`. Its machine code is cached in the user's cache folder
(or in `NUMBA_CACHE_DIR` if the user has set it), so only the first start compiles. Compiling takes seconds and happens
on the first call with a set of types. `warm_up` calls every kernel once on a few trades and reports its progress, so
that a window can already be open.
"""

import hashlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, TypeVar, cast

from flow_gl import __version__
from flow_gl.core.system.environment import check_compiler
from flow_gl.core.system.files import takes
from flow_gl.core.system.folders import cache_dir

Kernel = TypeVar("Kernel", bound=Callable[..., Any])

CACHE_VARIABLE: Final = "NUMBA_CACHE_DIR"
_ROOM: Final = 8 << 20
"""Space for the machine code of all kernels, with some reserve, in bytes."""


def _sources() -> str:
    """Return a hash of the engine's sources, because Numba checks only a kernel's own file, not its callees."""
    digest = hashlib.blake2s(__version__.encode())
    for path in sorted(Path(__file__).parents[1].rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _choose_cache() -> None:
    """Set Numba's cache folder: the user's cache folder, or a temporary folder if that is not writable.

    If neither is writable, kernels are compiled at each start: see `jit_cache`.
    """
    if os.environ.get(CACHE_VARIABLE):
        return
    folder = cache_dir() / "kernels" / _sources()
    if not _is_filled(folder) and not takes(folder, _ROOM):
        user = os.getuid() if hasattr(os, "getuid") else 0
        spare = Path(tempfile.gettempdir()) / f"flow_gl-kernels-{user}"
        with suppress(OSError):
            spare.mkdir(mode=0o700, exist_ok=True)
            # Code from this folder is executed, so a folder that belongs to another user is not used.
            if (not hasattr(os, "getuid") or spare.stat().st_uid == user) and takes(spare, _ROOM):
                folder = spare
    os.environ[CACHE_VARIABLE] = str(folder)


def _is_filled(folder: Path) -> bool:
    """Return whether a folder contains compiled kernels, even if it is read-only."""
    return any(folder.glob("*/*.nbi"))


check_compiler()
_choose_cache()

import numba  # noqa: E402  # reads NUMBA_CACHE_DIR when it is imported

from flow_gl.engine.kernels.jit_cache import KernelCache  # noqa: E402


@contextmanager
def _without_scipy() -> Iterator[None]:
    """Hide SciPy's linear algebra, which Numba's array functions import if it is installed.

    No kernel multiplies matrices, and the import takes a third of a second of each start, and 30 MB.
    """
    hidden = "scipy.linalg" not in sys.modules
    if hidden:
        sys.modules["scipy.linalg"] = None  # type: ignore[assignment]  # makes its import fail at once
    try:
        yield
    finally:
        if hidden:
            del sys.modules["scipy.linalg"]


# The first kernel that is called imports this, wherever that is.
with _without_scipy():
    import numba.np.arraymath


def kernel(function: Kernel) -> Kernel:
    """Compile a kernel that allocates no arrays: no interpreter lock, cached machine code, no bounds checks.

    Without Numba's runtime there is no reference counting, which would cost two atomic operations per array and call:
    one seventh of the time that a bucket takes.
    """
    return _compiled(function, _nrt=False)


def making_kernel(function: Kernel) -> Kernel:
    """Compile a kernel that allocates arrays."""
    return _compiled(function)


def _compiled(function: Kernel, **options: bool) -> Kernel:
    njit: Any = numba.njit
    compiled: Any = njit(nogil=True, boundscheck=False, error_model="numpy", **options)(function)
    # Like `cache=True`, but with our own cache.
    compiled._cache = KernelCache(function)
    return cast(Kernel, compiled)
