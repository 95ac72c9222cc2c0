"""The doctor: what it finds on this machine, and what it says of one where things are missing."""

import json
from pathlib import Path

import pytest

from flow_gl import doctor
from flow_gl.cli.main import run
from flow_gl.doctor import Check, Report

KEY = "db-ThisIsNoRealKeyOnlyATestsOwn"
DRIVER = {"vendor": "V", "renderer": "R", "version": "4.5", "glsl": "4.50"}


def found(name: str, report: Report) -> Check:
    return next(check for check in report.checks if check.name == name)


@pytest.fixture
def _no_probes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_probe", lambda _program: {"monitors": [], **DRIVER})


def test_this_machine_can_run_the_chart_and_says_by_which_driver(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["doctor", "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert content["can_run"]
    checks = {check["name"]: check for check in content["checks"]}
    assert "OpenGL" in checks["headless"]["text"]
    assert "numpy" in checks["packages"]["text"]
    assert "MB free" in checks["shared memory"]["text"]
    assert checks["key"]["verdict"] == "warning"


@pytest.mark.usefixtures("_no_probes")
def test_the_key_is_shown_masked(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("DATABENTO_API_KEY", KEY)
    assert run(["doctor"]) == 0
    shown = capsys.readouterr().out
    assert "****tsOwn" in shown
    assert KEY not in shown
    assert "The chart can run here." in shown


@pytest.mark.usefixtures("_no_probes")
def test_a_corrupt_config_is_found_and_ends_with_2(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("arm = -1\n")
    report = doctor.examine(config_file=path)
    assert report.exit_code == 2
    assert str(path) in found("settings", report).text


def test_without_any_opengl_the_chart_cannot_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_probe", lambda _program: {"error": "OpenGL 3.3 is needed"})
    report = doctor.examine()
    assert report.exit_code == 5
    assert found("headless", report).text == "OpenGL 3.3 is needed"


def test_a_window_alone_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monitor = {"name": "Left", "width": 2560, "height": 1440, "refresh_hz": 144, "content_scale": 1.25}

    def probe(program: str) -> dict[str, object]:
        return {"monitors": [monitor], **DRIVER} if "monitors" in program else {"error": "no EGL"}

    monkeypatch.setattr(doctor, "_probe", probe)
    report = doctor.examine()
    assert report.exit_code == 0
    assert found("monitors", report).text == "0: Left, 2560x1440 at 144 Hz, scale 1.25"


@pytest.mark.usefixtures("_no_probes")
def test_too_little_shared_memory_is_an_error_with_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "free_bytes", lambda: 64_000_000)
    report = doctor.examine()
    assert report.exit_code == 6
    assert "--shm-size" in found("shared memory", report).text


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("import sys; sys.exit('libGL is broken')", "libGL is broken"),
        ("import os; os.abort()", "ended with -6"),
        ("import time; time.sleep(60)", "did not answer within 1 s"),
    ],
)
def test_a_driver_that_kills_or_hangs_its_process_is_told(
    program: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "PROBE_S", 1.0)
    assert expected in doctor._probe(program)["error"]
