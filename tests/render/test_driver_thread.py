"""The driver's own thread changes no pixel, and Mesa says nothing of it on the terminal."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest


def run(path: Path, **variables: str) -> tuple[np.ndarray, set[str], str]:
    """Picture, names of threads, and what was said on the terminal."""
    # Where each call is checked there is no such thread: this test runs what users run.
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
def test_the_picture_is_the_same_with_and_without_it(tmp_path: Path) -> None:
    pictures = {}
    for choice in ("", "false"):
        variables = {"mesa_glthread": choice} if choice else {}
        pictures[choice], threads, said = run(tmp_path / f"picture{choice}.npy", **variables)
        assert any(name.endswith(":gl0") for name in threads) == (not choice), threads
        assert "glthread" not in said
    np.testing.assert_array_equal(pictures[""], pictures["false"])
    assert np.ptp(pictures[""]) > 100
