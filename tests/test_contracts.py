"""The project's rules for its own code: format, lint, types, imports, and the size of modules.

`make lint` also checks the types for macOS and Windows.
"""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = Path(sys.executable).parent
SOURCES = [name for name in ("flow_gl", "tests", "examples", "benchmarks", "scripts") if (ROOT / name).is_dir()]
MODULES = sorted((ROOT / "flow_gl").rglob("*.py"))
MAX_LINES = 400

ENGINE_ONLY = ("numba", "pandas", "databento", "databento_dbn", "pandas_market_calendars")
VIEW_ONLY = ("OpenGL", "glfw", "vispy", "imgui_bundle")
HEAVY = ("numpy", "pydantic", "typer", "rich", *ENGINE_ONLY, *VIEW_ONLY)


def run(*command: str) -> None:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"


def loaded_by(program: str, watched: tuple[str, ...]) -> list[str]:
    """Return which of the watched packages a fresh interpreter has loaded after running a program."""
    report = f"\nimport sys\nprint(*(name for name in {watched!r} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", program + report], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split("\n")[-2].split()


def first_to_load(modules: tuple[str, ...], watched: tuple[str, ...]) -> str:
    """Import modules of ours in a fresh interpreter; return the first that loads a watched package with it, or ""."""
    program = f"""
import importlib, sys
for module in {modules!r}:
    importlib.import_module("flow_gl." + module)
    found = [name for name in {watched!r} if name in sys.modules]
    if found:
        print(module, "loads", *found)
        break
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_code_is_formatted() -> None:
    run(str(SCRIPTS / "ruff"), "format", "--check", *SOURCES)


def test_the_code_has_no_lint() -> None:
    run(str(SCRIPTS / "ruff"), "check", *SOURCES)


@pytest.mark.slow
def test_the_types_pass_strict_checks() -> None:
    run(str(SCRIPTS / "mypy"))


def test_imports_point_down() -> None:
    run(str(SCRIPTS / "lint-imports"))


def test_no_module_is_too_long() -> None:
    lines = {path.relative_to(ROOT).as_posix(): path.read_text().count("\n") for path in MODULES}
    assert {name: count for name, count in lines.items() if count > MAX_LINES} == {}


def test_importing_the_package_loads_nothing_heavy() -> None:
    assert loaded_by("import flow_gl", HEAVY) == []


def test_the_view_process_loads_nothing_of_the_engine() -> None:
    modules = ("view.program", "view.frame_loop", "view.engine_link.supervisor", "ui.overlays.frame", "layers.stack")
    assert first_to_load(modules, ENGINE_ONLY) == ""


def test_the_engine_process_loads_nothing_that_draws() -> None:
    modules = ("runtime.__main__", "runtime.engine_loop", "runtime.feeds", "engine.pipeline")
    assert first_to_load(modules, VIEW_ONLY) == ""


def test_the_server_loads_neither_engine_nor_window() -> None:
    assert first_to_load(("server.worker", "server.workers"), (*ENGINE_ONLY, *VIEW_ONLY)) == ""


def test_a_window_that_does_not_serve_loads_no_server() -> None:
    assert loaded_by("import flow_gl.cli.draw, flow_gl.view.program", ("aiohttp", "limits", "prometheus_client")) == []


def test_the_help_loads_neither_engine_nor_window() -> None:
    program = "import sys\nsys.argv = ['flow-gl', '--help']\nfrom flow_gl.__main__ import main\n"
    program += "try:\n    main()\nexcept SystemExit:\n    pass"
    assert loaded_by(program, (*ENGINE_ONLY, *VIEW_ONLY)) == []


def test_a_forbidden_import_would_be_detected() -> None:
    assert loaded_by("import flow_gl.core.schema", ("numpy",)) == ["numpy"]
    assert first_to_load(("core.errors", "core.schema", "core.units"), ("numpy",)) == "core.schema loads numpy"
