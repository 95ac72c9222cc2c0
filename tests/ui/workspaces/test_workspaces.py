"""A workspace survives its file exactly, is rejected as a whole, and a bad file never prevents a start."""

import json
import tomllib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flow_gl.core.settings import Settings
from flow_gl.layers.base import SHOWN_AT_FIRST
from flow_gl.ui.alerts.rules import RuleBook
from flow_gl.ui.alerts.templates import DEFAULT_RULES
from flow_gl.ui.state.arrangement import KINDS, Arrangement
from flow_gl.ui.state.panel_layout import PanelPlaces, Place
from flow_gl.ui.state.timeline import Timeline
from flow_gl.ui.state.view_state import ViewState
from flow_gl.ui.workspaces import workspace_file
from flow_gl.ui.workspaces.apply import apply, gather, override, recall
from flow_gl.ui.workspaces.manager import WorkspaceManager
from flow_gl.ui.workspaces.saved import SavedWorkspaces, is_name
from flow_gl.ui.workspaces.tree import (
    Alerts,
    Bubbles,
    Chart,
    Layout,
    Look,
    Memory,
    Panels,
    Time,
    WindowPlace,
    Workspace,
)


def changed_state() -> ViewState:
    """Return a state in which everything that a workspace keeps differs from the default."""
    state = ViewState()
    state.open_panels, state.are_panels_hidden = {"feed", "session"}, True
    state.cvd_share, state.is_muted, state.text_size, state.selected = 0.33, True, 1.5, 2
    state.filters.size_floor, state.filters.layers = 12, {"grid", "bubbles"}
    state.filters.threshold, state.filters.size_scale, state.filters.tape_floor = 0.31, 1.7, 7
    state.filters.has_cvd_candles = True
    state.panel_places = PanelPlaces().put("feed", Place("float", 5.0, 6.0, 310.0, 420.0)).resize("left", 350.0)
    state.arrangement = Arrangement("large_left", (("large", (0.7, 0.3)),))
    state.link_unit, state.is_time_linked = "ticks", False
    state.comparison_share = 0.31
    state.transport.is_shown = False
    state.folding = "all"
    state.lock_to(3)
    state.next_palette()
    state.drawings.rules = RuleBook(DEFAULT_RULES)
    state.time.fit(1000.0)
    state.time.set_span(600e9, 1000.0)
    return state


def test_everything_survives_the_file(tmp_path):
    state = changed_state()
    kept = gather(
        state, window=WindowPlace(monitor="DP-1", x=-40, y=9, width=900), plot_width_px=1000.0, symbols=["NQ.v.0"]
    )
    assert workspace_file.write(tmp_path / "deep" / "a.toml", kept) == ""
    loaded, problem = workspace_file.read(tmp_path / "deep" / "a.toml")
    assert (loaded, problem) == (kept, "")
    again = ViewState()
    again.drawings.rules = RuleBook(DEFAULT_RULES)
    apply(again, loaded)
    again.time.fit(1000.0)
    assert gather(again, window=kept.window, plot_width_px=1000.0, symbols=["NQ.v.0"]) == kept
    assert again.filters == state.filters
    assert (again.arrangement, again.panel_places, again.palette) == (
        state.arrangement,
        state.panel_places,
        state.palette,
    )
    assert {*kept.alerts.on, *kept.alerts.off} == {rule.name for rule in DEFAULT_RULES}


texts = st.text(st.characters(blacklist_categories=("Cs",)), max_size=20)
names = st.lists(texts, max_size=3)
workspaces = st.builds(
    Workspace,
    window=st.builds(WindowPlace, monitor=texts, x=st.integers(-99, 99), width=st.integers(0, 9), maximized=...),
    layout=st.builds(
        Layout,
        charts=st.sampled_from(list(KINDS)),
        alone=st.integers(0, 9),
        shares=st.dictionaries(texts, st.lists(st.floats(0.001, 1.0), max_size=4), max_size=2),
    ),
    look=st.builds(Look, palette=texts, text_size=st.floats(0.75, 3)),
    time=st.builds(Time, span_s=st.floats(1e-3, 1e7), bucket=st.integers(-1, 20)),
    bubbles=st.builds(Bubbles, percentile=st.floats(0, 99), tape_floor=st.integers(1, 99), threshold=st.just(0.25)),
    layers=st.dictionaries(texts, st.booleans(), max_size=3),
    panels=st.builds(Panels, open=names, place=st.dictionaries(texts, st.just(Place("left")), max_size=2)),
    alerts=st.builds(Alerts, on=names, off=names),
    chart=st.lists(
        st.builds(
            Chart,
            symbol=texts,
            compare=texts,
            compare_as=st.sampled_from(["difference", "ratio"]),
            compare_times=st.floats(0.001, 1000.0),
        ),
        max_size=9,
    ),
    memory=st.none() | st.builds(Memory, workspace=texts, used_hints=names),
)


@given(workspaces)
def test_any_workspace_survives_its_text(workspace):
    text = workspace_file.text_of(workspace)
    assert msgspec.convert(tomllib.loads(text), Workspace) == workspace


