"""A worker's process. Standard input carries its task and the parent's lines, standard output its answers."""

import asyncio
import faulthandler
import os
import sys

import msgspec

from flow_gl.core.errors import EXIT_FAULT, EXIT_OK, EXIT_USAGE, FlowError
from flow_gl.core.log import get_logger, masked, start_log
from flow_gl.core.outside import plain
from flow_gl.core.system import garbage
from flow_gl.core.system.platform import processes
from flow_gl.server.spec import Failed, decode_spec


def main() -> int:
    """Run a worker. Returns its exit code."""
    faulthandler.enable()
    garbage.begin()
    line = sys.stdin.buffer.readline()
    if not line:
        return EXIT_OK
    try:
        spec = decode_spec(line)
    except msgspec.MsgspecError as error:
        return _fail(f"the worker's task is invalid: {error}", EXIT_USAGE)
    start_log("server", level=spec.log_level, is_verbose=spec.debug)
    from flow_gl.server.worker import NICENESS, Worker

    processes.lower_priority(NICENESS)

    async def serve() -> None:
        worker = Worker(spec)
        garbage.settle()
        await worker.run()

    try:
        asyncio.run(serve())
    except FlowError as error:
        get_logger("server").error("cannot serve", extra={"error": error})
        return _fail(str(error), error.exit_code)
    except Exception as error:
        get_logger("server").exception("internal error")
        return _fail(f"the server failed: {type(error).__name__}: {error}", EXIT_FAULT)
    return EXIT_OK


def _fail(message: str, exit_code: int) -> int:
    from flow_gl.server.worker import send

    send(Failed(plain(masked(message), 1_000), exit_code))
    return exit_code


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    # Not sys.exit: the thread that reads the parent's lines must not delay the end.
    os._exit(code)
