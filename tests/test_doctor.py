"""The doctor: what it finds on this machine, and on one where things are missing."""

import json
import os
import sys
from pathlib import Path

import pytest

from flow_gl.cli import doctor
from flow_gl.cli.doctor import Check, Report
from flow_gl.cli.main import run
from flow_gl.core.system import libraries
from flow_gl.core.system.libraries import SystemLibrary
from tests.kit.waiting import PATIENCE_S

KEY = "db-ThisIsNoRealKeyOnlyATestsOwn"
DRIVER = {"vendor": "V", "renderer": "R", "version": "4.5", "glsl": "4.50", "is_wayland": False}


def found(name: str, report: Report) -> Check:
    return next(check for check in report.checks if check.name == name)


@pytest.fixture
def _no_probes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace the processes that look at drivers and import packages: only the doctor's report is tested."""
    monkeypatch.setattr(doctor, "probe", lambda _name: {"monitors": [], **DRIVER})
    monkeypatch.setattr(doctor, "import_faults", dict.fromkeys)


@pytest.mark.slow
def test_this_machine_can_run_the_chart_and_its_driver_is_named(capsys: pytest.CaptureFixture[str]) -> None:
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
def test_a_corrupt_config_is_reported_and_ends_with_2(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("arm = -1\n")
    report = doctor.examine(config_file=path)
    assert report.exit_code == 2
    assert str(path) in found("settings", report).text


def test_without_opengl_the_chart_cannot_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "probe", lambda _name: {"error": "OpenGL 3.3 is needed"})
    monkeypatch.setattr(doctor, "import_faults", dict.fromkeys)
    report = doctor.examine()
    assert report.exit_code == 5
    assert found("headless", report).text == "OpenGL 3.3 is needed"


def test_a_window_without_headless_drawing_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monitor = {"name": "Left", "width": 2560, "height": 1440, "refresh_hz": 144, "content_scale": 1.25}

    def probe(name: str) -> dict[str, object]:
        return {"monitors": [monitor], **DRIVER} if name == "window" else {"error": "no EGL"}

    monkeypatch.setattr(doctor, "probe", probe)
    monkeypatch.setattr(doctor, "import_faults", dict.fromkeys)
    report = doctor.examine()
    assert report.exit_code == 0
    assert found("monitors", report).text == "0: Left, 2560x1440 at 144 Hz, scale 1.25"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the choice is Linux's")
@pytest.mark.parametrize(
    ("session", "is_native", "expected"),
    [("", False, "X11"), ("wayland-1", False, "X11 through XWayland: "), ("wayland-1", True, "Wayland: ")],
)
def test_the_window_system_is_named(
    session: str, is_native: bool, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    probed = {"monitors": [], **DRIVER, "is_wayland": is_native}
    monkeypatch.setattr(doctor, "probe", lambda *_: probed)
    monkeypatch.setattr(doctor, "import_faults", dict.fromkeys)
    monkeypatch.setenv("WAYLAND_DISPLAY", session)
    assert found("window system", doctor.examine()).text.startswith(expected)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the choice is Linux's")
def test_the_probe_opens_the_window_that_the_settings_ask_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, ...]] = []

    def probe(*words: str) -> dict[str, object]:
        asked.append(words)
        return {"monitors": [], **DRIVER}

    path = tmp_path / "config.toml"
    path.write_text("window_system = 'wayland'\n")
    monkeypatch.setattr(doctor, "probe", probe)
    monkeypatch.setattr(doctor, "import_faults", dict.fromkeys)
    doctor.examine(config_file=path)
    assert asked[0] == ("window", "wayland")


@pytest.mark.usefixtures("_no_probes")
def test_too_little_shared_memory_is_an_error_with_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "free_bytes", lambda: 64_000_000)
    report = doctor.examine()
    assert report.exit_code == 6
    assert "--shm-size" in found("shared memory", report).text


def test_modules_that_cannot_be_imported_are_reported_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sound_module.py").write_text("")
    (tmp_path / "broken_module.py").write_text("raise OSError('no such thing')")
    (tmp_path / "deadly_module.py").write_text("import os; os.abort()")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    names = ["sound_module", "broken_module", "absent_module", "deadly_module"]
    assert doctor.import_faults(names) == {
        "sound_module": "",
        "broken_module": "OSError: no such thing",
        "absent_module": "ModuleNotFoundError: No module named 'absent_module'",
        "deadly_module": "it ends the process",
    }


@pytest.mark.usefixtures("_no_probes")
def test_a_package_that_cannot_be_imported_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "import_faults", lambda _modules: {"numba": "ImportError: libX.so.1"})
    report = doctor.examine()
    assert report.exit_code == 6
    assert "cannot be imported (ImportError: libX.so.1)" in found("packages", report).text


@pytest.mark.usefixtures("_no_probes")
def test_a_missing_extra_is_named_with_its_install_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    version = doctor.installed_version
    monkeypatch.setattr(doctor, "installed_version", lambda name: None if name == "psycopg" else version(name))
    monkeypatch.setattr(doctor, "install_advice", lambda extra: f'python -m pip install "{extra}[binary]>=3"')
    report = doctor.examine()
    assert report.exit_code == 0, "the chart does without"
    assert found("psycopg", report).text.endswith('needs it: python -m pip install "archive[binary]>=3"')
    doctor.show(report)
    assert "archive[binary]>=3" in "".join(line.strip() for line in capsys.readouterr().out.splitlines())


@pytest.mark.usefixtures("_no_probes")
def test_each_missing_library_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    lacking = SystemLibrary("window", ("libXi.so.6",), dict.fromkeys(libraries.DISTRIBUTIONS, "libxi6"))
    monkeypatch.setattr(libraries, "missing", lambda *needs: [lacking] if "window" in needs else [])
    report = doctor.examine()
    assert report.exit_code == 0, "the probes decide whether it can draw"
    assert "libXi.so.6 (libxi6)" in found("libraries: window", report).text


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("import sys; sys.exit('libGL is broken')", "libGL is broken"),
        ("import os; os.abort()", "ended with -6"),
        ("import time; time.sleep(60)", "did not respond within 1 s"),
    ],
)
def test_a_driver_that_crashes_or_hangs_its_process_is_reported(
    program: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Python's start alone may take seconds on a busy machine; the process that hangs is not waited for long.
    monkeypatch.setattr(doctor, "PROBE_S", 1.0 if "did not respond" in expected else PATIENCE_S)
    assert expected in doctor.outcome([sys.executable, "-c", program])["error"]
