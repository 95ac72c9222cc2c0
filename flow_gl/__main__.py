"""The program `flow-gl`."""

import os
import signal
import sys

if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    # Until the command line has its own way of ending (`core.system.interrupts`), Ctrl-C ends without a traceback.
    signal.signal(signal.SIGINT, signal.SIG_DFL)

from flow_gl.cli import streams
from flow_gl.core.system import garbage


def main() -> None:
    """Run the command line and end with its exit code."""
    streams.open_missing()
    garbage.begin()
    # Our settings have no plugins, and looking for one would read every installed package's metadata.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    from flow_gl.cli.main import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
