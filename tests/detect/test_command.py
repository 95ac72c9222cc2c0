"""The command `flow-gl detect` as a user runs it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from flow_gl.cli.main import run
from flow_gl.runtime.file_summaries import program
from tests.detect.market import write_sessions


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setattr("flow_gl.runtime.detect.study.cache_dir", lambda: tmp_path / "cache")
    return tmp_path


def test_a_grid_is_shown_by_kind_and_written_with_its_values(folder, capsys):
    (path, *_) = write_sessions(folder, 1)
    grid = "absorption.sd=1:2:0.5"
    assert run(["detect", str(path), "--grid", grid, "--set", "arm=50", "--out", "study", "--workers", "1"]) == 0
    shown = capsys.readouterr().out
    assert sum(line.startswith("absorption ") for line in shown.splitlines()) == 3
    assert "1.5" in shown
    rows = pq.read_table(folder / "study" / "events.parquet").to_pylist()
    counted = {sd: sum(row["absorption.sd"] == sd for row in rows) for sd in (1.0, 1.5, 2.0)}
    assert counted[1.0] >= counted[1.5] >= counted[2.0] > 0
    counts = pq.read_table(folder / "study" / "counts.parquet").to_pylist()
    assert sum(row["events"] for row in counts if row["absorption.sd"] == 1.5) == counted[1.5]


def test_a_symbol_keeps_one_instrument(folder, capsys):
    (path, *_) = write_sessions(folder, 1)
    assert run(["detect", str(path), "--out", "all", "--workers", "1"]) == 0
    everything = pq.read_table(folder / "all" / "events.parquet").to_pylist()
    (one, *_) = dict.fromkeys(row["symbol"] for row in everything)
    assert run(["detect", str(path), "--symbol", one, "--out", "one", "--workers", "1"]) == 0
    assert pq.read_table(folder / "one" / "events.parquet").to_pylist() == [
        row for row in everything if row["symbol"] == one
    ]
    capsys.readouterr()


@pytest.mark.parametrize(
    ("more", "code", "message"),
    [
        (["--symbol", "XX"], 3, "XX is not in session00.dbn.zst; it holds "),
        (["--set", "absorbtion.sd=3"], 2, "did you mean absorption.sd?"),
        (["--grid", "absorption.sd=3:2:1"], 2, "the grid is empty"),
        (["--workers", "-1"], 2, "--workers"),
        (["missing.dbn.zst"], 3, "missing.dbn.zst: there is no such file"),
        (["--out", "taken/study"], 6, "--out taken/study: the folder cannot be made: Not a directory"),
    ],
)
def test_an_error_is_one_line_and_an_exit_code(folder, capsys, more, code, message):
    (path, *_) = write_sessions(folder, 1)
    (folder / "taken").write_text("")
    assert run(["detect", str(path), "--out", "study", *more]) == code
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert message in lines[0]


@pytest.mark.slow
def test_ctrl_c_keeps_finished_ranges_and_the_same_command_continues(tmp_path):
    paths = write_sessions(tmp_path, 3)
    import flow_gl.engine.kernels.jit  # noqa: F401  # chooses the folder of compiled kernels

    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache"), "XDG_CONFIG_HOME": str(tmp_path)}
    environment["PYTHONPATH"] = str(Path(__file__).parents[2])
    sets = ",".join(str(1 + number / 20) for number in range(16))
    command = [sys.executable, "-m", "flow_gl", "detect", *map(str, paths), "--out", str(tmp_path / "study")]
    command += ["--workers", "2", "--grid", f"absorption.sd={sets}"]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True, cwd=tmp_path)
    kept = tmp_path / "cache" / "flow_gl" / "detect"
    sources = program.__wrapped__()  # what is kept holds for these sources alone
    deadline = time.monotonic() + 120
    while not (kept.is_dir() and any(kept.glob("*.events"))) and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    if process.returncode == 0:
        pytest.skip("it was done before it could be interrupted")
    assert process.returncode == 130, errors
    (line,) = errors.splitlines()
    assert "parts are done and cached; the same command resumes there" in line
    before = {path: path.stat().st_ino for path in kept.glob("*.events")}
    again = subprocess.run(
        command, check=False, env=environment, capture_output=True, text=True, cwd=tmp_path, timeout=300
    )
    assert again.returncode == 0, again.stderr
    assert (tmp_path / "study" / "events.parquet").exists()
    assert program.__wrapped__() == sources, "the program's sources were changed while the test ran"
    assert {path: path.stat().st_ino for path in before} == before, "none is found again and replaced"
    assert len(list(kept.glob("*.events"))) == 16 * len(paths)
