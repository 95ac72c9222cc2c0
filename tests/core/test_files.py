"""Files that are written completely or not at all, and folders that cannot be written."""

import logging
import os
import stat
from pathlib import Path

import pytest

from flow_gl.core import config
from flow_gl.core.errors import FlowError
from flow_gl.core.log import SharedLog, get_logger, start_log
from flow_gl.core.system import folders
from flow_gl.core.system.files import takes, write_whole
from tests.full_disk import full_disk


def test_a_file_is_written_atomically_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file"
    write_whole(path, b"one")
    write_whole(path, b"two")
    assert path.read_bytes() == b"two"
    assert list(path.parent.iterdir()) == [path]


def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_whole(path, b"old")
    with full_disk(1000), pytest.raises(OSError, match="too large"):
        write_whole(path, bytes(5000))
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_is_followed_and_a_pipe_is_written_to(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    write_whole(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"
    write_whole(Path(os.devnull), b"gone")
    assert stat.S_ISCHR(Path(os.devnull).stat().st_mode), "a device stays one"
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    write_whole(tmp_path / "pipe", b"through")
    assert os.read(reader, 100) == b"through"
    os.close(reader)


def test_a_folder_is_tested_before_it_is_used(tmp_path: Path) -> None:
    assert takes(tmp_path / "new", 1 << 20)
    assert list((tmp_path / "new").iterdir()) == []
    (tmp_path / "file").write_text("")
    assert not takes(tmp_path / "file", 1)
    with full_disk(1000):
        assert not takes(tmp_path, 1 << 20)


def test_a_log_that_cannot_be_written_raises_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("flow_gl.core.log.state_dir", lambda: tmp_path)
    path = start_log("test")
    try:
        with full_disk(10):
            for _ in range(100):
                get_logger("test").warning("a line that the disk does not take")
    finally:
        monkeypatch.setattr("flow_gl.core.log.state_dir", lambda: tmp_path / "end")
        start_log("end")
    assert path == tmp_path / "test.log"
    assert capfd.readouterr().err == ""


def test_two_programs_share_a_log_and_lose_no_line_when_it_is_rotated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "view.log"
    rename = os.rename

    def rename_on_windows(source: str, target: str) -> None:
        if Path(source) == path:
            raise PermissionError(13, "The process cannot access the file because it is being used by another process")
        rename(source, target)

    monkeypatch.setattr(os, "rename", rename_on_windows)
    programs = [SharedLog(path, maxBytes=1000, backupCount=3, encoding="utf-8") for _ in range(2)]
    for number in range(80):
        record = logging.LogRecord("test", logging.INFO, "", 0, f"line {number:02} {'.' * 32}", None, None)
        programs[number % 2].emit(record)
    for program in programs:
        program.close()
    files = [path, *(path.with_name(f"view.log.{number}") for number in (1, 2, 3))]
    assert all(file.stat().st_size <= 1000 for file in files)
    held = [line[5:7] for file in reversed(files) for line in file.read_text().splitlines()]
    assert held == [f"{number:02}" for number in range(80 - len(held), 80)]
    assert len(held) > 60


def test_a_log_on_a_full_disk_does_not_grow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_source: str, target: str) -> None:
        Path(target).write_text("half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("shutil.copyfile", full)
    program = SharedLog(tmp_path / "view.log", maxBytes=1000, backupCount=3, encoding="utf-8")
    for number in range(80):
        program.emit(logging.LogRecord("test", logging.INFO, "", 0, f"line {number:02}", None, None))
    program.close()
    assert [path.name for path in tmp_path.iterdir()] == ["view.log"]
    assert (tmp_path / "view.log").read_text().endswith("line 79\n")
    assert (tmp_path / "view.log").stat().st_size <= 1000


def test_without_a_home_folder_there_are_no_recordings_and_the_rest_is_elsewhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def homeless(*_: object) -> Path:
        raise RuntimeError("could not determine the home directory")

    for name in ("config", "cache", "state", "data"):
        monkeypatch.setattr(f"platformdirs.user_{name}_path", homeless)
    monkeypatch.setattr("platformdirs.user_pictures_path", homeless)
    for folder in (folders.config_dir, folders.cache_dir, folders.state_dir, folders.pictures_dir):
        assert folder().is_absolute()
    with pytest.raises(FlowError, match="--record-dir"):
        folders.recordings_dir()


def test_an_inaccessible_folder_gives_no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    class Closed(type(Path())):  # type: ignore[misc]  # the path class of this system
        def is_file(self) -> bool:
            raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(config, "user_config", lambda: Closed("/closed/flow_gl/config.toml"))
    assert config.load(env_file=None, environment={}).aggregation.arm == 300
