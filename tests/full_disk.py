"""Simulates a full disk: files of this process cannot grow beyond a number of bytes."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest


@contextmanager
def full_disk(nbytes: int) -> Iterator[None]:
    """Refuse to write beyond the first `nbytes` of any file (EFBIG; Python ignores the signal)."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (nbytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
