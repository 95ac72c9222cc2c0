"""Settings: four sources, one value, and errors that name the source."""

import re
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from flow_gl.core import config, log
from flow_gl.core.errors import UsageError
from flow_gl.core.settings import DECLARED, Settings

ROOT = Path(__file__).resolve().parents[2]
KEY = "db-ThisIsNoRealKeyOnlyATestsOwn"


def load(**sources: object) -> Settings:
    """Load settings from the given sources only."""
    return config.load(**{"env_file": None, "environment": {}, **sources})  # type: ignore[arg-type]


def refusal(**sources: object) -> str:
    with pytest.raises(UsageError) as caught:
        load(**sources)
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    return tmp_path / ".env", tmp_path / "config.toml"


def test_later_sources_override_earlier_ones(files: tuple[Path, Path]) -> None:
    env, toml = files
    env.write_text("FLOW_GL_ARM=1\nFLOW_GL_FPS=1\nFLOW_GL_MONITOR=1\n")
    toml.write_text("arm = 3\nfps = 3\n")
    variables = {"FLOW_GL_ARM": "2", "FLOW_GL_FPS": "2", "FLOW_GL_MONITOR": "2", "HOME": "/"}
    settings = load(flags={"arm": "4", "palette": None}, config=toml, env_file=env, environment=variables)
    assert (settings.aggregation.arm, settings.fps, settings.monitor, settings.palette) == (4, 3.0, "2", None)
    assert load(env_file=env).monitor == "1"
    assert load() == Settings()


def test_every_source_accepts_lists_durations_and_switches(files: tuple[Path, Path]) -> None:
    env, toml = files
    env.write_text("FLOW_GL_SYMBOLS=NQ.v.0, ES.v.0\nexport FLOW_GL_BUCKET='500ms'\nFLOW_GL_FULLSCREEN=yes\n")
    toml.write_text('symbols = ["NQ.v.0", "ES.v.0"]\nbucket = "500ms"\nfullscreen = true\n')
    for settings in (load(env_file=env), load(config=toml)):
        assert settings.symbols == ("NQ.v.0", "ES.v.0")
        assert settings.aggregation.bucket_ns == 500_000_000
        assert settings.fullscreen


def test_the_config_file_may_be_named_in_the_environment(files: tuple[Path, Path]) -> None:
    files[1].write_text("arm = 7\n")
    assert load(environment={config.CONFIG_VARIABLE: str(files[1])}).aggregation.arm == 7


def test_an_empty_variable_is_not_set() -> None:
    assert load(environment={"FLOW_GL_ARM": "", "DATABENTO_API_KEY": ""}) == Settings()


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("FLOW_GL_ARM", "0", "arm was '0' .*at least 1"),
        ("FLOW_GL_ARM", "many", "arm was 'many'"),
        ("FLOW_GL_BUCKET", "1ms", "one of 100ms, 200ms, 500ms, 1s"),
        ("FLOW_GL_BUCKET", "3s", "5m, 15m, 30m, 1h"),
        ("FLOW_GL_BUCKET", "soon", "one of 100ms, 200ms"),
        ("FLOW_GL_SYMBOLS", "NQ.v.0,NQ.v.0", "each symbol may be given only once"),
        ("FLOW_GL_SYMBOLS", ",".join(f"S{n}" for n in range(10)), "expected 1 to 9 symbols, got 10"),
        ("FLOW_GL_SYMBOLS", ",", "got 0"),
        ("FLOW_GL_SYMBOLS", "ß", "a symbol like NQ.v.0"),
        ("FLOW_GL_GATEWAY_PORT", "65536", "1 to 65535"),
        ("FLOW_GL_STYPE_IN", "smart", "continuous, parent, raw_symbol or instrument_id"),
        ("FLOW_GL_DATASET", "glbx", "dataset was 'glbx'"),
        ("FLOW_GL_VALUE_AREA", "1", "between 0 and 1"),
        ("FLOW_GL_VALUE_AREA_STEP", "3", "1 or 2"),
        ("FLOW_GL_LVN_SMOOTH", "4", "expected an odd number"),
        ("FLOW_GL_SPEED", "0.01", "0.1 to 10000, or max"),
        ("FLOW_GL_SPEED", "nan", "0.1 to 10000, or max"),
        ("FLOW_GL_SIZE", "1600", "WIDTHxHEIGHT"),
        ("FLOW_GL_SIZE", "99999x900", "300 to 16384"),
        ("FLOW_GL_PALETTE", "pink", "dark, light or colour-blind"),
        ("FLOW_GL_CVD_RESET_TIMES", "9.30", "times of day like 09:30,16:00"),
        ("FLOW_GL_LOG_LEVEL", "loud", "debug, info, warning or error"),
        ("FLOW_GL_FPS", "inf", "1 to 1000"),
        ("FLOW_GL_SYMBOL", "NQ.v.0", "FLOW_GL_SYMBOL .environment. is not a setting; did you mean FLOW_GL_SYMBOLS"),
        ("FLOW_GL_API_KEY", "x", "is not a setting; did you mean DATABENTO_API_KEY|is not a setting"),
    ],
)
def test_an_invalid_variable_is_reported_with_name_value_and_what_is_allowed(
    variable: str, value: str, expected: str
) -> None:
    message = refusal(environment={variable: value})
    assert re.search(expected, message), message
    assert variable in message


