"""The declarations of all settings. The tests iterate over them, so a new setting is tested without a new line here."""

import inspect
import math
from dataclasses import fields, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest
import typer

from flow_gl.cli.main import app, run
from flow_gl.core import config
from flow_gl.core.commands import Configure, decode
from flow_gl.core.commands import encode as encode_command
from flow_gl.core.errors import UsageError
from flow_gl.core.settings import (
    AGGREGATION,
    DECLARED,
    DEFAULTS,
    HEADINGS,
    AggregationSettings,
    Declared,
    Settings,
    difference,
    merge,
)
from flow_gl.core.settings.declaration import FEED, KEPT
from flow_gl.core.spec import DemoSpec, EngineSpec, FeedSpec, FilesSpec, LiveSpec, decode_spec, encode
from flow_gl.engine.pipeline import Pipeline

RUNNING = [declared for declared in AGGREGATION.values() if declared.setting.while_running]
every_setting = pytest.mark.parametrize("declared", DECLARED.values(), ids=DECLARED)

OTHERS = {
    **{"api_key": "db-another", "symbols": "ES.v.0", "dataset": "XNAS.ITCH", "gateway": "localhost"},
    **{"record_dir": "/elsewhere", "archive": "off", "bucket": "5s", "cvd_reset_times": "09:30", "span": "10m"},
    **{"panels": "feed", "size": "800x600", "marks": "absorption", "token": "another", "ca": "/ca.pem"},
    **dict.fromkeys(("buy_color", "sell_color", "grey_color", "background_color"), "#123456"),
    **{"monitor": "DP-1", "bus_login": "me:another", "bus_creds": "/bus.creds", "bus": "nats://localhost"},
}
"""A value other than the default, as a user writes it, for settings whose type and range do not give one."""


def another(declared: Declared) -> str:
    """Return a valid value other than the default, as a user writes it."""
    setting = declared.setting
    if declared.name in OTHERS:
        return OTHERS[declared.name]
    if get_origin(declared.type) is Literal:
        return next(choice for choice in get_args(declared.type) if choice != declared.default)
    if declared.type is bool:
        return str(not declared.default).lower()
    lows = [bound for bound in (setting.ge, setting.gt) if bound is not None]
    low, step = (lows[0] if lows else 1), 2 if declared.type is int else 0.125
    tried = (declared.type(low + step * n) for n in range(5))
    return str(next(value for value in tried if value != declared.default and declared.is_valid(value)))


def value_of(settings: Settings, declared: Declared) -> Any:
    return getattr(settings.aggregation if declared.is_aggregation else settings, declared.field)


def load(**sources: Any) -> Settings:
    return config.load(**{"env_file": None, "environment": {}, **sources})


@cache
def options_of(command: str) -> dict[str, Any]:
    """Return a command's options by name; making them takes 50 ms."""
    run(["--version"])  # registers the commands
    commands: dict[str, Any] = typer.main.get_command(app).commands  # type: ignore[attr-defined]  # a group
    return {parameter.name: parameter for parameter in commands[command].params}


def test_every_field_is_declared() -> None:
    expected = {one.name for one in (*fields(AggregationSettings), *fields(Settings))} - {"aggregation"}
    assert {declared.field for declared in DECLARED.values()} == expected


@every_setting
def test_a_setting_has_a_help_and_commands_that_need_it(declared: Declared) -> None:
    setting = declared.setting
    assert setting.help
    assert not setting.help.endswith(".")
    assert setting.commands
    assert setting.heading in HEADINGS
    if declared.is_aggregation and get_origin(declared.type) is not tuple and declared.type is not bool:
        assert setting.allowed
    if setting.while_running:
        assert setting.label


@every_setting
def test_a_setting_has_its_flag_in_every_command_that_needs_it(declared: Declared) -> None:
    for command in declared.setting.commands:
        option = options_of(command)[declared.key]
        assert set(declared.flag.split("/")) == {*option.opts, *option.secondary_opts}
        assert declared.setting.help.lower() in option.help.lower()
        default = declared.default_text or declared.setting.unset
        if default and declared.type is not bool:
            assert option.help.endswith(f"(default: {default}).")
        assert option.default is None, "what is not given leaves the other sources in force"


@every_setting
def test_every_source_sets_it(declared: Declared, tmp_path: Any) -> None:
    text, name = another(declared), declared.name
    (tmp_path / "config.toml").write_text(f'{name} = "{text}"\n')
    (tmp_path / ".env").write_text(f"{config.variable_of(name)}={text}\n")
    found = [
        value_of(load(flags={name: text}), declared),
        value_of(load(environment={config.variable_of(name): text}), declared),
        value_of(load(config=tmp_path / "config.toml"), declared),
        value_of(load(env_file=tmp_path / ".env"), declared),
    ]
    assert found[0] != value_of(DEFAULTS, declared)
    assert found[1:] == found[:1] * 3


