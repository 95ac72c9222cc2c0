"""Numba's cache of compiled kernels, without its power to stop a start.

Numba's own raises where the folder is full, read-only or torn, and looks for another folder where it cannot write to
the one that it was given. Here what cannot be read is compiled, and what cannot be kept is compiled again next time.
"""

from contextlib import suppress
from pickle import PickleError
from typing import Any

from numba.core import caching

from flow_gl.core.log import get_logger


class _Locator(caching.UserProvidedCacheLocator):
    """The folder that was chosen, also where it can only be read."""

    def ensure_cache_path(self) -> None:
        with suppress(OSError):
            super().ensure_cache_path()  # type: ignore[no-untyped-call]  # Numba has no types


class _Kept(caching.CompileResultCacheImpl):
    _locator_classes = [_Locator]  # noqa: RUF012 - as Numba declares it


class KernelCache(caching.FunctionCache):
    """The cache of one kernel.

    Parameters
    ----------
    py_func : the kernel's function
    """

    _impl_class = _Kept

    def __init__(self, py_func: Any) -> None:
        super().__init__(py_func)  # type: ignore[no-untyped-call]

    def load_overload(self, sig: object, target_context: Any) -> Any:
        """The compiled kernel; None where there is none that can be read."""
        try:
            return super().load_overload(sig, target_context)  # type: ignore[no-untyped-call]
        except Exception as error:  # unreadable, torn, or another program's: as if it were not there
            get_logger("engine").info("a kernel that was kept cannot be read", extra={"error": error})
            return None

    def save_overload(self, sig: object, data: Any) -> None:
        """Keep a compiled kernel where that is possible."""
        with suppress(OSError):
            try:
                super().save_overload(sig, data)  # type: ignore[no-untyped-call]
            except (EOFError, ValueError, PickleError):  # the index is torn: begin another
                self.flush()  # type: ignore[no-untyped-call]
                super().save_overload(sig, data)  # type: ignore[no-untyped-call]
