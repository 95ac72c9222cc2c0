"""Loads the settings from four sources into one validated, frozen value.

Later sources win: `.env`, environment, TOML, flags. A setting has one name everywhere: `arm` in the TOML file,
`FLOW_GL_ARM` in `.env` and the environment, `--arm` as a flag (only the key is `DATABENTO_API_KEY`). An error names the
setting, the value, its source and the allowed range. An unknown name is an error too: otherwise a misspelt setting
would silently keep its default.
"""

import difflib
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, get_origin

from flow_gl.core.errors import UsageError
from flow_gl.core.log import mask, protect, protect_login
from flow_gl.core.settings import DECLARED, ENGINES, AggregationSettings, Declared, Secret, Settings
from flow_gl.core.spec import KEY_VARIABLE
from flow_gl.core.system.folders import config_dir

PREFIX: Final = "FLOW_GL_"
CONFIG_VARIABLE: Final = "FLOW_GL_CONFIG"
"""Names a TOML file to use instead of the user's own."""
NO_SETTINGS: Final = frozenset({CONFIG_VARIABLE, "FLOW_GL_CHECK_GL"})
"""Variables that are not settings: the config file, and a developer's switch (see `gl.api`)."""

_PASSWORD: Final = re.compile(r"://[^@/]*@")


@dataclass(frozen=True, slots=True)
class _Given:
    """A value and its source."""

    value: object
    source: str


def load(
    flags: Mapping[str, object] | None = None,
    *,
    sets: Mapping[str, object] | None = None,
    config: Path | None = None,
    env_file: Path | None = Path(".env"),
    environment: Mapping[str, str] | None = None,
) -> Settings:
    """Read the four sources and validate.

    Parameters
    ----------
    flags : values of the command line by setting; None for a flag that was not given
    sets : values that were given by the setting's name, as in `--set absorption.sd=3`
    config : TOML file; None for the one that `FLOW_GL_CONFIG` names, else the user's own if it exists
    env_file : `.env` file, read if it exists
    environment : variables; None for this process's

    Raises
    ------
    UsageError : one line about the first error
    """
    variables = os.environ if environment is None else environment
    given: dict[str, _Given] = {}
    if env_file is not None and env_file.is_file():
        given.update(_read_env_file(env_file))
    given.update(_read_environment(variables))
    named = config or (Path(variables[CONFIG_VARIABLE]) if variables.get(CONFIG_VARIABLE) else None)
    if named is not None or _has_user_config():
        given.update(_read_toml(named or user_config()))
    for name, value in (flags or {}).items():
        if value is not None:
            given[name] = _Given(value, f"--{name.replace('.', '-').replace('_', '-')}")
    for name, value in (sets or {}).items():
        if name not in DECLARED:
            raise UsageError(f"{name} is not a setting{nearest(name, list(DECLARED))}")
        given[name] = _Given(value, f"{name}={value}")
    settings = _validate(given)
    for secret in (settings.api_key, settings.token):
        if secret:
            protect(secret.get_secret_value())
    if settings.bus_login:
        protect_login(settings.bus_login.get_secret_value())
    return settings


def example_env() -> str:
    """Return the text of `.env.example`: every setting with its meaning and its default."""
    lines = [
        "# Settings of flow_gl. Copy to .env and uncomment what you want to change.",
        "# Sources, later ones win: .env, environment, TOML file (names without FLOW_GL_, in lower case), flags.",
    ]
    for name, declared in DECLARED.items():
        setting = declared.setting
        only = "" if set(ENGINES) <= set(setting.commands) else f"{', '.join(setting.commands)}: "
        unset = f" (default: {setting.unset})" if setting.unset else ""
        lines += ["", f"# {only}{setting.help}{unset}", f"#{variable_of(name)}={declared.default_text}"]
    lines += ["", "# The TOML file, instead of the user's own", f"#{CONFIG_VARIABLE}="]
    return "\n".join(lines) + "\n"


def user_config() -> Path:
    """Return the path of the user's own TOML file."""
    return config_dir() / "config.toml"


def _has_user_config() -> bool:
    try:
        return user_config().is_file()
    except OSError:
        return False  # another user's folder, as after `su`


def variable_of(setting: str) -> str:
    """Return the environment variable of a setting."""
    return KEY_VARIABLE if setting == "api_key" else PREFIX + setting.upper().replace(".", "_")


