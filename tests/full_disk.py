"""A disk that is full, as far as a test can have one: files of this process grow to so many bytes and no further."""

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
