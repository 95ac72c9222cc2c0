"""The program's commands put together, and its one way of ending: an exit code, and one line if anything is wrong."""

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated, Final

import typer

from flow_gl import __version__
from flow_gl.cli.commands import demo, live, replay
from flow_gl.cli.history import download, sessions
from flow_gl.cli.tools import bench, doctor, export
from flow_gl.core.errors import EXIT_FAULT, EXIT_INTERRUPTED, EXIT_OK, EXIT_USAGE, FlowError
from flow_gl.core.log import masked

HELP: Final = """The order-flow bubble chart for CME futures.

\b
flow-gl demo              a synthetic market: no data and no key needed
flow-gl replay FILE...    recorded trades: Databento DBN or CSV
flow-gl live              Databento's live feed (DATABENTO_API_KEY)
flow-gl COMMAND --help    flags and examples of a command

Settings come from .env, the environment (FLOW_GL_*), the TOML config file and flags; later ones win.

\b
Exit codes:
  0    done
  1    a fault of the program
  2    a wrong flag or setting
  3    a file is missing, damaged or of the wrong kind
  4    the live feed refused: key, symbol, connection
  5    no display, no OpenGL 3.3 or no video encoder
  6    shared memory, disk or another resource is lacking
  130  interrupted
"""

app = typer.Typer(
    name="flow-gl",
    help=HELP,
    no_args_is_help=True,
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
    _version_asked: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None: ...


def run(arguments: Sequence[str]) -> int:
    """Run a command line; its exit code. Errors are one line on standard error, a traceback only with --debug."""
    _register()
    try:
        code = typer.main.get_command(app).main(args=list(arguments), prog_name="flow-gl", standalone_mode=False)
        sys.stdout.flush()
        return code if isinstance(code, int) else EXIT_OK
    except BrokenPipeError:
        # Whoever read our output has gone (`flow-gl doctor | head`): nothing is wrong.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_OK
    except (KeyboardInterrupt, typer.Abort):
        return EXIT_INTERRUPTED
    except Exception as error:
        if "--debug" in arguments and not isinstance(error, typer.TyperException):
            raise
        return _fail(error)


def _register() -> None:
    if not app.registered_commands:
        for command in (demo, replay, live, export, sessions, download, doctor):
            app.command()(command)
        # The flags behind a benchmark's name are its own, --help too.
        own_flags = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}
        app.command(context_settings=own_flags)(bench)


def _usage(error: typer.TyperException) -> str:
    """A wrong command line in one line, with where to look."""
    message = getattr(error, "format_message", lambda: str(error))()
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "flow-gl"
    return f"{message.replace('Value error, ', '').strip().rstrip('.')} (see {path} --help)"


def _fail(error: Exception) -> int:
    if isinstance(error, FlowError):
        message, exit_code = str(error), error.exit_code
    elif isinstance(error, typer.TyperException):
        message, exit_code = _usage(error), EXIT_USAGE
    else:
        message = f"a fault of the program: {type(error).__name__}: {error} (--debug shows where)"
        exit_code = EXIT_FAULT
    return _end(f"error: {masked(' '.join(message.split()))}", exit_code)


def _end(line: str, exit_code: int) -> int:
    with suppress(OSError):
        sys.stdout.flush()
    print(f"flow-gl: {line}", file=sys.stderr, flush=True)  # noqa: T201 - the command line's own voice
    return exit_code
