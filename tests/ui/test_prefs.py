"""Preferences are saved and rejected as a whole, and never prevent a start."""

import pytest

from flow_gl.core.settings import Settings
from flow_gl.layers.base import SHOWN_AT_FIRST
from flow_gl.ui.state import prefs
from flow_gl.ui.state.panel_layout import PanelPlaces, Place
from flow_gl.ui.state.view_state import ViewState


def test_preferences_are_restored(tmp_path):
    state = ViewState()
    state.open_panels, state.cvd_share, state.is_muted = {"feed", "session"}, 0.33, True
    state.filters.size_floor, state.filters.layers = 12, {"grid", "bubbles"}
    state.panel_places = PanelPlaces().put("feed", Place("float", 5.0, 6.0, 310.0, 420.0)).resize("left", 350.0)
    state.ui_scale = 1.5
    state.filters.has_cvd_candles = True
    state.time.fit(1000.0)
    state.time.set_span(600e9, 1000.0)
    saved = prefs.gather(state, width=1700, height=900, plot_width_px=1000.0)
    assert prefs.save(tmp_path / "deep" / "view.json", saved) == ""
    loaded, warning = prefs.load(tmp_path / "deep" / "view.json")
    assert (loaded, warning) == (saved, "")
    again = ViewState()
    prefs.apply(again, loaded, Settings())
    assert again.open_panels == {"feed", "session"}
    assert again.filters == state.filters
    assert again.time.span_ns == pytest.approx(600e9)
    assert again.cvd_share == 0.33
    assert again.panel_places == state.panel_places
    assert again.ui_scale == 1.5


def test_without_a_file_there_are_defaults_and_no_warning(tmp_path):
    assert prefs.load(tmp_path / "none.json") == (prefs.Preferences(), "")


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"[]",
        b'{"cvd_share": 7}',
        b'{"panels": 3}',
        b"\xff\xfe\x00",
        b'{"threshold": -1}',
        b'{"panel_places": {"feed": {"side": "above"}}}',
        b'{"ui_scale": 40}',
        b'{"width": 1e400}',
        b"null",
    ],
)
def test_a_damaged_file_gives_one_clear_warning_and_the_defaults(tmp_path, text):
    path = tmp_path / "view.json"
    path.write_bytes(text)
    loaded, warning = prefs.load(path)
    assert loaded == prefs.Preferences()
    assert str(path) in warning
    assert "\n" not in warning


def test_a_folder_in_place_of_the_file_also_gives_a_warning(tmp_path):
    loaded, warning = prefs.load(tmp_path)
    assert loaded == prefs.Preferences()
    assert warning
    assert prefs.save(tmp_path / "file" / "view.json", loaded) == ""
    (tmp_path / "plain").write_text("x")
    assert prefs.save(tmp_path / "plain" / "view.json", loaded)


def test_settings_override_preferences():
    state = ViewState()
    settings = Settings(
        palette="light", threshold=0.4, size_floor=9, span="60s", panels=("help", "nonsense"), scale=2.0
    )
    prefs.apply(state, prefs.Preferences(percentile=80.0, panels=["feed"], ui_scale=1.5), settings)
    assert state.palette.name == "light"
    assert (state.filters.threshold, state.filters.size_floor, state.filters.percentile) == (0.4, 9, 0.0)
    assert state.open_panels == {"help"}
    assert state.ui_scale == 2.0
    assert state.time.span_ns == 60e9


def test_names_unknown_to_this_version_are_ignored():
    state = ViewState()
    layers = {"grid": False, "gone": True}
    prefs.apply(state, prefs.Preferences(palette="mauve", panels=["gone"], shown_layers=layers), Settings())
    assert state.palette.name == "dark"
    assert state.open_panels == set()
    assert state.filters.layers == SHOWN_AT_FIRST - {"grid"}, "a layer that the file does not name keeps its default"
