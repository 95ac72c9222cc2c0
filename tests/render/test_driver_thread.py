"""The driver's thread changes no pixel, and Mesa prints nothing about it on the terminal."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from flow_gl.gl.surface.driver_log import without_thread_notice


def run(path: Path, **variables: str) -> tuple[np.ndarray, set[str], str]:
    """Return the picture, the names of threads (and the driver's version), and the terminal output."""
    # With error checks there is no such thread, so this test runs without them, like users.
    environment = {name: value for name, value in os.environ.items() if name != "FLOW_GL_CHECK_GL"} | variables
    found = subprocess.run(
        [sys.executable, "-m", "tests.render.driver_thread", str(path)],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
    )
    return np.load(path), set(found.stdout.split("\n")), found.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="Mesa's threads are looked up in /proc")
def test_the_picture_is_the_same_with_and_without_the_thread(tmp_path: Path) -> None:
    pictures = {}
    for choice in ("", "false"):
        variables = {"mesa_glthread": choice} if choice else {}
        pictures[choice], told, said = run(tmp_path / f"picture{choice}.npy", **variables)
        has_thread = any(name.endswith(":gl0") for name in told)
        if choice or any("Mesa 22." in line for line in told):  # later versions have none for software
            assert has_thread == (not choice), told
        assert said == ""
    np.testing.assert_array_equal(pictures[""], pictures["false"])
    assert np.ptp(pictures[""]) > 100


NOTICE = "ATTENTION: default value of option mesa_glthread overridden by environment.\n"


@pytest.mark.skipif(sys.platform != "linux", reason="Mesa is Linux's")
@pytest.mark.parametrize(("is_expected", "shown"), [(True, "before\nlibEGL warning\nafter\n"), (False, None)])
def test_only_mesas_line_about_the_thread_is_suppressed(
    is_expected: bool, shown: str | None, capfd: pytest.CaptureFixture[str]
) -> None:
    os.write(2, b"before\n")
    with without_thread_notice(is_expected=is_expected):
        os.write(2, NOTICE.encode() + b"libEGL warning\n")
    os.write(2, b"after\n")
    assert capfd.readouterr().err == (shown or f"before\n{NOTICE}libEGL warning\nafter\n")


def _fail_within() -> None:
    with without_thread_notice(is_expected=True):
        os.write(2, b"libEGL warning: no driver\n")
        raise RuntimeError


def test_the_output_of_a_failing_driver_is_shown(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(RuntimeError):
        _fail_within()
    assert capfd.readouterr().err == "libEGL warning: no driver\n"
