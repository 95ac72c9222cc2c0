"""A NATS server on loopback for the time of a measurement, where one is installed."""

import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from flow_gl.core.errors import FlowError
from flow_gl.server.address import check_port

_PATHS: Final = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"
"""Debian installs the server in a folder that is only in root's PATH."""
_START_S: Final = 10.0


def find_bus() -> str | None:
    """Return the path of nats-server; None if it is not installed."""
    return shutil.which("nats-server", path=_PATHS)


@contextmanager
def local_bus(program: str) -> Iterator[str]:
    """Run a server with JetStream; yield its URL. Raises FlowError if it does not start."""
    port = check_port("127.0.0.1", 0)
    with tempfile.TemporaryDirectory(prefix="flow_gl_bus.") as folder:
        config = Path(folder, "nats.conf")
        config.write_text(json.dumps({"listen": f"127.0.0.1:{port}", "jetstream": {"store_dir": folder}}))
        log = Path(folder, "nats.log")
        with log.open("wb") as out:
            process = subprocess.Popen([program, "--config", str(config)], stdout=out, stderr=out)
        try:
            end_s = time.monotonic() + _START_S
            while b"Server is ready" not in log.read_bytes():
                if process.poll() is not None or time.monotonic() > end_s:
                    raise FlowError(f"nats-server did not start: {log.read_text(errors='replace')[-200:]}")
                time.sleep(0.05)
            yield f"nats://127.0.0.1:{port}"
        finally:
            process.kill()
            process.wait()
