"""A cache of compiled kernels that cannot make a start fail.

Numba's own cache raises if the folder is full, read-only or corrupt, and looks for another folder if it cannot write to
the given one. Here a kernel that cannot be read is compiled, and one that cannot be saved is compiled again next time.
"""

from contextlib import suppress
from pickle import PickleError
from typing import Any

from numba.core import caching

from flow_gl.core.log import get_logger


class _Locator(caching.UserProvidedCacheLocator):
    """Locates the chosen folder, even if it is read-only."""

    def ensure_cache_path(self) -> None:
        with suppress(OSError):
            super().ensure_cache_path()  # type: ignore[no-untyped-call]  # Numba has no types


class _Kept(caching.CompileResultCacheImpl):
    _locator_classes = [_Locator]  # noqa: RUF012 - declared this way by Numba


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
        """Return the compiled kernel, or None if there is none or it cannot be read."""
        try:
            return super().load_overload(sig, target_context)  # type: ignore[no-untyped-call]
        except Exception as error:  # unreadable, corrupt, or from another program: treated as absent
            get_logger("engine").info("a kernel that was kept cannot be read", extra={"error": error})
            return None

    def save_overload(self, sig: object, data: Any) -> None:
        """Save a compiled kernel if possible."""
        with suppress(OSError):
            try:
                super().save_overload(sig, data)  # type: ignore[no-untyped-call]
            except (EOFError, ValueError, PickleError):  # the index is corrupt: begin a new one
                self.flush()  # type: ignore[no-untyped-call]
                super().save_overload(sig, data)  # type: ignore[no-untyped-call]
