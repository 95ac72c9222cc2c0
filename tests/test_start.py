"""`flow-gl` without a command: what the start screen offers, and what a choice opens."""

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from flow_gl.cli import draw, recent, start
from flow_gl.cli.options import Drawing
from flow_gl.cli.recent import Recent
from flow_gl.core import config
from flow_gl.core.errors import FlowError
from flow_gl.core.settings import Settings
from flow_gl.core.spec import DemoSpec, FilesSpec, LiveSpec, RemoteSpec
from flow_gl.ui.link import LinkState
from flow_gl.ui.start import Choice, StartScreen
from flow_gl.view.engine_link.supervisor import EngineLink
from flow_gl.view.start_link import StartLink
from tests.kit.waiting import until

COMMANDS = {"demo", "replay", "connect"}


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return config.load({"record_dir": str(tmp_path / "recordings")}, env_file=None, environment={})


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ([], []),
        (["demo", "--seed", "2"], ["demo", "--seed", "2"]),
        (["--help"], ["--help"]),
        (["day.dbn.zst", "--speed", "60"], ["replay", "day.dbn.zst", "--speed", "60"]),
        (["days/a.csv", "days/b.csv"], ["replay", "days/a.csv", "days/b.csv"]),
        (["./nameless"], ["replay", "./nameless"]),
        (["ws://127.0.0.1:8080"], ["connect", "ws://127.0.0.1:8080"]),
        (["dmeo"], ["dmeo"]),
    ],
)
def test_a_file_alone_is_replayed_and_an_address_is_a_server(given: list[str], meant: list[str]) -> None:
    assert start.with_command(given, COMMANDS) == meant


def test_a_display_is_expected_where_the_environment_names_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    assert not start.has_display({})
    assert start.has_display({"DISPLAY": ":0"})
    assert start.has_display({"WAYLAND_DISPLAY": "wayland-0"})
    monkeypatch.setattr("sys.platform", "darwin")
    assert start.has_display({})


def test_the_screen_offers_recent_feeds_sessions_and_live_with_a_key(settings: Settings, tmp_path: Path) -> None:
    day = tmp_path / "day.csv"
    day.write_text("")
    (tmp_path / "recordings").mkdir()
    (tmp_path / "recordings" / "GLBX.MDP3-20251128.dbn.zst").write_bytes(b"x" * 1000)
    recent.note(recent.default_path(), Recent("files", (str(tmp_path / "gone.csv"),)))
    recent.note(recent.default_path(), Recent("server", ("ws://desk:1/ws",)))
    recent.note(recent.default_path(), Recent("files", (str(day), str(day))))
    screen = start.offers(settings, lambda _: "")
    assert [(one.title, one.choice.kind) for one in screen.recent] == [
        ("day.csv and 1 more", "files"),
        ("ws://desk:1/ws", "server"),
        ("gone.csv", "files"),
    ]
    assert screen.recent[2].detail == "no longer there"
    assert [one.title for one in screen.sessions] == ["2025-11-28"]
    assert screen.live == ()
    keyed = replace(settings, api_key=SecretStr("db-" + "x" * 29))
    assert start.offers(keyed, lambda _: "").live == settings.symbols


def test_a_choice_is_a_feed_or_a_reason(settings: Settings, tmp_path: Path) -> None:
    day = tmp_path / "day.csv"
    day.write_text("")
    found = [
        start.feed_of(choice, settings)[0]
        for choice in (
            Choice("demo"),
            Choice("files", (str(day),)),
            Choice("server", ("ws://127.0.0.1:8080",)),
        )
    ]
    assert [type(one) for one in found] == [DemoSpec, FilesSpec, RemoteSpec]
    keyed = replace(settings, api_key=SecretStr("db-" + "x" * 29))
    assert isinstance(start.feed_of(Choice("live"), keyed)[0], LiveSpec)
    for choice, reason in (
        (Choice("files", (str(tmp_path / "none.csv"),)), "there is no such file"),
        (Choice("server", ("desk",)), "expected an address like"),
        (Choice("live"), "no Databento key"),
    ):
        with pytest.raises(FlowError, match=reason):
            start.feed_of(choice, settings)


def test_the_screen_stays_with_the_reason_until_a_feed_is_open() -> None:
    answers = ["there is no such file", ""]
    screen = StartScreen(lambda _: answers.pop(0))
    screen.choose(Choice("files", ("x",)))
    assert (screen.is_open, screen.problem) == (True, "there is no such file")
    screen.choose(Choice("demo"))
    assert (screen.is_open, screen.problem) == (False, "")
    screen.fail("not a DBN file")
    assert (screen.is_open, screen.problem) == (True, "not a DBN file")


def test_recent_feeds_are_kept_newest_first_each_once(tmp_path: Path) -> None:
    path = tmp_path / "recent.toml"
    assert recent.load(path) == []
    for number in range(recent.MAX_FILES + 3):
        recent.note(path, Recent("files", (f'/data/"{number}" \u00e4.csv',)))
    recent.note(path, Recent("files", ('/data/"9" \u00e4.csv',)))
    found = [one.values[0] for one in recent.load(path)]
    assert found[:2] == ['/data/"9" \u00e4.csv', f'/data/"{recent.MAX_FILES + 2}" \u00e4.csv']
    assert len(found) == len(set(found)) == recent.MAX_FILES


@pytest.mark.parametrize("text", ["[[recent", "recent = 5", '[[recent]]\nkind = "x"\nvalues = ["a"]', "\udcff"])
def test_a_damaged_list_counts_as_empty_and_is_replaced(tmp_path: Path, text: str) -> None:
    path = tmp_path / "recent.toml"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    assert recent.load(path) == []
    recent.note(path, Recent("server", ("ws://desk:1/ws",)))
    assert recent.load(path) == [Recent("server", ("ws://desk:1/ws",))]


def test_a_list_that_cannot_be_saved_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    path = tmp_path / "file" / "recent.toml"
    recent.note(path, Recent("server", ("ws://desk:1/ws",)))
    draw.note_recent(FilesSpec(paths=("/a.csv",)), path)
    assert recent.load(path) == []


def test_a_file_that_no_engine_can_read_leads_back_to_the_screen_with_the_reason(
    settings: Settings, tmp_path: Path
) -> None:
    garbage = tmp_path / "day.dbn"
    garbage.write_bytes(b"no trades here")
    drawing = Drawing()
    link = StartLink()

    def opened(choice: Choice) -> str:
        feed, _ = start.feed_of(choice, settings)
        spec = draw.engine_spec(feed, settings, drawing, draw.kept_rules(drawing))
        link.open(EngineLink.start(spec))
        return ""

    screen = link.screen = start.offers(settings, opened)
    with closing(link):
        assert link.poll() is LinkState.STARTING
        screen.choose(Choice("files", (str(garbage),)))
        assert not screen.is_open
        until(lambda: screen.is_open, "the screen did not come back", step=link.poll)
        assert "day.dbn" in screen.problem
        assert (link.state, link.exit_code, link.engine, link.markets) == (LinkState.STARTING, 0, None, [])
    assert link.exit_code == 0