@pytest.mark.parametrize(
    "text",
    [
        b"{",
        b"\xff\xfe\x00",
        b"layout = 3",
        b"[layout]\ncvd_share = 7",
        b"[layout]\ncharts = 'sideways'",
        b"[[chart]]\ncompare_as = 'sum'",
        b"[[chart]]\ncompare_times = 0",
        b"[panels]\nopen = 3",
        b"[bubbles]\nthreshold = -1",
        b"[panels.place.feed]\nside = 'above'",
        b"[look]\ntext_size = 40",
        b"[window]\nwidth = 1e400",
        b"[layout.shares]\nrows = [0.5, -1.0]",
        b"chart = [" + b"{}, " * 20 + b"]",
        b"a = " + b"[" * 5000,
    ],
)
def test_a_damaged_file_gives_one_clear_line_and_is_kept_aside(tmp_path, text):
    path = tmp_path / "last.toml"
    path.write_bytes(text)
    loaded, warning = SavedWorkspaces(tmp_path).load_last()
    assert loaded == Workspace()
    assert str(path) in warning
    assert "last.toml.damaged; using defaults" in warning
    assert "\n" not in warning
    assert (tmp_path / "last.toml.damaged").read_bytes() == text
    assert not path.exists()
    path.write_bytes(text)
    SavedWorkspaces(tmp_path).load_last()
    assert (tmp_path / "last.toml.damaged-2").exists(), "the first one is not overwritten"


def test_without_a_file_there_are_defaults_and_no_warning(tmp_path):
    assert SavedWorkspaces(tmp_path / "none").load_last() == (Workspace(), "")
    assert SavedWorkspaces().load_last() == (Workspace(), "")


def test_a_folder_in_place_of_the_file_is_a_warning_and_nothing_can_be_saved_there(tmp_path):
    (tmp_path / "last.toml").mkdir()
    saved = SavedWorkspaces(tmp_path)
    loaded, warning = saved.load_last()
    assert loaded == Workspace()
    assert "cannot read" in warning
    assert "cannot save" in saved.save_last(loaded, Memory())


def test_the_view_that_an_earlier_version_left_is_taken_over(tmp_path):
    old = {
        "palette": "light",
        "panels": ["feed"],
        "shown_layers": {"grid": False},
        "span_s": 600.0,
        "width": 700,
        "height": 400,
        "panel_places": {"feed": {"side": "float", "x": 5.0, "y": 6.0, "width": 310.0, "height": 420.0}},
        "recent_actions": ["fold"],
    }
    (tmp_path / "view.json").write_text(json.dumps(old))
    saved = SavedWorkspaces(tmp_path / "workspaces")
    loaded, warning = saved.load_last()
    state = ViewState()
    apply(state, loaded)
    recall(state, loaded.memory)
    assert warning == ""
    assert (state.palette.name, state.open_panels, state.recent_actions) == ("light", {"feed"}, ["fold"])
    assert state.filters.layers == SHOWN_AT_FIRST - {"grid"}
    assert (loaded.window.width, loaded.window.height, loaded.time.span_s) == (700, 400, 600.0)
    assert state.panel_places.place("feed").side == "float"
    saved.save_last(Workspace(look=Look(palette="dark")), Memory())
    assert saved.load_last()[0].look.palette == "dark", "it is read only once"
    (tmp_path / "view.json").write_text("[]")
    assert SavedWorkspaces(tmp_path / "other").load_last() == (Workspace(), "")


def test_settings_override_what_was_left():
    state = ViewState()
    settings = Settings(
        palette="light", threshold=0.4, size_floor=9, span="60s", panels=("help", "nonsense"), text_size=2.0
    )
    left = Workspace(
        bubbles=Bubbles(percentile=80.0), panels=Panels(open=["feed"], hidden=True), look=Look(text_size=1.5)
    )
    apply(state, left)
    override(state, settings)
    assert state.palette.name == "light"
    assert (state.filters.threshold, state.filters.size_floor, state.filters.percentile) == (0.4, 9, 0.0)
    assert (state.open_panels, state.are_panels_hidden) == ({"help"}, False)
    assert state.text_size == 2.0
    assert state.time.span_ns == 60e9


def test_a_span_of_weeks_is_kept_even_if_the_data_are_too_short_to_show_it():
    state = ViewState()
    apply(state, Workspace(time=Time(span_s=1e6)))
    state.time.fit(1000.0)
    state.time.fit(1000.0, 10**18 + 10**9, Timeline(first_ns=10**18))
    assert state.time.shown_ns < 1e14
    assert gather(state, plot_width_px=1000.0).time.span_s == pytest.approx(1e6)
    override(state, Settings(span="10d"))
    state.time.reset(1000.0)
    state.time.fit(1000.0, 10**18 + 10**9, Timeline(first_ns=10**18))
    assert state.time.shown_ns == pytest.approx(864e12), "a span that was asked for is shown"


