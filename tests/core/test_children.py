"""Child processes of this program: started with Python, and from a bundle that has none."""

import subprocess
import sys

import pytest

from flow_gl.core.system import children
from flow_gl.server import workers
from flow_gl.view.engine_link import supervisor

BUNDLE = "/usr/lib/flow-gl/flow-gl"


@pytest.fixture
def _bundle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "executable", BUNDLE)


def test_python_runs_a_module_and_ignores_the_current_folder() -> None:
    assert children.command("flow_gl.bench.watcher", "a") == (sys.executable, "-P", "-m", "flow_gl.bench.watcher", "a")
    assert not children.is_bundle()


@pytest.mark.usefixtures("_bundle")
def test_a_bundle_starts_itself() -> None:
    assert children.command("flow_gl.server") == (BUNDLE, children.RUN_MODULE, "flow_gl.server")
    assert children.is_bundle()


def test_engine_and_workers_are_started_in_this_way() -> None:
    assert children.command("flow_gl.runtime") == supervisor.COMMAND
    assert children.command("flow_gl.server") == workers.COMMAND


def test_a_bundles_program_runs_the_module_with_its_arguments_as_python_does() -> None:
    """Its entry script, with Python in place of the bundle's program."""
    entry = "from flow_gl.core.system import children; children.run_child() or print('the program')"
    wanted = [children.RUN_MODULE, "flow_gl.cli.probes", "imports", "json", "no_such_module"]
    assert _said("-c", entry, *wanted) == _said("-m", *wanted[1:])
    assert '["json", ""]' in _said("-c", entry, *wanted)
    assert _said("-c", entry, "--version") == "the program\n"


def _said(*arguments: str) -> str:
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=True).stdout


def test_no_other_module_starts_python_itself() -> None:
    """A `sys.executable` elsewhere would be the bundle's program, which knows no `-m`."""
    from pathlib import Path

    import flow_gl

    root = Path(flow_gl.__file__).parent
    found = {str(path.relative_to(root)) for path in root.rglob("*.py") if "sys.executable" in path.read_text("utf-8")}
    assert found == {"core/system/children.py", "core/system/packages.py"}
