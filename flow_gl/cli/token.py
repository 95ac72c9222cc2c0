"""The command `token`: access tokens for the server, created, listed and revoked."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from flow_gl.cli.options import Debug
from flow_gl.core.errors import UsageError

if TYPE_CHECKING:
    from flow_gl.server.security.token_file import Scope

token: Final = typer.Typer(
    help="Create, list and revoke the access tokens of flow-gl serve.", no_args_is_help=True, rich_markup_mode="rich"
)
_TokenFile = Annotated[
    Path | None, typer.Option("--tokens", help="Token file (default: in your config folder).", metavar="FILE")
]
_Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the token, like laptop or grafana.")]
_LONGEST_NS: Final = 3_660 * 86_400_000_000_000


@token.command()
def create(
    name: _Name,
    *,
    scopes: Annotated[
        str, typer.Option("--scopes", help="What it allows: read, control, metrics.", metavar="A,B")
    ] = "read",
    expires: Annotated[
        str, typer.Option("--expires", help="How long it is valid, like 12h or 90d; or never.", metavar="TIME")
    ] = "90d",
    tokens: _TokenFile = None,
    debug: Debug = False,  # noqa: ARG001 - read from the command line where errors are shown
) -> None:
    """Create a token and print it once: only its hash is stored.

    read is for charts and programs, control for commands that affect all clients, metrics for Prometheus.

    \b
    flow-gl token create laptop
    flow-gl token create desk --scopes read,control --expires never
    flow-gl token create prometheus --scopes metrics --expires 365d
    """
    from flow_gl.core.clock import SYSTEM
    from flow_gl.core.units import parse_duration_ns
    from flow_gl.server.security import token_file

    now = SYSTEM.wall_ns()
    chosen = _scopes(scopes)
    valid_ns = 0 if expires == "never" else parse_duration_ns(expires, high_ns=_LONGEST_NS, name="--expires")
    path = tokens or token_file.default_path()
    expires_ns = now + valid_ns if valid_ns else 0
    made = token_file.create(path, name=name, scopes=chosen, wall_ns=now, expires_ns=expires_ns)
    until = f"valid until {_moment(expires_ns)}" if expires_ns else "valid until it is revoked"
    typer.echo(f"flow-gl: token {name} ({', '.join(chosen)}), {until}; it is not shown again:", err=True)
    typer.echo(made)


@token.command("list")
def list_tokens(
    *,
    tokens: _TokenFile = None,
    debug: Debug = False,  # noqa: ARG001 - read from the command line where errors are shown
) -> None:
    """List the tokens with their scopes, last characters, creation and expiry."""
    from rich.console import Console
    from rich.table import Table

    from flow_gl.core.clock import SYSTEM
    from flow_gl.server.security import token_file

    path = tokens or token_file.default_path()
    entries = token_file.read(path) if tokens or path.exists() else ()
    if not entries:
        typer.echo("There are no tokens.")
        return
    now = SYSTEM.wall_ns()
    table = Table("name", "scopes", "token", "created", "expires", box=None)
    for entry in entries:
        state = "never" if not entry.expires_ns else _moment(entry.expires_ns)
        state += " (expired)" if entry.is_expired(now) else ""
        table.add_row(entry.name, ", ".join(entry.scopes), f"****{entry.hint}", _moment(entry.created_ns), state)
    Console(highlight=False).print(table)


@token.command()
def revoke(
    name: _Name,
    *,
    tokens: _TokenFile = None,
    debug: Debug = False,  # noqa: ARG001 - read from the command line where errors are shown
) -> None:
    """Revoke a token. A running server refuses it within a second and disconnects the clients that use it."""
    from flow_gl.server.security import token_file

    token_file.revoke(tokens or token_file.default_path(), name)
    typer.echo(f"flow-gl: revoked {name}", err=True)


def _scopes(text: str) -> "tuple[Scope, ...]":
    """Parse `--scopes`. Raises UsageError."""
    from flow_gl.server.security.token_file import SCOPES

    named = {part.strip() for part in text.split(",") if part.strip()}
    if not named or not named <= set(SCOPES):
        raise UsageError(f"--scopes: expected some of {', '.join(SCOPES)}, got {text!r}")
    return tuple(scope for scope in SCOPES if scope in named)


def _moment(ns: int) -> str:
    return datetime.fromtimestamp(ns // 1_000_000_000, UTC).strftime("%Y-%m-%d %H:%M UTC")
