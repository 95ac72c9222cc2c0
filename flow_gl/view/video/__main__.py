"""The encoder's process: `python -m flow_gl.view.video`. The view starts it and exchanges lines with it.

It ends with its standard input, so that a file is completed even after the view was killed.
"""

import signal
import sys

from flow_gl.core.system.platform import processes
from flow_gl.view.video.encoding import Encoding

NICENESS = 5
"""Lower than the engine and the window: if cores are scarce, the video loses pictures and the chart does not."""


def main() -> None:
    # The view decides when it ends: the terminal sends Ctrl-C to all processes.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    processes.lower_priority(NICENESS)
    Encoding(sys.stdin.buffer, sys.stdout.buffer).run()


if __name__ == "__main__":
    main()