def test_the_source_of_an_invalid_value_is_reported(files: tuple[Path, Path]) -> None:
    env, toml = files
    env.write_text("# mine\n\nFLOW_GL_ARM=none\n")
    toml.write_text("arm = 0\n")
    assert f"FLOW_GL_ARM, {env}, line 3" in refusal(env_file=env)
    assert str(toml) in refusal(config=toml)
    assert "--value-area-step" in refusal(flags={"value_area_step": "9"})


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"arn = 300\n", "arn is not a setting; did you mean arm?"),
        (b"[chart]\narm = 1\n", "chart is not a setting"),
        (b"arm = \n", "is not a valid TOML file: .*line 1"),
        (b"arm = 1\narm = 2\n", "is not a valid TOML file"),
        (b"\x00\xff\xfe", "cannot read|is no valid TOML"),
        (b"arm = [1]\n", r"arm was \[1\]"),
        (b"symbols = 3\n", "symbols was 3"),
    ],
)
def test_a_corrupt_config_file_is_one_line_with_its_name(
    files: tuple[Path, Path], content: bytes, expected: str
) -> None:
    files[1].write_bytes(content)
    message = refusal(config=files[1])
    assert re.search(expected, message), message
    assert str(files[1]) in message


def test_a_config_file_that_is_missing_or_a_folder_is_reported(tmp_path: Path) -> None:
    assert "No such file" in refusal(config=tmp_path / "none.toml")
    assert "directory" in refusal(config=tmp_path)


@pytest.mark.parametrize("content", [b"this is no line\n", b"\xff\xfe\x00"])
def test_a_corrupt_env_file_is_one_line_with_its_name(files: tuple[Path, Path], content: bytes) -> None:
    files[0].write_bytes(content)
    assert str(files[0]) in refusal(env_file=files[0])


def test_other_programs_lines_in_an_env_file_are_ignored(files: tuple[Path, Path]) -> None:
    files[0].write_text("POSTGRES_PASSWORD=x\nFLOW=1\n")
    assert load(env_file=files[0]) == Settings()


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        Settings().monitor = 5  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        Settings().aggregation.arm = 5  # type: ignore[misc]


def test_only_the_last_five_characters_of_the_key_are_shown() -> None:
    settings = load(environment={"DATABENTO_API_KEY": KEY})
    assert settings.shown_key == "****tsOwn"
    assert KEY not in repr(settings) + str(settings)
    assert settings.api_key is not None
    assert settings.api_key.get_secret_value() == KEY
    assert log.masked(f"refused: {KEY}!") == "refused: ****tsOwn!"
    assert load().shown_key == "not set"
    assert log.mask("short") == "****"


def test_an_invalid_key_is_not_shown(files: tuple[Path, Path]) -> None:
    files[1].write_text("api_key = 123456789012\n")
    message = refusal(config=files[1])
    assert "123456789012" not in message
    assert "api_key was ****89012" in message


def test_the_example_env_file_lists_every_setting_with_its_default() -> None:
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    assert text == config.example_env(), "write config.example_env() to .env.example"
    for name in DECLARED:
        assert f"#{config.variable_of(name)}=" in text


def test_the_example_env_file_uncommented_is_valid_and_changes_nothing(files: tuple[Path, Path]) -> None:
    files[0].write_text(re.sub(r"^#(?=[A-Z])", "", (ROOT / ".env.example").read_text(), flags=re.M))
    assert load(env_file=files[0]) == Settings()
