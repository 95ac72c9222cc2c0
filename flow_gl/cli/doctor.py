"""Checks whether the chart can run on this machine: graphics, libraries, packages, memory, settings, folders.

Graphics are probed in separate processes, because a broken driver may kill the process that calls it. Each check gives
one line with its result and, if something is wrong, the remedy. Packages are imported, not only looked up.
"""

import importlib.metadata
import json
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal

from flow_gl import __version__
from flow_gl.core import config
from flow_gl.core.errors import EXIT_DISPLAY, EXIT_OK, EXIT_RESOURCE, EXIT_USAGE, FlowError
from flow_gl.core.settings import Settings
from flow_gl.core.system import children, libraries
from flow_gl.core.system.folders import cache_dir, config_dir, data_dir, state_dir
from flow_gl.core.system.packages import install_advice
from flow_gl.gl.surface import window_system
from flow_gl.store.shm import free_bytes

PROBE_S: Final = 20.0
"""A driver that does not respond within this time is broken."""
IMPORTS_S: Final = 120.0
"""Time limit for the import of all packages, generous for slow disks."""
_USES: Final[dict[str, tuple[libraries.Need, ...]]] = {
    "window": ("chart", "window"),
    "headless": ("chart", "headless"),
}
CHART_BYTES: Final = 200_000_000
"""Shared memory needed by two charts with a day of history, with a margin."""
PACKAGES: Final = {
    "databento": "databento",
    "freetype-py": "freetype",
    "glfw": "glfw",
    "imgui-bundle": "imgui_bundle",
    "msgspec": "msgspec",
    "numba": "numba",
    "numpy": "numpy",
    "pandas_market_calendars": "pandas_market_calendars",
    "platformdirs": "platformdirs",
    "pyarrow": "pyarrow.parquet",
    "pydantic": "pydantic",
    "PyOpenGL": "flow_gl.gl.api",
    "python-dotenv": "dotenv",
    "rich": "rich",
    "typer": "typer",
    "zstandard": "zstandard",
}
"""Required packages, each with the module whose import shows that it works."""
HEADLESS: Final = {"vispy": ("vispy.ext.egl", "--headless")} if sys.platform.startswith("linux") else {}
"""Also always installed, but needed only without a window."""
EXTRA: Final = {
    "av": ("av", "--record", "video"),
    "SQLAlchemy": ("sqlalchemy", "the archive", "archive"),
    "psycopg": ("psycopg", "an archive in PostgreSQL", "archive"),
    "limits": ("limits", "the server", "serve"),
    "prometheus-client": ("prometheus_client", "the server's metrics", "serve"),
    "miniaudio": ("miniaudio", "the sound of alerts", "alerts"),
    "desktop-notifier": ("desktop_notifier", "desktop notifications", "alerts"),
}
"""Optional packages: module, the feature that needs it, the extra that installs it."""

_PROBES: Final = "flow_gl.cli.probes"

Verdict = Literal["ok", "warning", "error"]


@dataclass(frozen=True, slots=True)
class Check:
    """The result of one check."""

    name: str
    verdict: Verdict
    text: str
    exit_code: int = EXIT_OK
    """The exit code that the program would end with, for the verdict "error"."""


@dataclass(frozen=True, slots=True)
class Report:
    """All checks, in display order."""

    checks: list[Check]

    @property
    def exit_code(self) -> int:
        """0 if the chart can run, else the exit code of the first error."""
        return next((check.exit_code for check in self.checks if check.verdict == "error"), EXIT_OK)


def examine(*, config_file: Path | None = None) -> Report:
    """Run all checks; takes a few seconds."""
    settings, settings_check = _settings(config_file)
    window = _window(settings)
    return Report(
        [
            Check("flow_gl", "ok", f"{__version__}, Python {platform.python_version()}, {platform.platform()}"),
            *window,
            *_headless(has_window=any(check.name == "window" and check.verdict == "ok" for check in window)),
            *_libraries(settings),
            *_packages(),
            _shared_memory(),
            _kernels(),
            settings_check,
            _key(settings),
            *_folders(settings),
        ]
    )


