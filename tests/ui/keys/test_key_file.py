"""The file of keys: readable, checked line by line, and never in the way of a start."""

import tomllib
from pathlib import Path

import pytest

from flow_gl.ui.input.actions import ACTIONS, BY_NAME, FIXED
from flow_gl.ui.input.keymap import bind, key_label, keys_of, owner, reset, unbind
from flow_gl.ui.keys import names
from flow_gl.ui.keys.choices import KeyChoices
from flow_gl.ui.keys.key_file import load, text_of


def written(tmp_path: Path, lines: str) -> KeyChoices:
    path = tmp_path / "keys.toml"
    path.write_text(lines, encoding="utf-8")
    return load(path)


def test_every_usual_key_has_a_valid_name_of_its_own() -> None:
    keys = [key for action in ACTIONS for key in action.keys]
    assert [names.normal(key) for key in keys] == keys
    assert len(keys) == len(set(keys))
    for action in ACTIONS:
        assert keys_of(KeyChoices(), action.name) == action.keys


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("Ctrl+Shift+K", "ctrl+shift+k"),
        ("shift+ctrl+k", "ctrl+shift+k"),
        ("pgup", "page_up"),
        ("ctrl+Left", "ctrl+left_arrow"),
        ("?", "?"),
        ("F12", "f12"),
        ("f13", None),
        ("ctrl+[", None),
        ("ctrl+ctrl+a", None),
        ("hyper+a", None),
        ("", None),
        (" ", None),
        ("ä", None),
    ],
)
def test_a_spelling_denotes_one_key_or_none(given: str, found: str | None) -> None:
    assert names.normal(given) == found


def test_a_missing_file_gives_the_usual_keys(tmp_path: Path) -> None:
    choices = load(tmp_path / "keys.toml")
    assert (choices.changed(), choices.warning) == ({}, "")


def test_a_line_gives_an_action_other_keys(tmp_path: Path) -> None:
    choices = written(tmp_path, '[keys]\npause = ["f8", "ctrl+alt+p"]\nscreenshot = "f3"\nmute = []\n')
    assert choices.warning == ""
    assert keys_of(choices, "pause") == ("f8", "ctrl+alt+p")
    assert key_label(choices, "screenshot") == "F3"
    assert keys_of(choices, "mute") == ()
    assert owner(choices, "space") is None
    assert owner(choices, "f8") is BY_NAME["pause"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('pauze = "f8"', '"pauze" is not an action, did you mean "pause"?'),
        ('pause = "hyper+x"', 'pause: "hyper+x" is not a key'),
        ("pause = 5", 'pause: expected keys like ["f2", "ctrl+k"], was 5'),
        ('escape = "q"', 'the key of "escape" cannot be changed'),
        ('pause = "esc"', "pause: Esc always goes back and cannot be given to another action"),
        ('pause = "f8"\nmute = "f8"', "F8 is given to pause and to mute: pause keeps it"),
        ('pause = "m"', "M is given to pause, so mute has no key"),
    ],
)
def test_what_is_wrong_is_reported_in_one_line_and_the_rest_counts(tmp_path: Path, line: str, said: str) -> None:
    choices = written(tmp_path, f'[keys]\nclear = "f9"\n{line}\n')
    assert choices.warning == f"{tmp_path / 'keys.toml'}: {said}"
    assert keys_of(choices, "clear") == ("f9",)
    assert keys_of(choices, "escape") == ("escape",)


def test_a_file_that_is_not_toml_stops_nothing_and_is_kept_at_the_first_change(tmp_path: Path) -> None:
    choices = written(tmp_path, "[keys\npause = ")
    assert choices.warning.endswith("; the default keys are used")
    assert choices.changed() == {}
    assert bind(choices, "pause", "f8") == ""
    assert (tmp_path / "keys.toml.damaged").read_text(encoding="utf-8") == "[keys\npause = "
    assert keys_of(load(tmp_path / "keys.toml"), "pause") == ("space", "f8")


def test_the_file_lists_every_action_and_reads_back_what_was_written(tmp_path: Path) -> None:
    changed = {"pause": ("f8",), "mute": ()}
    text = text_of(changed)
    listed = {line.removeprefix("# ").split(" = ")[0] for line in text.splitlines() if " = " in line}
    assert listed == {action.name for action in ACTIONS} - FIXED
    choices = written(tmp_path, text)
    assert (choices.changed(), choices.warning) == (changed, "")
    # Without the comment signs it is the usual table: every key is spelt as it is read.
    bare = tomllib.loads("\n".join(line.removeprefix("# ") for line in text_of({}).splitlines() if " = " in line))
    assert {name: tuple(keys) for name, keys in bare.items()} == {a.name: a.keys for a in ACTIONS if a.name != "escape"}


def test_a_key_goes_from_one_action_to_another_and_back(tmp_path: Path) -> None:
    choices = load(tmp_path / "keys.toml")
    bind(choices, "pause", "d", instead_of="space")
    assert (keys_of(choices, "pause"), keys_of(choices, "controls")) == (("d",), ())
    assert load(tmp_path / "keys.toml").changed() == choices.changed()
    unbind(choices, "pause", "d")
    assert owner(choices, "d") is None
    reset(choices, "pause")
    reset(choices, "controls")
    assert choices.changed() == {}
    assert load(tmp_path / "keys.toml").changed() == {}


def test_keys_that_cannot_be_saved_are_reported_and_still_apply(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    choices = load(tmp_path / "file" / "keys.toml")
    said = bind(choices, "pause", "f8")
    assert said.startswith("cannot save the keys to ")
    assert keys_of(choices, "pause") == ("space", "f8")
