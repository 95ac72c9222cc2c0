"""Checks that the doctor runs in separate processes, because a broken driver or package may crash the process.

`python -m flow_gl.cli.probes window [x11|wayland]`, `headless`, or `imports MODULE...`. The results are lines of JSON.
"""

import importlib
import json
import sys

from flow_gl.core.errors import FlowError


def window(system: str | None = None) -> None:
    """Open an invisible window; print the window system, the driver and the monitors, or the error."""
    try:
        from flow_gl.gl.surface import window_system

        window_system.prepare(system)
        from flow_gl.gl.surface.context import Window, WindowOptions, describe
        from flow_gl.gl.surface.monitors import monitors

        found = [
            {
                "name": one.name,
                "width": int(one.area.width),
                "height": int(one.area.height),
                "refresh_hz": one.refresh_hz,
                "content_scale": one.content_scale,
            }
            for one in monitors()
        ]
        Window(WindowOptions(width=64, height=64, is_visible=False))
        _print({"monitors": found, "is_wayland": window_system.is_wayland(), **describe()})
    except FlowError as error:
        _print({"error": str(error)})


def headless() -> None:
    """Make a context without a window; print the driver, or the error."""
    try:
        from flow_gl.gl.surface.context import HeadlessContext, describe

        HeadlessContext(64, 64)
        _print(describe())
    except FlowError as error:
        _print({"error": str(error)})


def imports(names: list[str]) -> None:
    """Import modules; print the name of each with the reason why it failed, "" if it did not."""
    for name in names:
        _print([name, "it ends the process"])  # replaced by the next line, if there is one
        try:
            importlib.import_module(name)
        except Exception as error:
            _print([name, f"{type(error).__name__}: {error}"])
        else:
            _print([name, ""])


def _print(found: object) -> None:
    sys.stdout.write(f"{json.dumps(found)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    name, *rest = sys.argv[1:]
    if name == "imports":
        imports(rest)
    else:
        {"window": window, "headless": headless}[name](*rest)