def probe(name: str, *arguments: str) -> dict[str, Any]:
    """Run a probe, "window" or "headless", in a separate process; return its output, {"error": ...} if it fails."""
    return outcome(children.command(_PROBES, name, *arguments))


def outcome(command: Sequence[str]) -> dict[str, Any]:
    """Run a command that prints a line of JSON; return that, or {"error": ...} if it crashes or does not end."""
    try:
        done = _run(command, timeout_s=PROBE_S)
    except subprocess.TimeoutExpired:
        return {"error": f"the driver did not respond within {PROBE_S:.0f} s"}
    last = done.stdout.strip().splitlines()[-1:] or [""]
    try:
        found: dict[str, Any] = json.loads(last[0])
    except json.JSONDecodeError:
        words = done.stderr.strip().splitlines()[-1:] or [f"the probe ended with {done.returncode}"]
        return {"error": words[0]}
    return found


def _run(command: Sequence[str], *, timeout_s: float) -> subprocess.CompletedProcess[str]:
    """Run a command. Each OpenGL call is checked, so that errors appear where they occur."""
    return subprocess.run(
        command,
        env={**os.environ, "FLOW_GL_CHECK_GL": "1"},
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )


def _window(settings: Settings | None) -> list[Check]:
    asked = settings.window_system if settings is not None else None
    found = probe("window", *([asked] if asked else []))
    if "error" in found:
        return [Check("window", "warning", f"{found['error']}")]
    form = "{number}: {name}, {width}x{height} at {refresh_hz} Hz, scale {content_scale:g}"
    monitors = [form.format(number=number, **one) for number, one in enumerate(found["monitors"])]
    return [
        Check("window", "ok", _driver(found)),
        *_window_system(is_native=found["is_wayland"]),
        Check("monitors", "ok", "; ".join(monitors) or "none"),
    ]


def _window_system(*, is_native: bool) -> list[Check]:
    """Say through what windows reach the screen, and what that means in a Wayland session."""
    if not sys.platform.startswith("linux"):
        return []
    text = "X11"
    if is_native:
        text = "Wayland: the desktop places the windows; through X11 (XWayland) they return to their monitors"
    elif window_system.is_session(os.environ):
        text = "X11 through XWayland: windows return to their monitors; window_system = wayland is sharp at any scale"
    return [Check("window system", "ok", text)]


def _headless(*, has_window: bool) -> list[Check]:
    found = probe("headless")
    if "error" in found:
        verdict: Verdict = "warning" if has_window else "error"
        return [Check("headless", verdict, found["error"], EXIT_DISPLAY)]
    return [Check("headless", "ok", _driver(found))]


def _driver(found: dict[str, Any]) -> str:
    return f"OpenGL {found['version']}, {found['renderer']} ({found['vendor']})"


def _libraries(settings: Settings | None) -> list[Check]:
    """Check the system libraries and name the packages of missing ones; the graphics probes decide if drawing works."""
    checks = []
    uses = dict(_USES)
    if window_system.chosen(settings.window_system if settings else None, os.environ) == "wayland":
        uses["window"] = window_system.NATIVE
    for use, needs in uses.items():
        lacking = libraries.missing(*needs)
        if lacking:
            checks.append(Check(f"libraries: {use}", "warning", libraries.advice(lacking)))
    return checks or [Check("libraries", "ok", "all system libraries for windows and pictures are present")]


def _packages() -> list[Check]:
    parts = {**{name: (*found, None) for name, found in HEADLESS.items()}, **EXTRA}
    faults = import_faults([*PACKAGES.values(), *(module for module, _, _ in parts.values())])
    versions, wrong = [], []
    for name, module in PACKAGES.items():
        version, fault = installed_version(name), faults.get(module, "")
        if version is None:
            wrong.append(f"{name} is not installed (pip install it, or recreate the environment)")
        elif fault:
            wrong.append(f"{name} {version} cannot be imported ({fault})")
        else:
            versions.append(f"{name} {version}")
    checks = [Check("packages", "ok", ", ".join(versions))]
    if wrong:
        checks = [Check("packages", "error", "; ".join(wrong), EXIT_RESOURCE)]
    for name, (module, use, extra) in parts.items():
        version, fault = installed_version(name), faults.get(module, "")
        if version is None:
            advice = f": {install_advice(extra)}" if extra else ""
            checks.append(Check(name, "warning", f"not installed; {use} needs it{advice}"))
        elif fault:
            checks.append(Check(name, "warning", f"{version} cannot be imported, {use} needs it ({fault})"))
        else:
            checks.append(Check(name, "ok", version))
    return checks


