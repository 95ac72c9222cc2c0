"""After the warm-up nothing is compiled, neither for the first file nor in a live session."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.gateway.tape import KEY


def test_nothing_is_compiled_after_the_warm_up_with_an_empty_cache(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "NUMBA_CACHE_DIR": str(tmp_path / "kernels"),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "DATABENTO_API_KEY": KEY,
    }
    (tmp_path / "data").mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "tests.compiles", str(tmp_path / "data")],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert [name for name, count in found["warm"].items() if count == 0] == [], "kernels that the warm-up leaves out"
    assert {name: more for name, more in found["more"].items() if more} == {}