@every_setting
def test_the_default_shown_is_the_default_used(declared: Declared) -> None:
    if declared.default_text:
        assert value_of(load(flags={declared.name: declared.default_text}), declared) == declared.default


@every_setting
def test_a_value_out_of_range_is_refused_by_sources_engine_and_patch_alike(declared: Declared) -> None:
    setting = declared.setting
    low, high = (setting.ge, setting.gt), (setting.le, setting.lt)
    wrong = [bound - 1 for bound in low if bound is not None] + [bound + 1 for bound in high if bound is not None]
    for value in wrong:
        with pytest.raises(UsageError, match=declared.name):
            load(flags={declared.name: str(value)})
        if declared.is_aggregation:
            with pytest.raises(UsageError, match=f"{declared.field} must be {setting.allowed}, was"):
                AggregationSettings(**{declared.field: declared.type(value)})
        if setting.while_running:
            with pytest.raises(UsageError, match=f"{declared.field} must be {setting.allowed}, was"):
                merge(DEFAULTS.aggregation, {declared.field: value})


@pytest.mark.parametrize("declared", AGGREGATION.values(), ids=AGGREGATION)
def test_the_engine_receives_all_its_settings(declared: Declared) -> None:
    aggregation = load(flags={declared.name: another(declared)}).aggregation
    spec = EngineSpec(feed=DemoSpec(), aggregation=aggregation)
    assert decode_spec(encode(spec)) == spec
    assert value_of(replace(DEFAULTS, aggregation=decode_spec(encode(spec)).aggregation), declared) != declared.default


@pytest.mark.parametrize("declared", RUNNING, ids=[declared.field for declared in RUNNING])
def test_a_patch_changes_only_what_it_names(declared: Declared) -> None:
    value = value_of(load(flags={declared.name: another(declared)}), declared)
    patch = decode(encode_command(Configure({declared.field: value})))
    assert isinstance(patch, Configure)
    before = replace(DEFAULTS.aggregation, sessions=False)
    after = merge(before, patch.changes)
    assert after == replace(before, **{declared.field: value})
    assert difference(before, after) == {declared.field: value}
    assert merge(before, difference(before, after)) == after


@pytest.mark.parametrize(
    "changes", [{name: value.default} for name, value in AGGREGATION.items() if value not in RUNNING] + [{"arn": 5}]
)
def test_a_patch_of_what_is_fixed_while_the_engine_runs_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="cannot be changed while the engine runs; these can: arm, value_area"):
        merge(DEFAULTS.aggregation, changes)


@pytest.mark.parametrize("value", ["many", None, 7.5, [1]])
def test_a_patch_with_a_value_of_another_type_is_refused(value: object) -> None:
    with pytest.raises(UsageError, match="arm must be at least 1 contract"):
        merge(DEFAULTS.aggregation, {"arm": value})


def test_defaults_are_declared_nowhere_else() -> None:
    """Pipeline, engine spec and view options have no defaults of their own."""
    from flow_gl.ui.state.options import ViewOptions
    from flow_gl.ui.state.view_state import ViewState

    assert inspect.signature(Pipeline).parameters["settings"].default == DEFAULTS.aggregation
    assert EngineSpec(feed=DemoSpec()).aggregation == DEFAULTS.aggregation
    assert ViewOptions().settings.aggregation == ViewState().aggregation == DEFAULTS.aggregation
    for kind in (EngineSpec, ViewState):
        assert not set(AGGREGATION) & set(kind.__annotations__)
    assert not set(DECLARED) & set(ViewOptions.__annotations__)
    assert not set(AGGREGATION) & set(inspect.signature(Pipeline).parameters) - {"sessions"}


@pytest.mark.parametrize(
    ("spec", "own"),
    # The key travels in the environment; a session's date is looked up in the folder before the engine starts.
    [(DemoSpec, set()), (FilesSpec, {"dataset", "record_dir"}), (LiveSpec, {"api_key"})],
)
def test_a_setting_of_a_feed_reaches_its_engine(spec: type[FeedSpec], own: set[str]) -> None:
    of_feed = {
        one.field
        for one in DECLARED.values()
        if spec.command in one.setting.commands and one.setting.heading in {FEED, KEPT}
    }
    assert of_feed - own <= set(spec.__struct_fields__)


def test_a_spec_accepts_settings_as_json_values() -> None:
    settings = Settings(symbols=("NQZ5",), keep_days=0, keep_gb=2.5, record_dir=Path("kept"), speed=math.inf)
    live = LiveSpec.from_settings(settings)
    assert (live.symbols, live.keep_days, live.keep_gb) == (("NQZ5",), 0, 2.5)
    assert live.record_dir == str(Path("kept").absolute())
    demo = DemoSpec.from_settings(settings, seed=3)
    assert (demo.symbols, demo.speed, demo.seed) == (("NQ", "ES"), None, 3), "the demo has symbols of its own"
