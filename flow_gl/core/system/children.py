"""Commands that start modules of this program as child processes.

Python runs a module with `-m`. A bundle (`make bundle`) contains no Python interpreter: its program is started again,
and `run_child`, which its entry script calls first, runs the module.
"""

import sys
from typing import Final

RUN_MODULE: Final = "--run-module"
"""First argument of a bundle's program that is to run a module of flow_gl; the module's name follows."""


def is_bundle() -> bool:
    """Return whether this program runs from a bundle."""
    return bool(getattr(sys, "frozen", False))


def command(module: str, *arguments: str) -> tuple[str, ...]:
    """Return the command line that runs a module of flow_gl, like "flow_gl.runtime", in a separate process."""
    if is_bundle():
        return (sys.executable, RUN_MODULE, module, *arguments)
    # -P: a module in the current folder is never imported in place of an installed one.
    return (sys.executable, "-P", "-m", module, *arguments)


def run_child() -> bool:
    """Run the module that `command` requested in a bundle, as `__main__`. False if it requested none."""
    if sys.argv[1:2] != [RUN_MODULE]:
        return False
    import runpy  # rarely needed

    module, arguments = sys.argv[2], sys.argv[3:]
    sys.argv[1:] = arguments
    runpy.run_module(module, run_name="__main__", alter_sys=True)
    return True
