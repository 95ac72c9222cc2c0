"""Registers the program's commands and turns every outcome into an exit code and at most one line of error."""

import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from typing import Annotated, Any, Final

import typer

from flow_gl import __version__
from flow_gl.cli import streams
from flow_gl.cli.bench import bench
from flow_gl.cli.commands import demo, live, replay
from flow_gl.cli.connect import connect
from flow_gl.cli.detect import detect
from flow_gl.cli.history import download, sessions
from flow_gl.cli.serve import serve
from flow_gl.cli.token import token
from flow_gl.cli.tools import doctor, export
from flow_gl.core.errors import (
    EXIT_DISPLAY,
    EXIT_FAULT,
    EXIT_INTERRUPTED,
    EXIT_OK,
    EXIT_RESOURCE,
    EXIT_USAGE,
    FlowError,
    lacking,
)
from flow_gl.core.log import masked
from flow_gl.core.outside import plain
from flow_gl.core.stderr import print_message
from flow_gl.core.system import interrupts, libraries

LONGEST_ERROR: Final = 2_000
"""Maximum length of an error line in characters: it may quote a file name or a gateway's message."""
HELP: Final = """An order-flow bubble chart for CME futures.

\b
flow-gl                   a start screen: demo, recent files and sessions, live, a server
flow-gl FILE...           the same as flow-gl replay FILE...
flow-gl demo              a synthetic market: no data and no key needed
flow-gl replay FILE...    recorded trades: Databento DBN or CSV
flow-gl live              Databento's live feed (DATABENTO_API_KEY)
flow-gl serve FEED        the numbers, for browsers and other programs
flow-gl connect URL       the charts of a server or of a bus (NATS)
flow-gl detect FILE...    events of many sessions, and what price did afterwards
flow-gl COMMAND --help    flags and examples of a command

Settings come from .env, the environment (FLOW_GL_*), the TOML config file and flags,
later ones override earlier ones. What is changed in the window (preferences, alert
rules, custom levels) is kept in the config folder, which flow-gl doctor names.

\b
Exit codes:
  0    done
  1    an internal error
  2    an invalid flag or setting
  3    a file is missing, damaged or of the wrong type
  4    the live feed, the server or the bus refused the key, the symbol or the connection
  5    no display, no OpenGL 3.3 or no video encoder
  6    out of shared memory, disk space or another resource
  130  interrupted (Ctrl-C); 143 after SIGTERM, 129 after SIGHUP; pictures and videos are completed
"""

app = typer.Typer(
    name="flow-gl",
    help=HELP,
    invoke_without_command=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)


def _version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"flow-gl {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    context: typer.Context,
    _version_asked: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    if context.invoked_subcommand is not None:
        return
    from flow_gl.cli import start

    if not start.has_display():
        typer.echo(context.get_help())
        return
    raise typer.Exit(start.start())


def run(arguments: Sequence[str]) -> int:
    """Run a command line of flow-gl and return its exit code."""
    from flow_gl.cli.start import with_command

    commands = _commands()
    return _run(commands, with_command(list(arguments), set(commands.commands)), name="flow-gl")


def run_app(program: typer.Typer, arguments: Sequence[str], *, name: str) -> int:
    """Run a command line and return its exit code.

    An error is one line on standard error; with --debug an internal error also prints its traceback.
    """
    return _run(typer.main.get_command(program), arguments, name=name)


def _run(program: Any, arguments: Sequence[str], *, name: str) -> int:
    try:
        with interrupts.raised():
            code = program.main(args=list(arguments), prog_name=name, standalone_mode=False)
            streams.flush(sys.stdout)
        return code if isinstance(code, int) else EXIT_OK
    except BrokenPipeError:
        # The reader closed the pipe (`flow-gl doctor | head`): not an error.
        streams.silence(sys.stdout)
        return EXIT_OK
    except interrupts.Interrupted as end:
        return end.exit_code
    except (KeyboardInterrupt, typer.Abort):
        return EXIT_INTERRUPTED
    except (Exception, SystemExit) as error:
        return _fail(error, is_debug="--debug" in arguments)


@cache
def _commands() -> Any:
    """Return the program's commands. They are built once: the flags of all take a twentieth of a second."""
    for command in (demo, replay, live, connect, export, detect, sessions, download, doctor):
        app.command()(command)
    app.add_typer(serve, name="serve")
    app.add_typer(token, name="token")
    # Flags after a benchmark's name belong to the benchmark, including --help.
    own_flags = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}
    app.command(context_settings=own_flags)(bench)
    return typer.main.get_group(app)


def _usage(error: typer.TyperException) -> str:
    """Describe a usage error in one line, with a pointer to --help."""
    message = getattr(error, "format_message", lambda: str(error))()
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "flow-gl"
    return f"{message.replace('Value error, ', '').strip().rstrip('.')} (see {path} --help)"


def _fail(error: Exception | SystemExit, *, is_debug: bool) -> int:
    """Print an error, with the traceback of an internal error if --debug is given; return the exit code."""
    if isinstance(error, SystemExit) and isinstance(error.__context__, BrokenPipeError):
        return EXIT_OK  # Rich exits by itself if the reader of its output has closed the pipe
    if is_debug and not isinstance(error, typer.TyperException | FlowError):
        with suppress(OSError):
            sys.stderr.write(masked("".join(traceback.format_exception(error))))
    if isinstance(error, FlowError):
        message, exit_code = str(error), error.exit_code
    elif isinstance(error, typer.TyperException):
        message, exit_code = _usage(error), EXIT_USAGE
    elif isinstance(error, ImportError | OSError) and (reason := libraries.explain(error)):
        message, exit_code = reason, EXIT_DISPLAY
    elif isinstance(error, MemoryError):
        message, exit_code = "out of memory", EXIT_RESOURCE
    elif isinstance(error, OSError) and (lack := lacking(error)):
        message, exit_code = f"{error.filename or 'the output cannot be written'}: {lack}", EXIT_RESOURCE
    else:
        message = f"internal error: {type(error).__name__}: {error} (--debug prints the traceback)"
        exit_code = EXIT_FAULT
    return _end(f"error: {plain(masked(message), LONGEST_ERROR)}", exit_code)


def _end(line: str, exit_code: int) -> int:
    with suppress(OSError):
        streams.flush(sys.stdout)
    print_message(line)
    with suppress(OSError):
        streams.flush(sys.stderr)
    return exit_code
