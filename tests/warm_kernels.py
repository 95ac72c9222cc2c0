"""The machine code of the kernels that a warm-up compiles, made once for all processes of the tests.

    python -m tests.warm_kernels

It is kept beside the suite's other kernels for as long as the engine's sources stay the same, and copied to them. A
process that asks for it while another one makes it waits.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from flow_gl.core.system.locked import locked

ROOT: Final = Path(__file__).resolve().parent.parent
ENGINE: Final = ROOT / "flow_gl" / "engine"
PREFIX: Final = "warm_up-"
LIMIT_S: Final = 600.0
"""How long to wait for another process that makes it, seconds."""


def folder_of_warm_up() -> Path:
    """Return the folder with what a warm-up compiles and nothing else; make it if there is none for these sources."""
    digest = hashlib.blake2s(sys.version.encode())
    for path in sorted(ENGINE.rglob("*.py")):
        digest.update(path.read_bytes())
    every = Path(os.environ["NUMBA_CACHE_DIR"])
    found = every / (PREFIX + digest.hexdigest()[:16])
    if not found.is_dir():
        with locked(every / "warm_up", wait_s=LIMIT_S):
            if not found.is_dir():
                _make(found)
    return found


def _make(found: Path) -> None:
    every, part = found.parent, found.with_name(f"{found.name}.{os.getpid()}")
    program = "from flow_gl.engine.warm import warm_up; warm_up()"
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(part)}
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environment, check=True)
    shutil.copytree(part, every, dirs_exist_ok=True)
    for earlier in every.glob(f"{PREFIX}*"):
        if earlier != part:
            shutil.rmtree(earlier, ignore_errors=True)
    part.rename(found)


if __name__ == "__main__":
    folder_of_warm_up()
