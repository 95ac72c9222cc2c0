"""A secondary window's process: `python -m flow_gl.view.windows`, started by the main window (`opener`).

The main window's messages arrive on standard input, the window's specification first. The process ends when standard
input is closed.
"""

import faulthandler
import os
import sys
from pathlib import Path
from typing import Any

import msgspec

from flow_gl.core.clock import SYSTEM
from flow_gl.core.errors import EXIT_OK, EXIT_USAGE, FlowError
from flow_gl.core.log import get_logger, start_log
from flow_gl.core.settings import DECLARED, Settings
from flow_gl.core.stderr import print_message
from flow_gl.core.system.interrupts import Interrupted
from flow_gl.gl.surface import window_system
from flow_gl.ui.state.options import ViewOptions
from flow_gl.view.program import run_view
from flow_gl.view.windows.messages import WindowSpec, decode_spec


def main() -> int:
    """Show a secondary window until it is closed; return the exit code."""
    window_system.prepare(os.environ.get(window_system.VARIABLE))
    # The overlays first: they must be imported before the window's library.
    from flow_gl.ui.paint import gui  # noqa: F401
    from flow_gl.view.windows.secondary import MainWindowPipe, SecondaryLink, SecondaryWindow

    faulthandler.enable()
    pipe = MainWindowPipe()
    line = pipe.first_line()
    if not line:
        return EXIT_OK
    try:
        spec = decode_spec(line)
    except msgspec.MsgspecError as error:
        print_message(f"error: invalid window specification: {error}")
        return EXIT_USAGE
    start_log("view", level=spec.log_level)
    link = SecondaryLink(pipe)
    window = SecondaryWindow(spec, pipe, link, SYSTEM)
    try:
        run_view(_options(spec), link, secondary=window)
    except Interrupted:
        pass  # a signal closes only this window
    except FlowError as error:
        get_logger("windows").error("the window ended", extra={"error": error})
        print_message(f"error: {error}")
        return error.exit_code
    finally:
        link.close()
    return EXIT_OK


def _options(spec: WindowSpec) -> ViewOptions:
    given: dict[str, Any] = {DECLARED[name].field: value for name, value in spec.settings.items() if name in DECLARED}
    return ViewOptions(
        Settings(**given),
        title=spec.title,
        workspaces=Path(spec.workspaces) if spec.workspaces else None,
        screenshot_dir=Path(spec.screenshot_dir) if spec.screenshot_dir else None,
    )


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    # Not sys.exit: the thread that reads the main window's lines must not delay the end.
    os._exit(code)
