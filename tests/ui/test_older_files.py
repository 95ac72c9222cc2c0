"""Files as an earlier version wrote them load with their names of today."""

from decimal import Decimal
from pathlib import Path

import pytest

from flow_gl.layers.base import LAYERS, SHOWN_AT_FIRST
from flow_gl.ui.alerts import rule_file
from flow_gl.ui.alerts.rules import LEVEL_WORDS
from flow_gl.ui.drawings.drawing_file import load as load_drawings
from flow_gl.ui.input.actions import BY_NAME
from flow_gl.ui.input.keymap import keys_of
from flow_gl.ui.keys import key_file
from flow_gl.ui.renamed import ACTIONS, RULE_LEVELS
from flow_gl.ui.renamed import LAYERS as RENAMED_LAYERS
from flow_gl.ui.state.view_state import ViewState
from flow_gl.ui.workspaces import older, workspace_file
from flow_gl.ui.workspaces.apply import apply, recall

WORKSPACE = """# A workspace of flow_gl: the main window with its layout, look, layers, panels and charts,
# alerts, and each other window as a [[further_window]]. Left out: the default.
# The program writes this file when the workspace is left; comments are not kept.

[window]
monitor = "DP-1"
x = 10
y = 20
width = 1600
height = 900
maximized = false
fullscreen = false

[layout]
charts = "auto"
alone = 0
cvd_share = 0.2
compare_share = 0.2
link = "percent"

[layers]
levels = true
own_levels = false
drawings = true

[[chart]]
symbol = "NQ.v.0"
link = 0
compare = ""
compare_as = "difference"
compare_times = 1

[alerts]
muted = true
off = []
on = []

[[further_window]]

[further_window.window]
monitor = "HDMI-1"
x = 0
y = 0
width = 800
height = 600
maximized = false
fullscreen = false

[further_window.layers]
own_levels = false

[[further_window.chart]]
symbol = "ES.v.0"
link = 0
compare = ""
compare_as = "difference"
compare_times = 1

[memory]
workspace = ""
feed = ["NQ.v.0", "ES.v.0"]
recent_actions = ["own_level", "layer_own_levels", "pause"]
used_hints = ["zoom"]
"""

KEYS = """# Keys of flow_gl. Remove the # before an action to give it other keys; [] takes all of them away.

[keys]

# Drawing
own_level = ["f8", "ctrl+alt+p"]  # Place an own level
# edit_level = ["e"]  # Edit a level or drawing; again: the next one
layer_own_levels = ["f9"]  # Show Own levels
"""

RULES = """# Alert rules of flow_gl. docs/alerts.md lists what `when`, `event`, `level` and `do` may be.
volume = 0.40

[[rule]]
name = "Price at 25,400"
on = true
when = "level"
level = "own"
price = 25400.25
do = ["sound", "log"]

[[rule]]
name = "Own level 25,377.00"
on = false
when = "level"
price = 25377.00
symbol = "NQ"
do = ["flash"]
drawing = "3fa9c2d1"
"""

DRAWINGS = """
[[level]]
symbol = "NQ"
price = 25377
name = "Weekly high"
color = "pink"
since = 2026-11-16T14:32:07Z
id = "3fa9c2d1"
"""


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_every_new_name_exists_and_no_old_one_does() -> None:
    assert set(ACTIONS.values()) <= set(BY_NAME)
    assert not set(ACTIONS) & set(BY_NAME)
    assert set(RENAMED_LAYERS.values()) <= set(LAYERS)
    assert not set(RENAMED_LAYERS) & set(LAYERS)
    assert set(RULE_LEVELS.values()) <= set(LEVEL_WORDS)
    assert not set(RULE_LEVELS) & set(LEVEL_WORDS)


def test_a_workspace_keeps_its_layers_its_windows_and_its_recent_commands(tmp_path: Path) -> None:
    loaded, problem = workspace_file.read(written(tmp_path / "last.toml", WORKSPACE))
    assert loaded is not None
    assert problem == ""
    assert [(one.window.monitor, one.chart[0].symbol) for one in loaded.secondary_window] == [("HDMI-1", "ES.v.0")]
    state = ViewState()
    apply(state, loaded)
    assert state.filters.layers == SHOWN_AT_FIRST - {"custom_levels"}
    recall(state, loaded.memory)
    assert state.recent_actions == ["custom_level", "layer_custom_levels", "pause"]
    assert loaded.secondary_window[0].layers == {"custom_levels": False}
    text = workspace_file.text_of(loaded)
    assert "further_window" not in text
    assert workspace_file.read(written(tmp_path / "again.toml", text)) == (loaded, "")


def test_a_name_of_today_wins_over_an_old_one(tmp_path: Path) -> None:
    text = "[layers]\ncustom_levels = true\nown_levels = false\n[[further_window]]\n[[secondary_window]]\n"
    loaded, _ = workspace_file.read(written(tmp_path / "both.toml", text))
    assert loaded is not None
    assert loaded.layers == {"custom_levels": True}
    assert len(loaded.secondary_window) == 1


@pytest.mark.parametrize("text", ["layers = 3", "memory = 4", "further_window = 5", "further_window = [6]"])
def test_a_value_of_a_wrong_type_is_reported_as_before(tmp_path: Path, text: str) -> None:
    loaded, problem = workspace_file.read(written(tmp_path / "wrong.toml", text))
    assert loaded is None
    assert "is damaged (Expected" in problem


def test_the_file_before_workspaces_keeps_its_layers(tmp_path: Path) -> None:
    path = written(tmp_path / "view.json", '{"palette": "light", "shown_layers": {"own_levels": false}}')
    loaded = older.read(path)
    assert loaded is not None
    assert (loaded.look.palette, loaded.layers) == ("light", {"custom_levels": False})


def test_keys_stay_with_their_actions(tmp_path: Path) -> None:
    choices = key_file.load(written(tmp_path / "keys.toml", KEYS))
    assert choices.warning == ""
    assert keys_of(choices, "custom_level") == ("f8", "ctrl+alt+p")
    assert keys_of(choices, "layer_custom_levels") == ("f9",)


def test_alert_rules_keep_their_price(tmp_path: Path) -> None:
    kept = rule_file.load(written(tmp_path / "alerts.toml", RULES))
    assert (kept.warning, kept.book.volume) == ("", 0.4)
    assert [(rule.level, rule.price, rule.on, rule.drawing) for rule in kept.book.rules()] == [
        ("custom", Decimal("25400.25"), True, ""),
        ("custom", Decimal("25377.00"), False, "3fa9c2d1"),
    ]


def test_drawings_load(tmp_path: Path) -> None:
    kept = load_drawings(written(tmp_path / "drawings.toml", DRAWINGS))
    (level,) = kept.book.levels("NQ")
    assert (kept.warning, level.name, level.price, level.color) == ("", "Weekly high", 25_377 * 10**9, "pink")
