"""The flags that several commands share.

Flags for settings are generated from the declarations in `core.settings`: `takes_settings` adds those that a command
uses. They are passed on as text, and `core.config` checks them with the same messages for every source.

`takes_flags` adds the fields of a dataclass: `Drawing` to the commands that draw, `Serving` to those that serve.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import partial, wraps
from pathlib import Path
from typing import Annotated, Any, Final, get_type_hints

import typer

from flow_gl.core.settings import DECLARED, DRAWING, FEED, HEADINGS, LOGS, SERVE, SHOW, Declared


def flag(name: str, help: str, metavar: str | None = None, *, heading: str = FEED, **more: Any) -> Any:  # noqa: A002
    """Declare a flag that is listed under `heading` in the help."""
    return typer.Option(name, help=help, metavar=metavar, rich_help_panel=heading, **more)


def seconds(text: str | float) -> float:
    """Parse the value of `--duration`: seconds, or a number with its unit, as 10, 30s and 2h. Raises UsageError."""
    try:
        return float(text)
    except ValueError:
        from flow_gl.core.units import parse_duration_ns

        return parse_duration_ns(str(text), name="--duration") / 1e9


_show: Final = partial(flag, heading=SHOW)
_setting: Final = partial(flag, heading=LOGS)
_serve: Final = partial(flag, heading=SERVE)

Files = Annotated[
    list[Path], typer.Argument(metavar="FILE...", help="DBN or Databento CSV, plain, zstd or gzip, in any order.")
]
Config = Annotated[Path | None, _setting("--config", "Config file (default: in your config folder).", "TOML")]
Debug = Annotated[bool, _setting("--debug", "Also log to the terminal, and print tracebacks.")]


@dataclass(frozen=True, slots=True)
class Drawing:
    """The values of the flags that all drawing commands share."""

    headless: Annotated[bool, _show("--headless", "Draw off-screen, without a window.")] = False
    duration: Annotated[
        float | None,
        _show("--duration", "Exit after this time: 10 (seconds), 2m, 7h (default: never).", "TIME", parser=seconds),
    ] = None
    screenshot: Annotated[
        Path | None, _show("--screenshot", "Write the last frame to this file at the end.", "PNG")
    ] = None
    serve: Annotated[bool, _serve("--serve", "Also serve the numbers to browsers and programs: see flow-gl serve.")] = (
        False
    )
    metrics: Annotated[
        int | None,
        _serve("--metrics", "Without --serve: provide /metrics for Prometheus on this port.", "PORT", min=1, max=65535),
    ] = None
    video: Annotated[Path | None, _show("--record", "Write a video, at a constant frame rate.", "MP4")] = None
    config: Config = None
    debug: Debug = False


@dataclass(frozen=True, slots=True)
class Serving:
    """The values of the flags of the server."""

    host: Annotated[str, _serve("--host", "Address to listen on.", "HOST")] = "127.0.0.1"
    port: Annotated[int, _serve("--port", "Port, 0 for any free one.", "N", min=0, max=65535)] = 8080
    workers: Annotated[int, _serve("--workers", "Processes that share the port.", "N", min=1, max=64)] = 1
    tokens: Annotated[
        Path | None, _serve("--tokens", "Token file (default: the one of flow-gl token, if there is one).", "FILE")
    ] = None
    tls_cert: Annotated[Path | None, _serve("--tls-cert", "Certificate chain, PEM.", "FILE")] = None
    tls_key: Annotated[Path | None, _serve("--tls-key", "Its private key, PEM.", "FILE")] = None
    insecure: Annotated[bool, _serve("--insecure", "Allow connections with other machines without tokens or TLS.")] = (
        False
    )
    origin: Annotated[
        list[str] | None, _serve("--origin", "Let pages of another origin connect. Repeatable.", "URL")
    ] = None
    limit: Annotated[
        list[str] | None, _serve("--limit", "Set a limit, like messages=100/minute. Repeatable.", "NAME=VALUE")
    ] = None


def takes_settings(command: Callable[..., None]) -> Callable[..., None]:
    """Add the flags of a command's settings, passed as its argument `given`: text by setting, None if not given."""
    return _takes_settings(command, lambda _: True)


def takes_settings_without_picture(command: Callable[..., None]) -> Callable[..., None]:
    """Add the flags as `takes_settings` does, without those that only affect the display."""
    return _takes_settings(command, _is_without_picture)


def takes_settings_of(name: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Add the flags of another command's settings, without those that only affect the display."""
    return lambda command: _takes_settings(command, _is_without_picture, name)


def _is_without_picture(declared: Declared) -> bool:
    return declared.setting.heading != SHOW or declared.setting.commands != DRAWING


def _takes_settings(
    command: Callable[..., None], is_wanted: Callable[[Declared], bool], name: str = ""
) -> Callable[..., None]:
    declarations = [declared for declared in DECLARED.values() if is_wanted(declared)]
    ours = [declared for declared in declarations if (name or command.__name__) in declared.setting.commands]
    parameters = [_keyword(declared.key, _flag_of(declared), None) for declared in ours]
    return _taking(command, "given", parameters, _by_name)


def _by_name(**given: Any) -> dict[str, Any]:
    """Return the given values by the settings' names instead of their keys."""
    names = {declared.key: declared.name for declared in DECLARED.values()}
    return {names[key]: value for key, value in given.items()}


def takes_flags(kind: type, argument: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Add the flags that are the fields of a dataclass to a command, which gets the dataclass as `argument`."""
    hints = get_type_hints(kind, include_extras=True)
    parameters = [_keyword(field.name, hints[field.name], field.default) for field in fields(kind)]
    return lambda command: _taking(command, argument, parameters, kind)


def _keyword(name: str, annotation: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def _flag_of(declared: Declared) -> Any:
    """Return the typer annotation of a setting's flag."""
    setting = declared.setting
    default = declared.default_text or setting.unset
    if declared.type is bool and declared.default is not None:
        default = declared.flag.split("/")[0 if declared.default else 1]
    text = f"{setting.help[0].upper()}{setting.help[1:]}"
    text += f" (default: {default})." if default else "."
    kind = declared.type if declared.type in (bool, Path) else str
    return Annotated[kind | None, flag(declared.flag, text, setting.metavar or None, heading=setting.heading)]


def _taking(
    command: Callable[..., None], argument: str, added: list[inspect.Parameter], make: Callable[..., object]
) -> Callable[..., None]:
    """Wrap a command: replace `argument` by the `added` parameters it is made of, sorted by heading."""

    @wraps(command)
    def wrapped(**values: Any) -> None:
        made = make(**{parameter.name: values.pop(parameter.name) for parameter in added})
        command(**values, **{argument: made})

    annotations = get_type_hints(command, include_extras=True)
    own = [
        parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=annotations[parameter.name])
        for parameter in inspect.signature(command).parameters.values()
        if parameter.name != argument
    ]
    parameters = sorted([*own, *added], key=_place)
    wrapped.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # read by inspect
    wrapped.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return wrapped


def _place(parameter: inspect.Parameter) -> int:
    """Return the sort key of a parameter: the position of its heading; 0 if it has none."""
    for note in getattr(parameter.annotation, "__metadata__", ()):
        heading = getattr(note, "rich_help_panel", None)
        if heading in HEADINGS:
            return 1 + HEADINGS.index(heading)
    return 0
