"""How kernels are compiled: by Numba, without the interpreter lock, once per machine.

A kernel is a plain function over arrays whose name ends in `_nb`. Its machine code is kept in the user's cache folder
(`NUMBA_CACHE_DIR` wins where the user has set it), so only the first start compiles. Compiling takes seconds and
happens on the first call with a set of types: `warm_up` calls every kernel once, on empty work, and tells how far it
is, so that a window can be up meanwhile.
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
"""Bytes that all kernels take, and to spare."""


def _sources() -> str:
    """Name the kernels' sources. Numba looks at a kernel's own file alone, not at what it calls in other files."""
    digest = hashlib.blake2s(__version__.encode())
    for path in sorted(Path(__file__).parents[1].rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _choose_cache() -> None:
    """Point Numba at the user's cache folder; at one of ours among the temporary ones where that takes no files.

    Where neither does, kernels are compiled at each start: see `jit_cache`.
    """
    if os.environ.get(CACHE_VARIABLE):
        return
    folder = cache_dir() / "kernels" / _sources()
    if not _is_filled(folder) and not takes(folder, _ROOM):
        user = os.getuid() if hasattr(os, "getuid") else 0
        spare = Path(tempfile.gettempdir()) / f"flow_gl-kernels-{user}"
        with suppress(OSError):
            spare.mkdir(mode=0o700, exist_ok=True)
            # What is read there is run: a folder that someone else made is none of ours.
            if (not hasattr(os, "getuid") or spare.stat().st_uid == user) and takes(spare, _ROOM):
                folder = spare
    os.environ[CACHE_VARIABLE] = str(folder)


def _is_filled(folder: Path) -> bool:
    """Whether there are kernels to be read, also where none can be written."""
    return any(folder.glob("*/*.nbi"))


check_compiler()
_choose_cache()

import numba  # noqa: E402  # reads NUMBA_CACHE_DIR when it is imported

from flow_gl.engine.kernels.jit_cache import KernelCache  # noqa: E402


@contextmanager
def without_scipy() -> Iterator[None]:
    """Load or compile kernels without SciPy's linear algebra, which Numba imports where it is installed.

    No kernel multiplies matrices; it takes a third of a second of each start, and 30 MB.
    """
    hidden = "scipy.linalg" not in sys.modules
    if hidden:
        sys.modules["scipy.linalg"] = None  # type: ignore[assignment]  # an import of it fails at once
    try:
        yield
    finally:
        if hidden:
            del sys.modules["scipy.linalg"]


def kernel(function: Kernel) -> Kernel:
    """Compile a kernel that makes no arrays: no interpreter lock, machine code cached, no bounds checks.

    Without Numba's runtime there is no reference counting: two atomic operations an array and call, one seventh of
    the time that a bucket takes.
    """
    return _compiled(function, _nrt=False)


def making_kernel(function: Kernel) -> Kernel:
    """Compile a kernel that makes arrays."""
    return _compiled(function)


def _compiled(function: Kernel, **options: bool) -> Kernel:
    njit: Any = numba.njit
    compiled: Any = njit(nogil=True, boundscheck=False, error_model="numpy", **options)(function)
    # As `cache=True` would, but with a cache of ours.
    compiled._cache = KernelCache(function)
    return cast(Kernel, compiled)
