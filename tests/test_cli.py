"""The command line: every bad input is one line on standard error and a documented exit code, never a traceback."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from flow_gl.cli import draw
from flow_gl.cli.main import app, run
from flow_gl.cli.options import seconds
from flow_gl.core import config
from flow_gl.core.errors import EXIT_DATA, DataError, FeedError, FlowError
from flow_gl.core.settings import DECLARED, DEFAULTS, DRAWING
from flow_gl.core.spec import DemoSpec, FilesSpec, LiveSpec
from flow_gl.dbn.writing import write_dbn
from tests.core.test_settings import another
from tests.kit.scripted_feed import trades

KEY = "db-ThisIsNoRealKeyOnlyATestsOwn"
Shown = list[tuple[object, object, object]]


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Shown:
    """Collect (feed, settings, drawing) of each command instead of starting an engine and a view."""
    calls: Shown = []

    def show(feed: object, settings: object, drawing: object, **_: object) -> int:
        calls.append((feed, settings, drawing))
        return 0

    monkeypatch.setattr(draw, "show", show)
    return calls


@pytest.fixture
def day(tmp_path: Path) -> Path:
    path = tmp_path / "day.dbn.zst"
    rows = np.concatenate([trades(np.linspace(0, 60, 500).tolist()).rows, trades([61.0], instrument_id=2).rows])
    write_dbn(path, rows, symbols={1: "NQZ5", 2: "NQH6"})
    return path


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str]:
    code = run([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("flow-gl: error: ")
    assert err.count("\n") == 1
    assert "Traceback" not in err
    return code, err


@pytest.mark.parametrize(
    ("line", "code", "expected"),
    [
        ("dmeo", 2, "No such command 'dmeo'"),
        ("demo --fsp 30", 2, "No such option: --fsp"),
        ("demo --fps 0", 2, "fps was '0' (--fps): expected: limit of frames per second, 1 to 1000"),
        ("demo --size 1600", 2, "WIDTHxHEIGHT"),
        ("demo --size 5x5", 2, "300 to 16384 pixels"),
        ("demo --duration 0", 2, "--duration: expected 0.1 to 31536000 seconds, got 0"),
        ("demo --duration nan", 2, "--duration"),
        ("demo --duration 3x", 2, "--duration: expected a number with its unit"),
        ("demo --seed -1", 2, "'--seed'"),
        ("demo --monitor -1", 2, "monitor was '-1'"),
        ("demo --palette pink", 2, "dark, light or colour-blind"),
        ("demo --screenshot /nowhere/x.png", 2, "there is no folder /nowhere"),
        ("demo --record /nowhere/x.mp4", 2, "there is no folder /nowhere"),
        (
            "demo --panels foo",
            2,
            "expected some of controls, session, feed, performance, tape, alerts, workspaces, keys, help, got 'foo'",
        ),
        ("demo --rate 5000000", 2, "rate must be above 0 and at most 1,000,000 trades a second, was 5,000,000"),
        ("demo --rate 0", 2, "rate must be above 0"),
        ("demo --rate nan", 2, "rate must be above 0"),
        ("demo --symbols FOO", 2, "the synthetic market trades NQ"),
        ("demo --symbols NQ,NQ", 2, "given twice"),
        ("demo --halt 5s:0s", 2, "must begin at a finite time and last over 0 seconds"),
        ("demo --burst 5s:5s:0", 2, "a burst's factor must be above 0"),
        ("demo --burst 5s:5s:5000", 2, "at most 1,000"),
        ("demo --scale 9", 2, "0.5 to 4"),
        ("demo --span 1s", 2, "expected 5s to 1440h"),
        ("demo --lvn-smooth 4", 2, "expected an odd number"),
        ("demo --cvd-reset-times 25:00", 2, "times of day like 09:30,16:00"),
        ("replay /nowhere.dbn --from 9h30", 2, "expected a time like 09:30 or 2025-11-28T14:30, got '9h30'"),
        ("replay /nowhere.dbn --from 2025-02-30", 2, "got '2025-02-30'"),
        (f"live --api-key {KEY} --archive redis://me:secret@x", 2, "postgresql://USER@HOST/DATABASE"),
        ("demo --halt 5s", 2, "--halt: expected a start and a length like 5s:90s"),
        ("demo --halt x:90s", 2, "--halt"),
        ("demo --burst 5s:90s", 2, "--burst: expected a start, a length and a factor"),
        ("demo --speed 20000", 2, "0.1 to 10000, or max"),
        ("demo --config /nowhere.toml", 2, "cannot read the config file /nowhere.toml"),
        ("replay", 2, "expected files, or --session with a trade date"),
        ("replay x.dbn --session 2025-11-28", 2, "expected files, or --session with a trade date"),
        ("replay --session yesterday", 2, "expected a trade date like 2025-11-28, got 'yesterday'"),
        ("replay --session 2025-11-28 --record-dir /nowhere", 3, "no recording of GLBX.MDP3 of 2025-11-28"),
        ("sessions --archive redis://x", 2, "archive"),
        ("download --symbols NQ.v.0 --start 2025-11-28", 4, "no Databento key"),
        ("download --symbols NQ.v.0 --start soon", 2, "--start"),
        ("download --start 2025-11-28", 2, "Missing option '--symbols'"),
        ("replay /nowhere.dbn", 3, "/nowhere.dbn: there is no such file"),
        ("replay /tmp", 3, "/tmp is a folder"),
        ("replay /nowhere.dbn --speed 0", 2, "speed was '0'"),
        ("replay /nowhere.dbn --bucket 1ms", 2, "one of 100ms, 200ms"),
        ("live", 4, "no Databento key: set DATABENTO_API_KEY"),
        (f"live --api-key {KEY} --gateway-port 0", 2, "gateway_port was '0'"),
        (f"live --api-key {KEY} --serve --metrics 9100", 2, "/metrics is on the server's port"),
        ("demo --metrics 0", 2, "'--metrics'"),
        ("demo --bus localhost:4222", 2, "expected an address like nats://127.0.0.1:4222"),
        ("demo --bus nats://me:secret@one:x", 2, "expected an address like nats://127.0.0.1:4222"),
        ("connect nats://me:secret@", 2, "expected an address like nats://127.0.0.1:4222"),
        ("serve --from http://127.0.0.1:8080", 2, "expected an address like ws://127.0.0.1:8080"),
        ("serve --from nats://one/path", 2, "expected an address like nats://127.0.0.1:4222"),
        (f"live --api-key {KEY} --stype-in magic", 2, "continuous, parent, raw_symbol or instrument_id"),
        (f"live --api-key {KEY} --symbols A,A", 2, "each symbol may be given only once"),
        (f"live --api-key {KEY} --keep-days -1", 2, "0 to 36500"),
        (f"live --api-key {KEY} --keep-gb 0", 2, "at least 0.1"),
        ("export /nowhere.dbn --out /tmp/x", 3, "there is no such file"),
        ("export /nowhere.dbn", 2, "Missing option '--out'"),
        ("export /nowhere.dbn --out /tmp/x --format xml", 2, "'xml' is not one of 'parquet', 'csv'"),
        ("bench nothing", 2, "there is no benchmark nothing"),
        ("bench soak", 2, "run python -m benchmarks.soak"),
    ],
)
def test_a_wrong_command_line_is_one_line_and_its_exit_code(
    line: str, code: int, expected: str, capsys: pytest.CaptureFixture[str], shown: Shown
) -> None:
    found, err = refused(capsys, *line.split())
    assert (found, expected in err) == (code, True), err
    assert KEY not in err
    assert "secret" not in err
    assert shown == []


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "empty"),
        (b"hello, this is no market data\n", "column"),
        (b"DBN\x07rubbish", "day.dbn"),
        (b"\x28\xb5\x2f\xfd" + b"\x00" * 50, "day.dbn"),
        (b"PK\x03\x04" + b"\x00" * 50, "zip archive"),
    ],
)
def test_export_reports_a_file_with_an_invalid_start(
    content: bytes, expected: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "day.dbn"
    path.write_bytes(content)
    code, err = refused(capsys, "export", path, "--out", tmp_path / "out")
    assert code == 3
    assert expected in err
    assert "day.dbn" in err


def test_demo_passes_its_options_on(shown: Shown) -> None:
    flags = "--seed 7 --rate 2e4 --symbols NQ,ES --halt 5s:90s --burst 1m:5s:20 --speed max --size 800x600"
    assert run(["demo", *flags.split(), "--headless"]) == 0
    feed, settings, drawing = shown[0]
    assert feed == DemoSpec(
        seed=7, rate=20_000.0, symbols=("NQ", "ES"), halts=((5.0, 90.0),), bursts=((60.0, 5.0, 20.0),), speed=None
    )
    assert settings.size_px == (800, 600)  # type: ignore[attr-defined]
    assert drawing.headless  # type: ignore[attr-defined]


def test_replay_passes_on_absolute_paths_symbols_and_time(
    shown: Shown, day: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(day.parent)
    line = ["replay", day.name, "--symbol", "NQZ5,NQH6", "--from", "09:30", "--speed", "60", "--arm", "100"]
    assert run(line) == 0
    feed, settings, _ = shown[0]
    assert feed == FilesSpec(paths=(str(day),), symbols=("NQZ5", "NQH6"), from_time="09:30", speed=60.0)
    assert settings.aggregation.arm == 100  # type: ignore[attr-defined]


def test_snapshots_go_to_the_cache_folder_unless_flags_say_otherwise(
    shown: Shown, day: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FLOW_GL_CACHE")
    for flags, expected in (
        ((), (True, False)),
        (("--no-cache",), (False, False)),
        (("--cache",), (True, False)),
        (("--cache-beside",), (True, True)),
    ):
        assert run(["replay", str(day), *flags]) == 0
        feed, _, _ = shown[-1]
        assert isinstance(feed, FilesSpec)
        assert (feed.cache, feed.cache_beside) == expected
    monkeypatch.setenv("FLOW_GL_CACHE_BESIDE", "true")
    for flags, is_beside in (((), True), (("--no-cache-beside",), False)):
        assert run(["replay", str(day), *flags]) == 0
        feed, _, _ = shown[-1]
        assert isinstance(feed, FilesSpec)
        assert feed.cache_beside is is_beside


def test_live_passes_on_everything_but_the_key(shown: Shown, tmp_path: Path) -> None:
    line = ["live", "--api-key", KEY, "--symbols", "NQ.FUT", "--stype-in", "parent", "--gateway-port", "13001"]
    line += ["--record-dir", str(tmp_path), "--keep-days", "0", "--keep-gb", "2.5", "--archive", "off"]
    assert run(line) == 0
    feed, settings, _ = shown[0]
    assert feed == LiveSpec(
        symbols=("NQ.FUT",),
        stype_in="parent",
        port=13001,
        record_dir=str(tmp_path),
        keep_days=0,
        keep_gb=2.5,
        archive="off",
    )
    assert KEY not in repr(feed) + repr(settings)


def test_interruption_ends_with_130(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(*_: object, **__: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(draw, "show", interrupted)
    assert run(["demo"]) == 130
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    "error", [DataError("a\nb"), FeedError(f"refused {KEY}"), FlowError("x"), RuntimeError("boom")]
)
def test_any_failure_of_a_command_is_one_line(
    error: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def failing(*_: object, **__: object) -> int:
        raise error

    monkeypatch.setattr(draw, "show", failing)
    code, err = refused(capsys, "demo")
    assert code == getattr(error, "exit_code", 1)
    assert KEY not in err
    assert run(["demo", "--debug"]) == code
    err = capsys.readouterr().err
    assert err.splitlines()[-1].startswith("flow-gl: error: ")
    assert ("Traceback" in err) == isinstance(error, RuntimeError), "where a fault of the program is, and nothing else"


def test_without_a_command_and_without_a_display_the_help_is_printed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    assert run([]) == 0
    out, err = capsys.readouterr()
    assert "flow-gl demo" in out
    assert err == ""


@pytest.mark.parametrize(
    ("error", "code", "expected"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "/full/file"), 6, "/full/file: No space left on device"),
        (OSError(errno.EROFS, "Read-only file system", "/ro"), 6, "/ro: Read-only file system"),
        (MemoryError(), 6, "out of memory"),
        (OSError(errno.EINVAL, "Invalid argument"), 1, "internal error"),
    ],
)
def test_a_missing_system_library_ends_with_6(
    error: Exception, code: int, expected: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def failing(*_: object, **__: object) -> int:
        raise error

    monkeypatch.setattr(draw, "show", failing)
    found, err = refused(capsys, "demo")
    assert (found, expected in err) == (code, True), err


def test_each_setting_has_its_flag() -> None:
    import typer

    assert run(["--help"]) == 0, "the commands are there once the program has been called"
    command = typer.main.get_command(app)
    flags = {
        option
        for sub in command.commands.values()  # type: ignore[attr-defined]
        for parameter in sub.params
        for option in (*parameter.opts, *parameter.secondary_opts)
    }
    assert {flag for declared in DECLARED.values() for flag in declared.flag.split("/")} <= flags


@pytest.mark.parametrize("command", DRAWING)
def test_every_flag_of_a_setting_reaches_it(command: str, shown: Shown, day: Path) -> None:
    needed = [declared for declared in DECLARED.values() if command in declared.setting.commands]
    given = {"replay": [str(day)], "connect": ["ws://127.0.0.1:8080"]}.get(command, [])
    line, expected = [command, *given], {}
    for declared in needed:
        text = another(declared)
        on, _, off = declared.flag.partition("/")
        line += [on if text == "true" else off] if off else [on, text]
        expected[declared.name] = text
    assert run(line) == 0
    asked = config.load(expected, env_file=None)
    assert shown[0][1] == asked != DEFAULTS


@pytest.mark.parametrize(("flag", "name"), [("--screenshot", "a.jpg"), ("--record", "a.avi"), ("--record", "a.png")])
def test_a_picture_or_video_of_an_unknown_format_is_refused(
    flag: str, name: str, tmp_path: Path, shown: Shown, capsys: pytest.CaptureFixture[str]
) -> None:
    code, err = refused(capsys, "demo", flag, tmp_path / name)
    assert (code, name in err, shown) == (2, True, [])
    assert run(["demo", "--screenshot", str(tmp_path / "a.PNG"), "--record", str(tmp_path / "a.MP4")]) == 0


@pytest.mark.parametrize("flag", ["--screenshot", "--record"])
def test_an_unwritable_folder_is_reported_before_the_start(
    flag: str, tmp_path: Path, shown: Shown, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    code, err = refused(capsys, "demo", flag, tmp_path / "a")
    assert (code, str(tmp_path) in err, shown) == (6, True, [])
    monkeypatch.undo()
    code, err = refused(capsys, "demo", flag, tmp_path)
    assert (code, "this is a folder" in err) == (2, True)


@pytest.mark.parametrize(
    ("variable", "value", "code"), [("NUMBA_DISABLE_JIT", "1", 2), ("PYOPENGL_PLATFORM", "osmesa", 5)]
)
def test_an_environment_that_breaks_a_library_is_one_clear_line(
    variable: str, value: str, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(variable, value)
    found, err = refused(capsys, "demo", "--headless")
    assert (found, f"{variable}={value}" in err, "unset it" in err) == (code, True, True), err


def test_export_writes_the_tables_and_lists_them(day: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "tables"
    assert run(["export", str(day), "--out", str(out), "--format", "csv", "--bucket", "10s"]) == 0
    assert "501 trades" in capsys.readouterr().out
    assert {path.name for path in out.iterdir()} == {
        *("bubbles.csv", "cvd.csv", "profile.csv", "events.csv", "levels.csv", "order_cvd.csv"),
        *("ribbon.csv", "rolls.csv"),
        "levels.json",
    }


def test_export_keeps_the_trades_before_damage_and_ends_with_3(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cut = tmp_path / "cut.dbn"
    rows = trades(np.linspace(0, 60, 500).tolist()).rows
    write_dbn(cut, rows, symbols={1: "NQZ5"})
    cut.write_bytes(cut.read_bytes()[:-20])
    assert run(["export", str(cut), "--out", str(tmp_path / "out")]) == 3
    out, err = capsys.readouterr()
    assert "499 trades" in out
    *notes, err = err.splitlines()
    assert all(note.startswith("flow-gl: note: ") for note in notes)
    assert "cut.dbn" in err
    assert (tmp_path / "out" / "levels.json").exists()


def test_a_recorded_session_is_replayed_by_its_date(shown: Shown, tmp_path: Path) -> None:
    path = tmp_path / "GLBX.MDP3-20251128.dbn.zst"
    write_dbn(path, trades([0.0, 1.0]).rows, symbols={1: "NQZ5"})
    assert run(["replay", "--session", "2025-11-28", "--record-dir", str(tmp_path)]) == 0
    assert shown[0][0] == FilesSpec(paths=(str(path),))


def test_sessions_lists_recordings_and_reports_an_empty_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    archive = f"sqlite:///{tmp_path / 'none.db'}"
    assert run(["sessions", "--archive", archive, "--record-dir", str(tmp_path)]) == 0
    assert "contains no sessions" in capsys.readouterr().out
    write_dbn(tmp_path / "GLBX.MDP3-20251128.dbn.zst", trades([0.0]).rows, symbols={1: "NQZ5"})
    assert run(["sessions", "--archive", archive, "--record-dir", str(tmp_path)]) == 0
    assert "recorded: 2025-11-28" in capsys.readouterr().out


def test_an_unknown_symbol_is_reported_with_the_symbols_there_are(
    day: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, err = refused(capsys, "export", day, "--out", tmp_path / "out", "--symbol", "ESZ5")
    assert code == 3
    assert "NQZ5" in err


@pytest.mark.parametrize("command", ["demo", "replay", "live", "export", "sessions", "download", "doctor"])
def test_every_command_explains_itself_with_its_flags(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([command, "--help"]) == 0
    text = capsys.readouterr().out
    assert f"flow-gl {command}" in text
    assert "--debug" in text


def test_the_help_lists_commands_and_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    text = capsys.readouterr().out
    for word in ("demo", "replay", "live", "export", "doctor", "bench", "130", "interrupted"):
        assert word in text


def test_benchmarks_are_found_by_module_and_their_flags_by_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "fast.py").write_text(
        '"""Measure how fast."""\nfrom pathlib import Path\n\n\n'
        "def run(*, trades: int = 5, json_path: Path | None = None) -> dict[str, int]:\n"
        "    json_path.write_text(str(trades))\n    return {}\n"
    )
    (tmp_path / "helper.py").write_text("def other(): ...\n")
    monkeypatch.setattr("flow_gl.bench.__path__", [str(tmp_path)])
    monkeypatch.setattr("flow_gl.bench.__file__", str(tmp_path / "__init__.py"))
    assert run(["bench"]) == 0
    listed = next(line for line in capsys.readouterr().out.splitlines() if line.strip().startswith("Benchmarks:"))
    assert listed.strip() == "Benchmarks: fast", "a module without a run is none"
    assert run(["bench", "fast", "--trades", "9", "--json", str(tmp_path / "r.json")]) == 0
    assert (tmp_path / "r.json").read_text() == "9"
    assert run(["bench", "fast", "--help"]) == 0
    assert "Measure how fast." in capsys.readouterr().out
    code, err = refused(capsys, "bench", "fast", "--trades", "many")
    assert code == 2
    assert "--trades" in err


def test_help_imports_nothing_heavy() -> None:
    program = (
        "import sys\nfrom flow_gl.cli.main import run\nrun(['--help'])\n"
        "heavy = {'numba', 'pandas', 'databento', 'OpenGL', 'imgui_bundle', 'glfw', 'pyarrow', 'numpy', 'pydantic'}\n"
        "sys.exit(', '.join(sorted(heavy & set(sys.modules))) or 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_program_replays_a_day_into_a_picture(day: Path, tmp_path: Path) -> None:
    picture = tmp_path / "day.png"
    command = [sys.executable, "-m", "flow_gl", "replay", str(day), "--speed", "max", "--headless", "--size", "640x400"]
    done = subprocess.run([*command, "--screenshot", str(picture)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_a_file_that_is_not_market_data_is_reported_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "day.dbn"
    path.write_bytes(b"DBN\x09 no such version")
    command = [sys.executable, "-m", "flow_gl", "replay", str(path), "--headless"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert done.stderr.startswith("flow-gl: error: ")
    assert done.stderr.count("\n") == 1


def test_a_closed_output_pipe_is_not_an_error() -> None:
    done = subprocess.run(
        f"{sys.executable} -m flow_gl --help | true", shell=True, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""


def test_a_bad_file_is_reported_before_a_missing_display(tmp_path: Path) -> None:
    path = tmp_path / "notes.dbn"
    path.write_text("hello\n")
    environment = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    ended = subprocess.run(
        [sys.executable, "-m", "flow_gl", "replay", str(path)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == EXIT_DATA
    assert ended.stderr.count("\n") == 1
    assert "notes.dbn" in ended.stderr


@pytest.mark.parametrize(
    ("text", "duration_s"), [("10", 10.0), ("1.5", 1.5), ("500ms", 0.5), ("2m", 120.0), ("7h", 25_200.0)]
)
def test_a_duration_is_seconds_or_has_a_unit(text: str, duration_s: float) -> None:
    assert seconds(text) == duration_s