def test_names_unknown_to_this_version_are_ignored():
    state = ViewState()
    layers = {"grid": False, "gone": True}
    apply(state, Workspace(look=Look(palette="mauve"), panels=Panels(open=["gone"]), layers=layers))
    assert state.palette.name == "dark"
    assert state.open_panels == set()
    assert state.filters.layers == SHOWN_AT_FIRST - {"grid"}, "a layer that the file does not name keeps its default"


@pytest.fixture(params=["in a folder", "without one"])
def manager(request, tmp_path):
    folder = tmp_path / "workspaces" if request.param == "in a folder" else None
    return WorkspaceManager(ViewState(workspaces=SavedWorkspaces(folder)), 1000.0, ["NQ.v.0"])


def test_a_workspace_is_kept_as_it_is_left(manager):
    state = manager.state
    assert manager.save_as(" scalp ") == "workspace scalp saved"
    state.open_panels = {"feed"}
    assert manager.save_as("overview") == "workspace overview saved"
    state.cvd_share = 0.4
    assert manager.switch("scalp") == "workspace scalp"
    assert (state.open_panels, state.cvd_share) == (set(), 0.2)
    assert manager.switch("overview") == "workspace overview"
    assert (state.open_panels, state.cvd_share) == ({"feed"}, 0.4)
    assert manager.switch("overview") == "workspace overview is in use"
    assert state.workspaces.names() == ["overview", "scalp"]


def test_switching_turns_alert_rules_on_and_off(manager):
    book = manager.state.drawings.rules = RuleBook(DEFAULT_RULES)
    first, rule = book.items()[0]
    manager.save_as("loud")
    book.put(first, msgspec.structs.replace(rule, on=not rule.on))
    manager.save_as("quiet")
    manager.switch("loud")
    assert book.get(first) == rule
    manager.switch("quiet")
    assert book.get(first).on is not rule.on


def test_workspaces_are_renamed_and_deleted(manager):
    manager.save_as("a")
    manager.save_as("b")
    assert manager.rename("b", "A") == "there is already a workspace a"
    assert manager.rename("b", "") == "a workspace needs a name"
    assert manager.rename("b", "c") == "b is now c"
    assert manager.state.workspaces.current == "c"
    assert manager.delete("a") == "workspace a deleted"
    assert manager.state.workspaces.names() == ["c"]
    assert manager.switch("a") == "there is no workspace a"


def test_a_damaged_workspace_is_reported_and_changes_nothing(tmp_path):
    manager = WorkspaceManager(ViewState(workspaces=SavedWorkspaces(tmp_path)), 1000.0, [])
    manager.save_as("a")
    manager.save_as("b")
    (tmp_path / "a.toml").write_text("[layout]\ncharts = 7\n")
    assert "a.toml is damaged" in manager.switch("a")
    assert manager.state.workspaces.current == "b"
    assert manager.state.workspaces.names() == ["b"]
    assert (tmp_path / "a.toml.damaged").exists()


def test_a_workspace_goes_to_another_machine_as_a_file(tmp_path):
    ours = WorkspaceManager(changed_state(), 1000.0, ["NQ.v.0", "ES.v.0"])
    path = tmp_path / "my view.toml"
    assert ours.export(str(path)) == f"exported to {path}"
    text = path.read_text()
    assert 'charts = "large_left"' in text
    assert '[[chart]]\nsymbol = "NQ.v.0"' in text
    theirs = WorkspaceManager(ViewState(workspaces=SavedWorkspaces(tmp_path / "there")), 1000.0, [])
    assert theirs.import_file(str(path)) == "workspace my view imported"
    assert theirs.state.arrangement == ours.state.arrangement
    assert theirs.import_file(str(path)) == "workspace my view 2 imported"
    assert theirs.import_file(str(tmp_path / "none.toml")) == f"there is no file {tmp_path / 'none.toml'}"
    path.write_text("{")
    assert "is not a workspace" in theirs.import_file(str(path))
    assert path.read_text() == "{", "a file of the user's is never moved"


def test_the_workspace_in_use_is_remembered(tmp_path):
    manager = WorkspaceManager(ViewState(workspaces=SavedWorkspaces(tmp_path)), 1000.0, [])
    manager.save_as("scalp")
    manager.state.cvd_share = 0.5
    assert manager.state.workspaces.save_last(manager.shown(), Memory(used_hints=["zoom"])) == ""
    again = SavedWorkspaces(tmp_path)
    last, _ = again.load_last()
    assert (again.current, last.layout.cvd_share, last.memory.used_hints) == ("scalp", 0.5, ["zoom"])
    assert again.read("scalp")[0].layout.cvd_share == 0.5, "it is saved under its name too"
    assert again.read("scalp")[0].memory is None


@pytest.mark.parametrize("name", ["", " ", "a/b", "..", ".a", "last", "Last", "x" * 41, "a\nb", "a:b", " a"])
def test_names_that_no_file_can_have_are_refused(name):
    assert not is_name(name)


def test_usual_names_are_names():
    assert all(map(is_name, ["scalp", "1 open", "NQ + ES", "Übersicht", "a.b"]))
