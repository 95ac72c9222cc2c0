"""Set-up of the whole suite: strict floating point, temporary user folders, a virtual screen, the real data.

The user's folders are redirected before the program is imported, and through the environment, so that engines and
views that the tests start as processes use them too. Only compiled kernels and shaders are kept between runs.
"""

import gc
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from tests.kit.order import long_first, needs_no_kernels
from tests.kit.screens import virtual_display
from tests.warm_kernels import folder_of_warm_up

ROOT = Path(__file__).resolve().parent.parent
REAL_DATA = ROOT.parent / "shared" / "data"
_SESSION_DIR = Path(tempfile.mkdtemp(prefix="flow_gl_tests_"))


def _own_folders() -> None:
    for name in ("CONFIG", "CACHE", "DATA", "STATE"):
        os.environ[f"XDG_{name}_HOME"] = str(_SESSION_DIR / name.lower())
    if sys.platform == "darwin":
        os.environ["HOME"] = str(_SESSION_DIR)
    os.environ.setdefault("NUMBA_CACHE_DIR", str(ROOT / ".numba_cache"))
    # The developer's own settings must not change what is tested.
    for name in list(os.environ):
        if name == "DATABENTO_API_KEY" or name.startswith("FLOW_GL_"):
            del os.environ[name]
    # Sources are compiled once even where the environment says not to keep that: hundreds of processes are started.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    # No test uses another test's cached replay; tests of the cache switch it on.
    os.environ["FLOW_GL_CACHE"] = "false"


_own_folders()
# In the background of a script the suite inherits that Ctrl-C is ignored, and would pass it on to the programs that
# its tests interrupt.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
# Mesa draws without a screen or GPU; reference pictures are compared on its software rasteriser only.
os.environ.setdefault("EGL_PLATFORM", "surfaceless")
os.environ.setdefault("LIBGL_ALWAYS_SOFTWARE", "1")
# Mesa compiles the chart's shaders once, not again in each process that runs tests.
os.environ.setdefault("MESA_SHADER_CACHE_DIR", str(ROOT / ".numba_cache" / "mesa"))
# Every GL call is checked and raises.
os.environ["FLOW_GL_CHECK_GL"] = "1"
# Underflow to zero is correct for a decaying exponential; every other floating-point error is a bug.
np.seterr(divide="raise", over="raise", invalid="raise")
# The suite gives the same result in every run; `make fuzz` draws new examples. The time of an example means nothing on
# a busy machine, so there are no deadlines and no check for slow generation.
_UNTIMED = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]}
settings.register_profile("suite", derandomize=True, **_UNTIMED)
settings.register_profile("fuzz", derandomize=False, print_blob=True, **_UNTIMED)
settings.load_profile("suite")
_warming: list[subprocess.Popen[bytes]] = []
_cold: list[bool] = []
"""Not empty in a worker that has not yet seen the kernels."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if "x_display" in getattr(item, "fixturenames", ()):
            item.add_marker("window")
    if workers := getattr(config, "workerinput", {}).get("workercount"):
        items[:] = long_first(items, workers)
        _cold.append(True)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Leave the pilots' shared context before a test that opens a window. Wait until the kernels are compiled."""
    shared = sys.modules.get("tests.kit.gl_context")
    if shared is not None and item.get_closest_marker("window"):
        shared.leave_context()
    if _cold and not needs_no_kernels(item):
        _cold.clear()
        with suppress(subprocess.CalledProcessError):  # tests report what is wrong
            folder_of_warm_up()


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Collect without the garbage collector, which would look through half a million objects again and again."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes() -> None:
    """Compile the kernels while the workers collect: otherwise each compiles them, and each engine that it starts."""
    _warming.append(subprocess.Popen([sys.executable, "-m", "tests.warm_kernels"], cwd=ROOT))


def pytest_unconfigure() -> None:
    for process in _warming:
        process.wait()
    shutil.rmtree(_SESSION_DIR, ignore_errors=True)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Return the folder of real exchange data, which is licensed and not part of the project."""
    if not REAL_DATA.is_dir():
        pytest.skip("real data is absent: ../shared/data is not part of the project")
    return REAL_DATA


@pytest.fixture(scope="session")
def x_display() -> Iterator[str]:
    """Yield the DISPLAY of a virtual 1920x1080 screen for real windows; it is also set in the environment."""
    with virtual_display() as (display, _):
        before = os.environ.get("DISPLAY")
        os.environ["DISPLAY"] = display
        yield display
        if before is None:
            del os.environ["DISPLAY"]
        else:
            os.environ["DISPLAY"] = before