def installed_version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def import_faults(modules: list[str]) -> dict[str, str]:
    """Import modules in a separate process; return the reason of failure by module, "" if the import succeeded."""
    try:
        output = _run(children.command(_PROBES, "imports", *modules), timeout_s=IMPORTS_S).stdout
    except subprocess.TimeoutExpired as error:
        output = error.stdout.decode() if isinstance(error.stdout, bytes) else error.stdout or ""
    return dict(json.loads(line) for line in output.splitlines() if line.startswith("["))


def _shared_memory() -> Check:
    free = free_bytes()
    if free is None:
        return Check("shared memory", "ok", "free space unknown on this system")
    text = f"{free / 1e6:,.0f} MB free in /dev/shm"
    if free < CHART_BYTES:
        needed = f"{text}; two charts take up to {CHART_BYTES / 1e6:.0f} MB (in a container: --shm-size=1g)"
        return Check("shared memory", "error", needed, EXIT_RESOURCE)
    return Check("shared memory", "ok", text)


def _kernels() -> Check:
    folder = Path(os.environ.get("NUMBA_CACHE_DIR") or cache_dir() / "kernels")
    files = list(folder.rglob("*.nbc")) if folder.is_dir() else []
    if not files:
        return Check("kernels", "warning", f"not compiled yet: the first start takes a few seconds longer ({folder})")
    size = sum(path.stat().st_size for path in files)
    return Check("kernels", "ok", f"{len(files)} compiled, {size / 1e6:.1f} MB in {folder}")


def _settings(config_file: Path | None) -> tuple[Settings | None, Check]:
    shown = config_file or config.user_config()
    try:
        settings = config.load(config=config_file)
    except FlowError as error:
        return None, Check("settings", "error", str(error), EXIT_USAGE)
    return settings, Check("settings", "ok", f"{shown}" if shown.is_file() else f"defaults (no file {shown})")


def _key(settings: Settings | None) -> Check:
    if settings is None or settings.api_key is None:
        return Check("key", "warning", "DATABENTO_API_KEY is not set: live and download need it")
    return Check("key", "ok", settings.shown_key)


def _folders(settings: Settings | None) -> list[Check]:
    recordings = settings.record_dir if settings and settings.record_dir else data_dir()
    folders = {"settings": config_dir(), "data": recordings, "cache": cache_dir(), "logs": state_dir()}
    checks = []
    for name, folder in folders.items():
        there = next(path for path in (folder, *folder.parents) if path.exists())
        is_usable = there.is_dir() and os.access(there, os.W_OK)
        text = f"{folder}" if is_usable else f"{folder}: cannot be written"
        checks.append(Check(f"folder: {name}", "ok" if is_usable else "warning", text))
    return checks


def to_json(report: Report) -> str:
    """Return the report as JSON with `can_run`, `exit_code` and `checks`."""
    content = {
        "can_run": report.exit_code == EXIT_OK,
        "exit_code": report.exit_code,
        "checks": [asdict(check) for check in report.checks],
    }
    return json.dumps(content, indent=2)


def show(report: Report) -> None:
    """Print the report as a table."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    labels = {"ok": "[green]ok[/]", "warning": "[yellow]note[/]", "error": "[red]wrong[/]"}
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for check in report.checks:
        table.add_row(labels[check.verdict], check.name, Text(check.text))
    console = Console(highlight=False)
    console.print(table)
    console.print("The chart can run here." if report.exit_code == EXIT_OK else "The chart cannot run here yet.")
