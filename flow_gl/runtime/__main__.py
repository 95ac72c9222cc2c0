"""The engine process, from the spec on standard input to the removal of its shared memory.

The hello is sent before anything heavy is imported, so that the window has a status to show. A second thread compiles
the kernels (the first time: seconds) and scans the files while the heartbeat continues.
"""

import faulthandler
import os
import queue
import signal
import sys
import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final

import msgspec

from flow_gl.core.clock import SYSTEM
from flow_gl.core.commands import Command, Stop, decode
from flow_gl.core.errors import EXIT_FAULT, EXIT_OK, EXIT_RESOURCE, EXIT_USAGE, FlowError, UsageError, lacking
from flow_gl.core.log import get_logger, masked, protect, protect_login, start_log
from flow_gl.core.outside import plain
from flow_gl.core.schema import FeedState
from flow_gl.core.spec import (
    KEY_VARIABLE,
    LOGIN_VARIABLE,
    TOKEN_VARIABLE,
    Answer,
    AvailableSymbols,
    BusSpec,
    EngineSpec,
    Failure,
    Hello,
    RemoteSpec,
    decode_spec,
    encode,
)
from flow_gl.core.system import garbage
from flow_gl.runtime.launch import Session
from flow_gl.runtime.meters import StatusBoard
from flow_gl.store.market import EngineStore
from flow_gl.store.shm import remove_stale

if TYPE_CHECKING:
    from flow_gl.runtime.remote.session import RemoteSession

LONGEST_REASON: Final = 1_000
"""Longest reason for a failure, characters."""
BEAT_S: Final = 0.05
"""Time between two heartbeats during preparation."""

Commands = queue.SimpleQueue[Command]


def main() -> int:
    """Run an engine. Returns its exit code."""
    faulthandler.enable()
    # The decoder panics on some damaged data. The panic is caught, and its backtrace would only fill the log.
    os.environ["RUST_BACKTRACE"] = "0"
    garbage.begin()
    line = sys.stdin.buffer.readline()
    if not line:
        return EXIT_OK
    try:
        spec = decode_spec(line)
    except (msgspec.MsgspecError, UsageError) as error:
        return _fail(f"the engine's specification is invalid: {error}", EXIT_USAGE)
    for variable in (KEY_VARIABLE, TOKEN_VARIABLE):
        protect(os.environ.get(variable, ""))
    protect_login(os.environ.get(LOGIN_VARIABLE, ""))
    start_log("engine", level=spec.log_level, is_verbose=spec.debug)
    commands: Commands = queue.SimpleQueue()
    for number in (signal.SIGTERM, signal.SIGINT):
        # A SimpleQueue may be put to from a signal handler.
        signal.signal(number, lambda *_: commands.put(Stop()))
    try:
        with ExitStack() as owned:
            return _serve(spec, commands, owned)
    except FlowError as error:
        return _fail(str(error), error.exit_code)


def _serve(spec: EngineSpec, commands: Commands, owned: ExitStack) -> int:
    """Create the shared memory and run. Raises SharedMemoryError if there is none."""
    log = get_logger("engine")
    for name in remove_stale():
        log.warning("removed the shared memory of a dead engine", extra={"segment": name})
    store = EngineStore.create("engine")
    owned.callback(store.close)
    board = StatusBoard(store)
    board.publish(SYSTEM.wall_ns())
    _answer(Hello(pid=os.getpid(), store=store.name))
    threading.Thread(target=_listen, args=(commands, spec.serve_on), name="commands", daemon=True).start()
    session = _session(spec, board)
    owned.callback(session.close)
    try:
        if _prepare(session, board, commands):
            if isinstance(session, Session) and (session.offered or session.addable_stype):
                _answer(AvailableSymbols(symbols=session.offered, addable_stype=session.addable_stype))
            session.run(commands)
        if lost := session.close():
            raise FlowError(lost)
    except FlowError as error:
        log.error("cannot continue", extra={"error": error})
        return _give_up(board, str(error), error.exit_code)
    except MemoryError:
        return _give_up(board, "out of memory", EXIT_RESOURCE)
    except OSError as error:
        if lack := lacking(error):
            log.exception("out of a resource")
            return _give_up(board, f"{error.filename or 'the engine cannot continue'}: {lack}", EXIT_RESOURCE)
        log.exception("internal error")
        return _give_up(board, f"the engine failed: {type(error).__name__}: {error}", EXIT_FAULT)
    except Exception as error:
        log.exception("internal error")
        return _give_up(board, f"the engine failed: {type(error).__name__}: {error}", EXIT_FAULT)
    return EXIT_OK


def _session(spec: EngineSpec, board: StatusBoard) -> "Session | RemoteSession":
    if isinstance(spec.feed, RemoteSpec | BusSpec):
        from flow_gl.runtime.remote.session import RemoteSession

        variable = TOKEN_VARIABLE if isinstance(spec.feed, RemoteSpec) else LOGIN_VARIABLE
        return RemoteSession(spec.feed, os.environ.get(variable, ""), SYSTEM, board, _answer)
    return Session(spec, SYSTEM, board, _answer)


def _prepare(session: "Session | RemoteSession", board: StatusBoard, commands: Commands) -> bool:
    """Prepare the session while publishing heartbeats. False if a Stop command arrived in the meantime."""
    thread = threading.Thread(target=session.prepare, name="prepare", daemon=True)
    thread.start()
    early: list[Command] = []
    while thread.is_alive():
        board.row["compiling"] = session.is_compiling
        board.text("message", session.progress)
        board.publish(SYSTEM.wall_ns())
        try:
            command = commands.get(timeout=BEAT_S)
        except queue.Empty:
            continue
        if isinstance(command, Stop):
            return False
        early.append(command)
    board.row["compiling"] = 0
    for command in early:
        commands.put(command)
    return True


def _listen(commands: Commands, serve_on: bool) -> None:
    """Read commands until standard input is closed, which means that the view has exited."""
    for line in sys.stdin.buffer:
        try:
            commands.put(decode(line))
        except msgspec.MsgspecError as error:
            get_logger("engine").error("not a command", extra={"line": line[:200], "error": error})
    if not serve_on:
        commands.put(Stop())


def _give_up(board: StatusBoard, message: str, exit_code: int) -> int:
    board.row["state"] = FeedState.FAILED
    board.text("message", masked(message))
    board.publish(SYSTEM.wall_ns())
    return _fail(message, exit_code)


def _fail(message: str, exit_code: int) -> int:
    _answer(Failure(error=plain(masked(message), LONGEST_REASON), exit_code=exit_code))
    return exit_code


def _answer(message: Answer) -> None:
    """Write a line to the view, which may already have exited."""
    try:
        sys.stdout.buffer.write(encode(message))
        sys.stdout.buffer.flush()
    except OSError:
        get_logger("engine").warning("the view has closed the pipe")


if __name__ == "__main__":
    code = main()
    # Not sys.exit: a compilation in the preparing thread, or a client's thread, must not delay the exit.
    sys.stdout.flush()
    os._exit(code)
