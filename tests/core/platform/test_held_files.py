"""Files locked while they are written: on this system, and with the Windows calls replaced."""

import ctypes
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from flow_gl.core.system.platform import held_files


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a.dbn"
    path.write_bytes(b"one\ntwo\n")
    return path


@pytest.fixture
def descriptor(file: Path) -> Iterator[int]:
    opened = held_files.open_for_update(file)
    yield opened
    os.close(opened)


@pytest.mark.skipif(sys.platform == "win32", reason="its own lock is another")
def test_a_file_is_locked_against_other_processes_until_it_is_closed(file: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from flow_gl.core.system.platform import held_files as h\n"
        "path = Path(sys.argv[1])\n"
        "try:\n    h.lock(h.open_for_update(path), path)\nexcept BlockingIOError as error:\n    print(error)"
    )

    def ask() -> str:
        done = subprocess.run([sys.executable, "-c", program, str(file)], capture_output=True, text=True, check=True)
        return done.stdout

    opened = held_files.open_for_update(file)
    held_files.lock(opened, file)
    assert "another flow-gl is writing it" in ask()
    assert str(file) in ask()
    os.close(opened)
    assert ask() == ""


class Kernel32:
    """A fake Windows library that records calls and returns the given answers."""

    def __init__(self, error: int = 0) -> None:
        self.error = error
        self.asked: list[tuple[int, int, int]] = []

    def __call__(self, _name: str, *, use_last_error: bool) -> "Kernel32":
        assert use_last_error
        return self

    def LockFileEx(self, handle: Any, flags: int, _zero: int, low: int, high: int, where: Any) -> int:  # noqa: N802
        place = where._obj
        self.asked.append((handle.value, flags, place.offset | place.offset_high << 32))
        assert (low, high) == (1, 0)
        return int(self.error == 0)


def as_windows(monkeypatch: pytest.MonkeyPatch, error: int = 0) -> Kernel32:
    kernel = Kernel32(error)
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(ctypes, "WinDLL", kernel, raising=False)
    monkeypatch.setattr(ctypes, "get_last_error", lambda: error, raising=False)
    monkeypatch.setitem(sys.modules, "msvcrt", SimpleNamespace(get_osfhandle=lambda descriptor: 1000 + descriptor))
    return kernel


def test_on_windows_a_byte_far_beyond_the_end_is_locked(
    monkeypatch: pytest.MonkeyPatch, descriptor: int, file: Path
) -> None:
    kernel = as_windows(monkeypatch)
    held_files.lock(descriptor, file)
    assert kernel.asked == [(1000 + descriptor, 3, 1 << 62)]


@pytest.mark.parametrize("code", [33, 997])
def test_on_windows_a_file_locked_by_another_process_is_reported(
    monkeypatch: pytest.MonkeyPatch, descriptor: int, file: Path, code: int
) -> None:
    as_windows(monkeypatch, code)
    with pytest.raises(BlockingIOError, match="another flow-gl is writing it"):
        held_files.lock(descriptor, file)


def test_on_windows_a_failed_lock_reports_the_error(
    monkeypatch: pytest.MonkeyPatch, descriptor: int, file: Path
) -> None:
    as_windows(monkeypatch, 5)
    with pytest.raises(OSError, match="Windows error 5"):
        held_files.lock(descriptor, file)


def test_on_windows_bytes_are_written_unchanged(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    flags: list[int] = []
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(os, "O_BINARY", 1 << 20, raising=False)
    monkeypatch.setattr(os, "O_NOINHERIT", 1 << 21, raising=False)
    monkeypatch.setattr(os, "open", lambda _path, flag: flags.append(flag) or 7)
    assert held_files.open_for_update(file) == 7
    assert flags == [os.O_RDWR | 1 << 20 | 1 << 21]
    assert not held_files.can_replace_open_files()
