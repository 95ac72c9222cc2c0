"""A publisher's process. Standard input carries its task and the engine's lines, standard output its state."""

import asyncio
import faulthandler
import os
import sys
from contextlib import suppress
from typing import Final

import msgspec

from flow_gl.core.errors import EXIT_FAULT, EXIT_OK, EXIT_USAGE
from flow_gl.core.log import get_logger, protect_login, start_log
from flow_gl.core.spec import LOGIN_VARIABLE
from flow_gl.core.system import garbage, parent
from flow_gl.core.system.platform import processes
from flow_gl.services.bus.lines import PublisherSpec, StateLine, StopLine, decode_engine, decode_spec, encode

NICENESS: Final = 5
"""Lower than the engine and a window: if cores are scarce, the bus waits and the engine does not."""


def main() -> int:
    """Run a publisher. Returns its exit code."""
    faulthandler.enable()
    garbage.begin()
    line = sys.stdin.buffer.readline()
    if not line:
        return EXIT_OK
    try:
        spec = decode_spec(line)
    except msgspec.MsgspecError:
        return EXIT_USAGE
    login = os.environ.get(LOGIN_VARIABLE, "")
    protect_login(login)
    start_log("bus", level=spec.log_level, is_verbose=spec.debug)
    processes.lower_priority(NICENESS)
    try:
        asyncio.run(_run(spec, login))
    except Exception:
        get_logger("bus").exception("internal error")
        raise
    return EXIT_OK


async def _run(spec: PublisherSpec, login: str) -> None:
    from flow_gl.services.bus.publisher import Publisher

    sent: list[StateLine] = []

    def report(state: StateLine) -> None:
        if sent != [state]:
            sent[:] = [state]
            with suppress(OSError):  # the engine has ended
                os.write(1, encode(state))

    publisher = Publisher(spec, login, report)
    loop = asyncio.get_running_loop()
    parent.stop_on_signals(loop, publisher.stop)

    def take(line: bytes) -> None:
        try:
            found = decode_engine(line)
        except msgspec.MsgspecError as error:
            get_logger("bus").error("invalid line from the engine", extra={"line": line[:200], "error": error})
            return
        if isinstance(found, StopLine):
            publisher.stop()
        else:
            publisher.follow(found)

    parent.read_lines(loop, take, at_end=lambda: publisher.stop("restarting"))
    garbage.settle()
    try:
        await publisher.run()
    finally:
        publisher.close()


if __name__ == "__main__":
    try:
        code = main()
    except Exception as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        code = EXIT_FAULT
    sys.stdout.flush()
    # Not sys.exit: the thread that reads the engine's lines must not delay the end.
    os._exit(code)
