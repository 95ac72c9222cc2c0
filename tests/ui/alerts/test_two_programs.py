"""Two programs that change `alerts.toml` at once: no change of either is lost, and one line says what happened."""

import threading
from dataclasses import replace

import msgspec
import pytest

from flow_gl.core.system.locked import locked
from flow_gl.ui.alerts import rule_file
from flow_gl.ui.alerts.rule_merge import Content, merged
from flow_gl.ui.alerts.rules import Rule

A, B, C = (Rule(name=name, when="bubble", least=100) for name in "abc")
A2, A3 = (msgspec.structs.replace(A, least=least) for least in (200, 300))
OFF = msgspec.structs.replace(A3, on=False)
RULES = {"A": A, "B": B, "C": C, "2": A2, "3": A3}


@pytest.mark.parametrize(
    ("known", "ours", "theirs", "expected", "both"),
    [
        ("A", "A", "A", [A], []),
        ("A", "AB", "AC", [A, B, C], []),
        ("A", "2", "A", [A2], []),
        ("A", "A", "3", [A3], []),
        ("A", "2", "2", [A2], []),
        ("A", "2", "3", [A2, OFF], ["a"]),
        ("AB", "A", "AB", [A], []),
        ("AB", "AB", "A", [A], []),
        ("AB", "B", "3B", [B, A3], []),
        ("AB", "2B", "B", [A2, B], []),
        ("AA", "AAA", "A2", [A, A2, A], []),
    ],
)
def test_what_only_one_program_changed_counts_and_what_both_changed_is_kept_twice(known, ours, theirs, expected, both):
    contents = [Content(tuple(RULES[letter] for letter in text), 0.5) for text in (known, ours, theirs)]
    found, names = merged(*contents)
    assert (list(found.rules), names) == (expected, both)


def test_a_changed_volume_counts():
    known = Content((), 0.5)
    assert merged(known, replace(known, volume=0.1), replace(known, volume=0.9))[0].volume == 0.1
    assert merged(known, known, replace(known, volume=0.9))[0].volume == 0.9


def test_rules_added_in_two_windows_are_both_in_the_file(tmp_path):
    path = tmp_path / "alerts.toml"
    one, other = rule_file.load(path), rule_file.load(path)
    usual = one.book.rules()
    one.book.add(A)
    assert one.save() == ""
    other.book.add(B)
    assert "another program has changed the rules" in other.save()
    assert rule_file.load(path).book.rules() == [*usual, B, A]
    other.book.add(C)
    assert other.save() == "", "it is said once"
    one.book.set_volume(0.1)
    one.save()
    assert set(rule_file.load(path).book.rules()) == {*usual, A, B, C}
    assert rule_file.load(path).book.volume == 0.1


def test_a_rule_that_both_windows_changed_is_kept_twice_and_named(tmp_path):
    path = tmp_path / "alerts.toml"
    path.write_text(rule_file.text_of(Content((A,), 0.5)))
    one, other = rule_file.load(path), rule_file.load(path)
    one.book.put(1, A3)
    one.save()
    other.book.put(1, A2)
    problem = other.save()
    assert problem == f"{path}: another program has changed a too; its version is kept, switched off"
    assert rule_file.load(path).book.rules() == [A2, OFF]


def test_a_file_that_was_damaged_meanwhile_is_put_aside(tmp_path):
    path = tmp_path / "alerts.toml"
    path.write_text(rule_file.text_of(Content((A,), 0.5)))
    kept = rule_file.load(path)
    path.write_text("[[rule]\n")
    kept.book.add(B)
    assert kept.save() == ""
    assert rule_file.load(path).book.rules() == [A, B]
    assert (tmp_path / "alerts.toml.damaged").read_text() == "[[rule]\n"


def test_a_program_waits_while_another_one_writes(tmp_path, monkeypatch):
    path = tmp_path / "alerts.toml"
    kept = rule_file.load(path)
    kept.book.add(A)
    with locked(path):
        monkeypatch.setattr(rule_file, "LOCK_S", 0.0)
        assert "another flow-gl is writing it" in kept.save()
        assert not path.exists()
        monkeypatch.setattr(rule_file, "LOCK_S", 60.0)
        kept.book.add(B)
        saving = threading.Thread(target=kept.save)
        saving.start()
    saving.join(60)
    assert rule_file.load(path).book.rules()[-2:] == [A, B]
