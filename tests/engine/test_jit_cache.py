"""The kernel cache: any problem with its disk costs compile time but never prevents the start."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.full_disk import full_disk

PROGRAM = """
import sys
from flow_gl.engine.kernels.jit import kernel
@kernel
def add_nb(a, b):
    return a + b
assert add_nb(1, 2) == 3
print(sum(add_nb.stats.cache_hits.values()))
"""


def run(cache: Path, tmp_path: Path) -> int:
    """Compile and call a kernel in a separate process; return how many were found in the cache."""
    (tmp_path / "kernels.py").write_text(PROGRAM)
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(cache), "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, str(tmp_path / "kernels.py")], env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return int(done.stdout)


@pytest.mark.slow
def test_a_kernel_is_found_again_and_a_file_in_place_of_the_folder_or_torn_files_only_cost_compile_time(
    tmp_path: Path,
) -> None:
    cache = tmp_path / "cache"
    (tmp_path / "file").write_text("")
    assert run(tmp_path / "file", tmp_path) == 0
    assert [run(cache, tmp_path) for _ in range(2)] == [0, 1]
    for path in cache.rglob("*.nb*"):
        path.write_bytes(path.read_bytes()[:50])
    assert run(cache, tmp_path) == 0
    for path in cache.rglob("*.nb*"):
        path.write_bytes(b"")
    assert run(cache, tmp_path) == 0


def test_a_full_disk_leaves_no_partial_cache_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from flow_gl.engine.kernels.jit import kernel
    from flow_gl.engine.kernels.jit_cache import KernelCache

    @kernel
    def twice_nb(value):  # type: ignore[no-untyped-def]
        return 2 * value

    monkeypatch.setattr("numba.core.config.CACHE_DIR", str(tmp_path / "cache"))
    twice_nb._cache = KernelCache(twice_nb.py_func)
    with full_disk(100):
        assert twice_nb(4) == 8
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