def _setting_of(variable: str) -> str | None:
    """Return the setting that a variable names; None if it is not one of ours. Raises KeyError for an unknown one."""
    if variable == KEY_VARIABLE:
        return "api_key"
    if not variable.startswith(PREFIX) or variable in NO_SETTINGS:
        return None
    return _VARIABLES[variable]


_VARIABLES: Final = {variable_of(name): name for name in DECLARED if name != "api_key"}
"""The settings by their environment variable."""


def _take_variable(variable: str, value: str | None, where: str) -> dict[str, _Given]:
    try:
        setting = _setting_of(variable)
    except KeyError:
        known = [variable_of(name) for name in DECLARED]
        raise UsageError(f"{variable} ({where}) is not a setting{nearest(variable, known)}") from None
    # `NAME=` means "not set", as in every .env file with its lines left empty.
    return {setting: _Given(value, f"{variable}, {where}")} if setting and value else {}


def _read_env_file(path: Path) -> dict[str, _Given]:
    from dotenv.parser import parse_stream

    given: dict[str, _Given] = {}
    try:
        with path.open(encoding="utf-8") as stream:
            for binding in parse_stream(stream):
                text = binding.original.string  # with the blank lines before it
                line = binding.original.line + text[: len(text) - len(text.lstrip())].count("\n")
                where = f"{path}, line {line}"
                if binding.error:
                    raise UsageError(f"{where}: expected NAME=value")
                if binding.key:
                    given.update(_take_variable(binding.key, binding.value, where))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read {path}: {error}") from error
    return given


def _read_environment(variables: Mapping[str, str]) -> dict[str, _Given]:
    given: dict[str, _Given] = {}
    for variable, value in variables.items():
        given.update(_take_variable(variable, value, "environment"))
    return given


def _read_toml(path: Path) -> dict[str, _Given]:
    try:
        with path.open("rb") as stream:
            content: dict[str, Any] = tomllib.load(stream)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path} is not a valid TOML file: {error}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read the config file {path}: {getattr(error, 'strerror', None) or error}") from error
    found = dict(_flat(content))
    for name in found:
        if name not in DECLARED:
            raise UsageError(f"{path}: {name} is not a setting{nearest(name, list(DECLARED))}")
    return {name: _Given(value, str(path)) for name, value in found.items()}


def _flat(content: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield names and values: `sd` in the table `[absorption]` is `absorption.sd`."""
    tables = {name.partition(".")[0] for name in DECLARED if "." in name}
    for name, value in content.items():
        if isinstance(value, dict) and name in tables:
            yield from ((f"{name}.{key}", one) for key, one in value.items())
        else:
            yield name, value


def nearest(name: str, known: list[str]) -> str:
    """Return a hint for an unknown name: the nearest known one, or all of them."""
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"; did you mean {close[0]}?" if close else f" (there are: {', '.join(known)})"


def _validate(given: Mapping[str, _Given]) -> Settings:
    """Build the settings. Raises UsageError for the first invalid value, in the order of `DECLARED`."""
    found: dict[bool, dict[str, Any]] = {True: {}, False: {}}
    for name, declared in DECLARED.items():
        if name in given:
            found[declared.is_aggregation][declared.field] = _convert(declared, given[name])
    return Settings(aggregation=AggregationSettings(**found[True]), **found[False])


def _convert(declared: Declared, entry: _Given) -> Any:
    """Convert a value to the setting's type and check its range. Raises UsageError."""
    from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError

    setting = declared.setting
    kind = setting.given_as or declared.type
    rules: list[Any] = [BeforeValidator(lambda value: _parts(value) if get_origin(kind) is tuple else value)]
    rules.append(BeforeValidator(lambda value: setting.words.get(str(value).strip().lower(), value)))
    if setting.given_as is None:
        rules.append(Field(ge=setting.ge, gt=setting.gt, le=setting.le, lt=setting.lt))
    if setting.check:
        rules.append(AfterValidator(setting.check))
    typed: Any = Annotated[kind, *rules]
    adapter = TypeAdapter[Any](typed, config=ConfigDict(str_strip_whitespace=True))
    try:
        return adapter.validate_python(entry.value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
    name = declared.name
    came = mask(str(entry.value)) if declared.type is Secret else _PASSWORD.sub("://****@", repr(entry.value))
    cause = first.get("ctx", {}).get("error")
    reason = str(cause or "") or f"expected: {setting.help}"
    raise UsageError(f"{name} was {came} ({entry.source}): {reason}")


def _parts(value: object) -> object:
    """Split a comma-separated text into a tuple; return anything else unchanged."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value
